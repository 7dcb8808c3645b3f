/** Whether nodes of a simulation say of trust and access what follows from the statements they hold, in whatever order. */

import { AccessRules } from '../access.js';
import { barOf } from '../cuts.js';
import { lastRange, splitFeedKey, type Feed } from '../feed.js';
import { fingerprintOf, tenantOfAccess, tenantOfTimeline, TRUST_SCOPE } from '../identity.js';
import { createTools } from '../node/system.js';
import { firstStampOf, isSameBar } from '../shell/feed-bars.js';
import { claimsIn, stopsIn } from '../shell/keeper-facts.js';
import { isOfAccess, isOfTrust, readStatements } from '../shell/statement-log.js';
import { TrustGraph } from '../trust.js';
import type { SeededRandom } from './seeded-random.js';
import { TENANTS, keyOf, type Citizen, type TrustWorld } from './trust-sim-world.js';

const TOOLS = createTools();

interface Fold {
  readonly citizen: Citizen;
  readonly graph: TrustGraph;
  readonly rules: AccessRules;
  /** The hashes of what it rests on. */
  readonly trusted: ReadonlySet<string>;
}

/** The first answer that does not follow. */
export async function checkFolds(world: TrustWorld): Promise<string | undefined> {
  const folds: Fold[] = [];
  for (const citizen of world.citizens) {
    const fold = await foldAnew(citizen, world.random);
    folds.push(fold);
    const wrong = checkRelations(fold, world) ?? checkAccess(fold) ?? (await checkBars(fold, world));
    if (wrong !== undefined) return `${citizen.machine.name}: ${wrong}`;
  }
  return checkFollowers(folds, world);
}

/** The statements that a node holds, in an order of their own. */
async function foldAnew(citizen: Citizen, random: SeededRandom): Promise<Fold> {
  const { machine, settings } = citizen;
  const { storage, keyPair } = machine;
  if (storage === undefined) throw new Error(`${machine.name} is not up`);
  const graph = new TrustGraph({
    root: keyPair.publicKey,
    crypto: TOOLS.crypto,
    ...(settings.trust && { settings: settings.trust }),
  });
  const { tenants = '*', primaries } = settings;
  const rules = new AccessRules({
    trust: graph,
    settings: { tenants, ...(primaries && { primaries }) },
  });
  const entries = [];
  for await (const entry of readStatements(storage.feeds(), { storage, tools: TOOLS })) entries.push(entry);
  const trusted = new Set<string>();
  for (const { scope, placed } of shuffle(entries, random)) {
    const tenant = tenantOfAccess(scope);
    for (const one of placed) {
      if (scope === TRUST_SCOPE) trusted.add(one.hash.join('.'));
      if (isOfTrust(one)) graph.add(one);
      else if (tenant !== undefined && isOfAccess(one)) rules.add(tenant, one);
    }
  }
  for (const [key, from] of stopsIn(storage.facts())) {
    const parts = splitFeedKey(key);
    const tenant = parts === undefined ? undefined : tenantOfAccess(parts.scope);
    if (parts !== undefined && tenant !== undefined)
      rules.setProvisional(tenant, parts.origin, parts.epoch, from);
  }
  for (const [tenant, key] of claimsIn(storage.facts())) rules.setClaim(tenant, key);
  return { citizen, graph, rules, trusted };
}

/** Levels, whatever the hellos said. */
function checkRelations({ citizen, graph }: Fold, { citizens }: TrustWorld): string | undefined {
  const relationships = citizen.machine.node?.operator.relationships() ?? [];
  for (const other of citizens) {
    if (other === citizen) continue;
    const key = keyOf(other);
    const shown = relationships.find(({ fingerprint }) => fingerprint === key)?.level;
    const levels = [graph.levelOf(key, false), graph.levelOf(key, true)];
    if (shown === undefined ? levels[1] !== 'unknown' : !levels.includes(shown))
      return `${other.machine.name} is ${shown ?? 'not listed'}, and by the statements ${levels.join(' or ')}`;
  }
  return undefined;
}

