/** What a simulation of trust is made of: its nodes, how each is set up, and what was done to them so far. */

import { fingerprintOf, parseTenant, type Fingerprint, type TenantId } from '../identity.js';
import type { NodeOptions } from '../node-options.js';
import { LIMITS } from '../limits.js';
import type { MemoryNetwork } from './memory-link.js';
import type { SeededRandom } from './seeded-random.js';
import { SimNode, type SimNodeOptions } from './sim-node.js';
import type { Past } from './trust-sim-past.js';
import type { VirtualTime } from './virtual-time.js';

export const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin'];

export const ACME = tenantOf('acme');
export const GLOBEX = tenantOf('globex');
/** In some seeds the configuration of every node names its primary, who never grants the last node anything. */
export const INITECH = tenantOf('initech');
export const TENANTS: readonly TenantId[] = [ACME, GLOBEX, INITECH];

export type Settings = NonNullable<SimNodeOptions['settings']>;

/** Bounds so low that small histories reach them. */
const TIGHT = {
  segmentSpans: 8,
  batchSpans: 4,
  entriesPerWant: 8,
  entriesFrameBytes: 2048,
  indexRows: 100,
  logFileBytes: 16 * 1024,
  batchCacheBytes: 64 * 1024,
  feedsListed: 4,
  compareFanout: 3,
};

/** Runs `work` with low bounds, and puts them back. */
export async function underTightLimits<T>(work: () => Promise<T>): Promise<T> {
  const limits: Record<string, number> = LIMITS;
  const usual = { ...limits };
  Object.assign(limits, TIGHT);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(TIGHT)) limits[name] = usual[name] ?? 0;
  }
}

/** One of the nodes, with what it is told and what it has promised. */
export interface Citizen {
  readonly machine: SimNode;
  readonly settings: Settings;
  /** Addresses that its configuration lists. */
  readonly configured: readonly string[];
  /** By id, the tenant of each span that it has acknowledged, and when. */
  readonly promised: Map<string, { readonly tenant: TenantId; readonly atMs: number }>;
  backedUpAtMs: number;
  /** All that it has had, the present one last. */
  readonly keys: Uint8Array[];
}

export interface TrustWorld {
  readonly random: SeededRandom;
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly citizens: readonly Citizen[];
  /** Pairs of names that list each other from the start. */
  readonly links: readonly (readonly [string, string])[];
  /** Where the configuration names the primary of INITECH: the one who is never granted anything there. */
  readonly outsider: Citizen | undefined;
  readonly past: Past;
  /** Something happened: counted by kind, and kept in the trace. */
  note(kind: string, detail: string): void;
  /** A check had something to look at: counted, and no part of the trace. */
  saw(kind: string): void;
  fail(reason: string): void;
}

export function keyOf(citizen: Citizen): Fingerprint {
  return fingerprintOf(citizen.machine.keyPair.publicKey);
}

/** Who is whose neighbour, what is configured, and how each looks at others: all of it by chance. */
export function settle(
  parts: Pick<SimNodeOptions, 'time' | 'network' | 'bug' | 'onEvent'> & {
    readonly random: SeededRandom;
    readonly seed: number;
  },
): Pick<TrustWorld, 'citizens' | 'links' | 'outsider'> {
  const { random, seed } = parts;
  const links = drawLinks(random);
  const isConfigured = links.map(() => random.chance(60));
  const hasPrimary = random.chance(50);
  const acmePrimary = random.chance(25);
  const settings = NAMES.map(() => drawSettings(random));
  const citizens = NAMES.map((name, i): Citizen => {
    const configured = links.flatMap(([a, b], j) =>
      isConfigured[j] !== true || (a !== name && b !== name) ? [] : [a === name ? b : a],
    );
    const own: { -readonly [K in keyof Settings]: Settings[K] } = { ...settings[i] };
    const machine = new SimNode({ ...parts, name, peers: configured, seed: seed * 211 + i, settings: own });
    const keys = [machine.keyPair.publicKey];
    return { machine, settings: own, configured, promised: new Map(), backedUpAtMs: 0, keys };
  });
  const primaries = new Map<TenantId, Uint8Array>();
  const [first, second] = citizens;
  if (hasPrimary && first !== undefined) primaries.set(INITECH, first.machine.keyPair.publicKey);
  if (acmePrimary && second !== undefined) primaries.set(ACME, second.machine.keyPair.publicKey);
  // The settings are read at each start, and keys are known only now.
  for (const { settings: own } of citizens) Object.assign(own, { primaries });
  return { citizens, links, outsider: hasPrimary ? citizens.at(-1) : undefined };
}

function drawSettings(random: SeededRandom): Settings {
  const trust = random.pick<NonNullable<NodeOptions['trust']>>([
    {},
    {},
    {},
    { follow: false },
    { depth: 2, vouchers: 1 },
    { depth: 2, vouchers: 2 },
  ]);
  const tenants = random.chance(10) ? [ACME, INITECH] : ('*' as const);
  return { tenants, trust };
}

/** A full mesh, a line, or any connected graph. */
function drawLinks(random: SeededRandom): readonly (readonly [string, string])[] {
  const shape = random.below(4);
  const links: (readonly [string, string])[] = [];
  for (const [i, name] of NAMES.entries()) {
    for (const [j, other] of NAMES.slice(0, i).entries()) {
      const isNext = j === i - 1;
      if (shape < 2 || isNext || (shape === 3 && random.chance(40))) links.push([other, name]);
    }
  }
  return links;
}

function tenantOf(name: string): TenantId {
  const tenant = parseTenant(name);
  if (tenant === undefined) throw new RangeError(`${name} is no tenant`);
  return tenant;
}
