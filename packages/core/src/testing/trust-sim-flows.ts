/** Whether all has flowed in a simulation of trust that may, between nodes that verify each other, and nothing that must not. */

import { equalBytes } from '../bytes.js';
import { headerOfAccepted, splitEntry, type Header } from '../entry.js';
import { emptyFeed, positionOf, scopeOfFeed, splitFeedKey, type Feed } from '../feed.js';
import { acceptedRanges, missingRanges } from '../holdings.js';
import {
  accessScope,
  fingerprintOf,
  tenantOfTimeline,
  timelineScope,
  TRUST_SCOPE,
  type Scope,
} from '../identity.js';
import { isPrimary } from './trust-sim-acts.js';
import { createTools } from '../node/system.js';
import { HoldingsTable } from '../shell/holdings-table.js';
import type { PeerInfo } from '../shell/peer-info.js';
import { PeerBook } from '../shell/peer-book.js';
import { TrustKeeper } from '../shell/trust-keeper.js';
import { SeededRandom } from './seeded-random.js';
import { INITECH, TENANTS, type Citizen, type TrustWorld } from './trust-sim-world.js';

const TOOLS = createTools();
const SCOPES: readonly Scope[] = [
  TRUST_SCOPE,
  ...TENANTS.flatMap((tenant) => [accessScope(tenant), timelineScope(tenant)]),
];

/** A node's judgement, formed anew from what its store holds. */
interface Judge {
  readonly citizen: Citizen;
  readonly keeper: TrustKeeper;
  readonly feeds: ReadonlyMap<string, Feed>;
}

/** The first thing that has not flowed, or that has without a right. */
export async function checkFlows(world: TrustWorld): Promise<string | undefined> {
  const judges = await Promise.all(world.citizens.map(judgeOf));
  for (const from of judges) {
    for (const to of judges) {
      if (from === to) continue;
      const unheard = checkHearsay(from, to);
      if (unheard !== undefined) return unheard;
      if (!areAcquainted(from, to)) continue;
      const wrong = checkLink(from, to) ?? (await checkPair(world, from, to));
      if (wrong !== undefined) return `${from.citizen.machine.name} → ${to.citizen.machine.name}: ${wrong}`;
    }
  }
  return checkOutsider(world) ?? checkWriters(world);
}

async function judgeOf(citizen: Citizen): Promise<Judge> {
  const { machine, settings, configured } = citizen;
  const { storage, keyPair } = machine;
  if (storage === undefined) throw new Error(`${machine.name} is not up`);
  const book = new PeerBook(storage.facts(), new SeededRandom(1));
  for (const address of configured) book.list(address, { key: undefined, source: 'configured' });
  const { tenants = '*', primaries, trust } = settings;
  const keeper = await TrustKeeper.open({
    ownKey: keyPair.publicKey,
    tools: TOOLS,
    storage,
    table: new HoldingsTable([...storage.feeds()].reverse()),
    book,
    trust,
    access: { tenants, ...(primaries && { primaries }) },
    onChange: () => undefined,
    onEvent: () => undefined,
  });
  return { citizen, keeper, feeds: new Map([...storage.feeds()].map((feed) => [feed.key, feed])) };
}

/** Both trust each other, and one of them knows where the other is. */
function areAcquainted(a: Judge, b: Judge): boolean {
  const [ours, theirs] = [a, b].map(({ citizen }) => citizen.machine.keyPair.publicKey);
  if (ours === undefined || theirs === undefined) return false;
  return a.keeper.trusts(theirs) && b.keeper.trusts(ours) && (lists(a, b) || lists(b, a));
}

/** Nobody goes on saying that a peer trusts it which says that it does not whenever they meet. */
function checkHearsay(a: Judge, b: Judge): string | undefined {
  const [ours, theirs] = [a, b].map(({ citizen }) => citizen.machine.keyPair.publicKey);
  if (ours === undefined || theirs === undefined || b.keeper.trusts(ours)) return undefined;
  const key = fingerprintOf(theirs);
  const peer = peerOf(a, b);
  if (peer?.fingerprint !== key || a.keeper.graph.levelOf(key, false) !== 'pending') return undefined;
  return peer.trustLevel === 'verified'
    ? `${a.citizen.machine.name} shows ${b.citizen.machine.name} as verified, who does not trust it`
    : undefined;
}