function checkAccess({ citizen, rules }: Fold): string | undefined {
  const { node } = citizen.machine;
  for (const tenant of TENANTS) {
    const shown = node?.operator.accessOf(tenant);
    if (shown === undefined) continue;
    const primary = rules.primaryOf(tenant);
    if (shown.primary?.fingerprint !== primary)
      return `the primary of ${tenant} is ${shown.primary?.fingerprint}, and by the statements ${primary}`;
    if (shown.isFederated !== rules.federates(tenant)) return `${tenant} is federated: ${shown.isFederated}`;
    if (shown.rivals.join() !== rules.rivals(tenant).join()) return `rivals of ${tenant} differ`;
    for (const { fingerprint, read, write } of shown.grants) {
      const rights = rules.rightsOf(tenant, fingerprint);
      if (rights.read !== read || rights.write !== write)
        return `the rights of ${fingerprint} in ${tenant} are ${read} ${write}, and by the statements ${rights.read} ${rights.write}`;
    }
  }
  return undefined;
}

/** Every bar of a timeline is where the cuts say; statements have none. A provisional one stays where it was put first, so that one is given. */
async function checkBars({ citizen, graph, rules }: Fold, world: TrustWorld): Promise<string | undefined> {
  const { storage, name } = citizen.machine;
  for (const feed of storage?.feeds() ?? []) {
    const parts = splitFeedKey(feed.key);
    if (storage === undefined || parts === undefined || tenantOfTimeline(parts.scope) === undefined) continue;
    const said = barOf(
      {
        ...parts,
        firstStamp: await firstStampOf(feed, storage),
        nextSeq: (lastRange(feed)?.to ?? 0) + 1,
        kept: feed.bar?.from,
      },
      { trust: graph, access: rules },
    );
    const bar = said && { from: said.from, reason: said.reason, provisional: said.provisional };
    if (bar !== undefined) world.saw(bar.provisional ? 'provisional_bar' : 'bar');
    const stop = feed.bar?.provisional === true ? feed.bar.from : undefined;
    const was = world.past.wandered(name, feed.key, stop);
    if (was !== undefined)
      return `${name} barred ${parts.scope} of ${fingerprintOf(parts.origin)} at ${was} for now, and now at ${stop}`;
    if (!isSameBar(feed.bar, bar))
      return `${name} bars ${parts.scope} of ${fingerprintOf(parts.origin)} at ${describe(feed.bar)}, and the cuts say ${describe(bar)}`;
  }
  return undefined;
}

function describe(bar: Feed['bar']): string {
  return bar === undefined ? 'nothing' : `${bar.from} (${bar.reason}${bar.provisional ? ', for now' : ''})`;
}

/** Two who follow the same keys, each other among them, and hold the same statements, agree on who has ended. */
function checkFollowers(folds: readonly Fold[], world: TrustWorld): string | undefined {
  for (const a of folds) {
    for (const b of folds) {
      if (a === b || !isSameSet(a.trusted, b.trusted)) continue;
      if (a.graph.followed().join() !== b.graph.followed().join()) continue;
      // Each believes its own word whatever others say of it.
      if ([a, b].some((fold) => overrides(fold, folds))) continue;
      if (a.graph.hasEnded(keyOf(b.citizen)) || b.graph.hasEnded(keyOf(a.citizen))) continue;
      for (const { citizen } of folds) {
        const key = keyOf(citizen);
        if (citizen === a.citizen || citizen === b.citizen) continue;
        if (a.graph.hasEnded(key)) world.saw('common_revocation');
        if (a.graph.hasEnded(key) !== b.graph.hasEnded(key))
          return `${a.citizen.machine.name} and ${b.citizen.machine.name} know the same, and disagree on ${citizen.machine.name}`;
      }
    }
  }
  return undefined;
}

/** Whether a node goes its own way about anybody. */
function overrides({ graph }: Fold, folds: readonly Fold[]): boolean {
  const keys = folds.flatMap(({ citizen }) => citizen.keys.map(fingerprintOf));
  return keys.some((key) => graph.endsOf(key).overridden.length > 0);
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}

function shuffle<T>(items: readonly T[], random: SeededRandom): readonly T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]] as [T, T];
  }
  return shuffled;
}
