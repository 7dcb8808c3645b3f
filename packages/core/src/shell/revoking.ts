/** How an operator cuts a key off and releases what was cut: statements of one commit, and a report of what falls by them. */

import { toHex } from '../bytes.js';
import { LoglineError } from '../errors.js';
import { lastRange, type Feed, type FeedKey } from '../feed.js';
import {
  accessScope,
  fingerprintOf,
  tenantOfContent,
  TRUST_SCOPE,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from '../identity.js';
import { LIMITS } from '../limits.js';
import type { EpochCut, Statement } from '../statement.js';
import type { ActsWorld } from './acts.js';
import type { Pen } from './jobs.js';
import {
  cutFeed,
  feedsOfOrigin,
  nameOfFeed,
  planCuts,
  type CuttingWorld,
  type PlannedCut,
} from './cutting.js';
import type { FeedCut, ReleaseWish, RevocationReport, RevokeWish } from './operator-view.js';
import type { TrustKeeper } from './trust-keeper.js';

export interface RevokingWorld extends ActsWorld {
  readonly keeper: TrustKeeper;
  /** What a key is called here. */
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
}

/** So many configured tenants are cut by name even where nothing of the key is held. */
const TENANTS_CUT_UNSEEN = 256;

/** Ends a key: its feeds stay up to where the wish says. A dry run only reports. */
export async function revokeKey(wish: RevokeWish, world: RevokingWorld): Promise<RevocationReport> {
  const { key } = wish;
  const planned = await planCuts(key, wish.from, cuttingOf(world));
  if (wish.dryRun === true) return report(key, planned, { world });
  const reason = (wish.reason ?? '').slice(0, LIMITS.reasonChars);
  const revocation = await world.committer.write((pen) =>
    writeRevocation(pen, { key, planned, reason }, world),
  );
  await world.keeper.settled();
  return report(key, planned, { world, revocation });
}

/** Moves the cuts of a key's feeds up, as far as they are ours. */
export async function releaseFeeds(wish: ReleaseWish, world: RevokingWorld): Promise<RevocationReport> {
  const { key } = wish;
  const { keeper, table, committer } = world;
  const { revocations, overridden, rotations } = keeper.graph.endsOf(fingerprintOf(key));
  const ends = [...revocations, ...overridden, ...rotations];
  const feeds = feedsOfOrigin(table.feeds(), key);
  const chosen = feeds.filter(({ key: feed }) => wish.feed === undefined || nameOfFeed(feed) === wish.feed);
  if (ends.length === 0 || chosen.length === 0) {
    throw new LoglineError(
      'bad_request',
      ends.length === 0
        ? `nothing of ${fingerprintOf(key)} is cut: the quarantine lists what is`
        : `no such feed of ${fingerprintOf(key)} is held: the quarantine lists those that are`,
    );
  }
  const isChosen = new Set<FeedKey>(chosen.map((feed) => feed.key));
  const cuts: PlannedCut[] = [];
  // One after the other: the feeds may be many, and each is read from the log.
  for (const feed of feeds) {
    const heldTo = lastRange(feed)?.to ?? 0;
    const wished = Math.max(acceptedTo(feed), Math.min(heldTo, wish.to ?? heldTo));
    cuts.push(await cutFeed(feed, isChosen.has(feed.key) ? wished : acceptedTo(feed), cuttingOf(world)));
  }
  // A cut names every feed of the key: one that it did not name would be cut at nothing.
  await committer.write(async (pen) => {
    for (const [tenant, ofTenant] of byTenant(cuts)) {
      if (!mayCut(tenant, world)) continue;
      const named = ofTenant.map(({ cut }) => cut);
      for (const end of ends)
        await sealCuts(pen, tenant, { key, revocation: end.facts[0].hash, cuts: named });
    }
  });
  await keeper.settled();
  const left: PlannedCut[] = [];
  for (const { key: feed } of chosen) {
    const now = table.feed(feed);
    left.push(await cutFeed(now, acceptedTo(now), cuttingOf(world)));
  }
  return report(key, left, { world });
}

/** The last number that trust does not bar, be it held or not. */
function acceptedTo(feed: Feed): number {
  const heldTo = lastRange(feed)?.to ?? 0;
  return Math.min(heldTo, (feed.bar?.from ?? heldTo + 1) - 1);
}

async function writeRevocation(
  pen: Pen,
  wish: { readonly key: Uint8Array; readonly planned: readonly PlannedCut[]; readonly reason: string },
  world: RevokingWorld,
): Promise<Uint8Array> {
  const { key, planned, reason } = wish;
  const own = planned.filter(({ tenant }) => tenant === undefined).map(({ cut }) => cut);
  const revokes = chunks(own).map((cuts) => ({ kind: 'revoke' as const, key, cuts, reason }));
  const { hash } = await pen.seal(TRUST_SCOPE, revokes);
  const tenants = byTenant(planned);
  // Where nothing of the key is held, nothing of it stays: that is for those to know who follow this.
  const configured = world.keeper.tenants();
  for (const tenant of configured.length <= TENANTS_CUT_UNSEEN ? configured : [])
    if (!tenants.has(tenant)) tenants.set(tenant, []);
  for (const [tenant, cuts] of tenants) {
    if (!mayCut(tenant, world)) continue;
    await sealCuts(pen, tenant, { key, revocation: hash, cuts: cuts.map(({ cut }) => cut) });
  }
  return hash;
}

/** Without a primary everyone cuts for himself and for those who follow him. */
function mayCut(tenant: TenantId, { keeper: { graph, rules } }: RevokingWorld): boolean {
  const primary = rules.primaryOf(tenant);
  return rules.federates(tenant) && (primary === undefined || graph.isOurs(primary));
}

function report(
  key: Uint8Array,
  planned: readonly PlannedCut[],
  { world, revocation }: { readonly world: RevokingWorld; readonly revocation?: Uint8Array },
): RevocationReport {
  const fingerprint = fingerprintOf(key);
  const feeds: readonly FeedCut[] = planned.map((plan) => {
    const { name, scope, tenant, heldTo, cut } = plan;
    // Statements are in nobody's quarantine: those beyond a cut are kept, and count for nothing.
    const falls = tenantOfContent(scope) !== undefined;
    const isProvisional = tenant !== undefined && !mayCut(tenant, world);
    const { entries, spans } = falls ? plan : { entries: 0, spans: 0 };
    return { feed: name, tenant, heldTo, cutAt: cut.seq, entries, spans, isProvisional };
  });
  return {
    revocation: revocation === undefined ? undefined : toHex(revocation),
    fingerprint,
    id: world.idOf(fingerprint),
    feeds,
    entries: feeds.reduce((sum, feed) => sum + feed.entries, 0),
    spans: feeds.reduce((sum, feed) => sum + feed.spans, 0),
  };
}

function cuttingOf({ table, storage, tools }: RevokingWorld): CuttingWorld {
  return { feeds: () => table.feeds(), storage, crypto: tools.crypto };
}

async function sealCuts(
  pen: Pen,
  tenant: TenantId,
  cut: Omit<Extract<Statement, { kind: 'cut' }>, 'kind'>,
): Promise<void> {
  for (const cuts of chunks(cut.cuts)) await pen.seal(accessScope(tenant), [{ kind: 'cut', ...cut, cuts }]);
}

/** At least one, so that what is not named is cut too. */
function chunks(cuts: readonly EpochCut[]): readonly (readonly EpochCut[])[] {
  const parts: (readonly EpochCut[])[] = [];
  for (let from = 0; from === 0 || from < cuts.length; from += LIMITS.cutsPerStatement)
    parts.push(cuts.slice(from, from + LIMITS.cutsPerStatement));
  return parts;
}

function byTenant(planned: readonly PlannedCut[]): Map<TenantId, PlannedCut[]> {
  const tenants = new Map<TenantId, PlannedCut[]>();
  for (const plan of planned) {
    if (plan.tenant === undefined) continue;
    const known = tenants.get(plan.tenant);
    if (known === undefined) tenants.set(plan.tenant, [plan]);
    else known.push(plan);
  }
  return tenants;
}