function lists(a: Judge, b: Judge): boolean {
  return peerOf(a, b) !== undefined;
}

function peerOf(a: Judge, b: Judge): PeerInfo | undefined {
  return a.citizen.machine.node?.peers().find(({ address }) => address === b.citizen.machine.name);
}

function checkLink(a: Judge, b: Judge): string | undefined {
  const peer = peerOf(a, b);
  if (peer === undefined || peer.status === 'connected') return undefined;
  return `they trust each other, and are not connected: ${peer.lastError}`;
}

/** Everything that one accepts, and may give, and the other may take, is held there. */
async function checkPair(world: TrustWorld, from: Judge, to: Judge): Promise<string | undefined> {
  const [ours, theirs] = [from, to].map(({ citizen }) => citizen.machine.keyPair.publicKey);
  if (ours === undefined || theirs === undefined) return undefined;
  for (const scope of SCOPES) {
    if (!from.keeper.rightsOf(theirs, scope).read || !to.keeper.rightsOf(ours, scope).write) continue;
    for (const feed of from.feeds.values()) {
      if (scopeOfFeed(feed.key) !== scope) continue;
      world.saw('flow');
      const [missing] = missingRanges(to.feeds.get(feed.key)?.ranges ?? [], acceptedRanges(feed));
      if (missing === undefined) continue;
      const header = await headerAt(from, feed, missing.from);
      const held = to.feeds.get(feed.key) ?? emptyFeed(feed.key);
      const why = to.keeper.refuses(header, held) ?? outOfPlace(held, header);
      if (why !== undefined) world.saw('kept_out');
      else
        return `${describe(feed)} ${missing.from} to ${missing.to} is missing, and nothing speaks against it`;
    }
  }
  return undefined;
}

function outOfPlace(feed: Feed, header: Header): string | undefined {
  const { kind } = positionOf(feed, header);
  return kind === 'gap' || kind === 'barred' ? kind : undefined;
}

async function headerAt({ citizen }: Judge, feed: Feed, seq: number): Promise<Header> {
  const page = await citizen.machine.storage?.entries(feed.key, { from: seq, to: seq, bytesMost: 1 });
  const parts = page?.[0] === undefined ? undefined : splitEntry(page[0].bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  if (header === undefined) throw new Error(`${describe(feed)} ${seq} is held and cannot be read`);
  return header;
}

function describe(feed: Feed): string {
  const parts = splitFeedKey(feed.key);
  return `${parts?.scope} of ${fingerprintOf(parts?.origin ?? new Uint8Array())}`;
}

/** Who was never granted anything of a tenant has nothing of it but what it wrote, and nobody has that. */
function checkOutsider(world: TrustWorld): string | undefined {
  const { citizens, outsider } = world;
  if (outsider === undefined) return undefined;
  const scope = timelineScope(INITECH);
  world.saw('outsider');
  for (const { machine } of citizens) {
    for (const { key } of machine.storage?.feeds() ?? []) {
      const parts = splitFeedKey(key);
      if (parts?.scope !== scope) continue;
      const isOfOutsider = outsider.keys.some((key) => equalBytes(key, parts.origin));
      if (isOfOutsider !== (machine === outsider.machine))
        return `${machine.name} holds ${scope} ${isOfOutsider ? 'of' : 'beside'} ${outsider.machine.name}, without a right`;
    }
  }
  return undefined;
}

/** Where the primary is configured, nobody else's spans are held but of those whom it has ever granted to write. */
function checkWriters(world: TrustWorld): string | undefined {
  for (const { machine } of world.citizens) {
    for (const { key, ranges } of machine.storage?.feeds() ?? []) {
      const parts = splitFeedKey(key);
      const tenant = tenantOfTimeline(parts?.scope ?? '');
      if (parts === undefined || tenant === undefined || ranges.length === 0) continue;
      const writer = world.citizens.find(({ keys }) => keys.some((one) => equalBytes(one, parts.origin)));
      const isRuled = world.citizens.some((citizen) => isPrimary(citizen, tenant));
      if (!isRuled || writer === undefined || writer.machine === machine || isPrimary(writer, tenant))
        continue;
      world.saw('granted_writer');
      if (!world.past.mayEverWrite(tenant, writer.machine.name))
        return `${machine.name} holds spans of ${writer.machine.name} in ${tenant}, who was never granted to write there`;
    }
  }
  return undefined;
}
