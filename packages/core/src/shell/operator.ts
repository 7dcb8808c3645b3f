/** What an operator does about trust and access: each act is one commit of signed statements, in force when it resolves. */

import { equalBytes, toHex } from '../bytes.js';
import { LoglineError } from '../errors.js';
import type { Feed, FeedKey } from '../feed.js';
import {
  accessScope,
  fingerprintOf,
  keyOfFingerprint,
  nodeIdOf,
  parseNodeId,
  TRUST_SCOPE,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Rights } from '../offer.js';
import type { EpochCut, Statement } from '../statement.js';
import { spansBehindBar } from './behind-bar.js';
import { listActs, noteAct, type ActsWorld } from './acts.js';
import type { Pen } from './committer.js';
import { countAbove, cutFeed, feedsOfOrigin, nameOfFeed, planCuts, type PlannedCut } from './cutting.js';
import { describeAccess } from './access-view.js';
import type {
  AccessInfo,
  Act,
  ActRecord,
  FeedCut,
  OperatorDesk,
  QuarantinedFeed,
  Relationship,
  ReleaseWish,
  RevocationReport,
  RevokeWish,
  TrustGraphView,
} from './operator-view.js';
import type { PeerBook } from './peer-book.js';
import { listQuarantine } from './quarantine-view.js';
import type { TrustKeeper } from './trust-keeper.js';
import { describeGraph, describeRelationships } from './trust-graph-view.js';
import { readmit } from './vouching.js';

export interface OperatorWorld extends ActsWorld {
  readonly ownKey: Uint8Array;
  readonly keeper: TrustKeeper;
  readonly book: PeerBook;
  /** What a key is called here. */
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
}

/** So many configured tenants are cut by name even where nothing of the key is held. */
const TENANTS_CUT_UNSEEN = 256;

export class Operator implements OperatorDesk {
  readonly #world: OperatorWorld;

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  relationships(): readonly Relationship[] {
    return describeRelationships(this.#world);
  }

  trustGraph(): TrustGraphView {
    return describeGraph(this.#world);
  }

  async revoke(wish: RevokeWish): Promise<RevocationReport> {
    const { key } = wish;
    this.#refuseOwn(key);
    this.#refuseUnknown(key);
    const planned = await planCuts(key, wish.from, this.#cutting());
    if (wish.dryRun === true) return this.#report(key, undefined, planned);
    const reason = (wish.reason ?? '').slice(0, LIMITS.reasonChars);
    const hash = await this.#world.committer.write((pen) =>
      this.#writeRevocation(pen, { key, planned, reason }),
    );
    await this.#world.keeper.settled();
    return this.#report(key, hash, planned);
  }

  readmit(key: Uint8Array): Promise<void> {
    this.#refuseOwn(key);
    this.#refuseUnknown(key);
    const { keeper, committer, idOf } = this.#world;
    return readmit(key, { keeper, committer, idOf });
  }

  keyOf(peer: string): Uint8Array | undefined {
    const { book, keeper } = this.#world;
    const id = parseNodeId(peer);
    const listed = book.byAddress(peer) ?? (id === undefined ? undefined : book.byId(id));
    if (listed?.key !== undefined) return listed.key;
    const named = [...keeper.graph.nodes()].filter(({ name }) => name !== undefined && name === nameOf(id));
    // A name that two keys bear names neither.
    return (
      keyOfFingerprint(peer) ??
      (named.length === 1 ? keyOfFingerprint(named[0]?.fingerprint ?? '') : undefined)
    );
  }

  async release(wish: ReleaseWish): Promise<RevocationReport> {
    const { key } = wish;
    this.#refuseOwn(key);
    const { keeper, table, committer } = this.#world;
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
    const cuts = await Promise.all(
      feeds.map((feed) => {
        const heldTo = feed.ranges.at(-1)?.to ?? 0;
        const present = Math.min(heldTo, (feed.bar?.from ?? heldTo + 1) - 1);
        const wished = Math.max(present, Math.min(heldTo, wish.to ?? heldTo));
        return cutFeed(feed, isChosen.has(feed.key) ? wished : present, this.#cutting());
      }),
    );
    // A cut names every feed of the key: one that it did not name would be cut at nothing.
    await committer.write(async (pen) => {
      for (const [tenant, ofTenant] of byTenant(cuts)) {
        if (!this.#mayCut(tenant)) continue;
        const named = ofTenant.map(({ cut }) => cut);
        for (const end of ends)
          await sealCuts(pen, tenant, { key, revocation: end.facts[0].hash, cuts: named });
      }
    });
    await keeper.settled();
    const left = await Promise.all(
      chosen.map(async ({ key: feed }) => {
        const now = table.feed(feed);
        const heldTo = now.ranges.at(-1)?.to ?? 0;
        return cutFeed(now, Math.min(heldTo, (now.bar?.from ?? heldTo + 1) - 1), this.#cutting());
      }),
    );
    return this.#report(key, undefined, left);
  }

  async quarantine(): Promise<readonly QuarantinedFeed[]> {
    const { table, storage, idOf } = this.#world;
    return listQuarantine({
      feeds: () => table.feeds(),
      idOf,
      count: (feed, seq) => countAbove(feed, seq, { storage }),
    });
  }

  async forkProof(key: Uint8Array, feed: string): Promise<readonly Uint8Array[]> {
    const { table, storage } = this.#world;
    const found = feedsOfOrigin(table.feeds(), key).find((one) => nameOfFeed(one.key) === feed);
    if (found?.forkedAt === undefined) {
      throw new LoglineError(
        'bad_request',
        `no fork of ${feed.slice(0, 200)} is known: the quarantine lists forks`,
      );
    }
    return storage.forkProof(found.key);
  }

  async ruleFork(feed: string, hash: Uint8Array): Promise<void> {
    const { table, ownKey, committer, storage } = this.#world;
    const found = feedsOfOrigin(table.feeds(), ownKey).find((one) => nameOfFeed(one.key) === feed);
    if (found?.forkedAt === undefined) {
      throw new LoglineError(
        'bad_request',
        'only the node whose feed forked can say which branch stands, and no such feed of ours did',
      );
    }
    const { cut, tenant } = await cutFeed(found, 0, this.#cutting());
    const { part, epoch } = cut;
    const seq = found.forkedAt;
    if (part === '-' || tenant === undefined)
      throw new LoglineError(
        'bad_request',
        'a forked feed of trust statements is not ruled on: rotate the key',
      );
    // Asserted again they would be stamped now, and win over what others have said since.
    if (part === 'n')
      throw new LoglineError(
        'bad_request',
        'a forked feed of annotations is not ruled on: annotate anew what should still be said',
      );
    await committer.write((pen) => pen.seal(accessScope(tenant), [{ kind: 'rule', part, epoch, seq, hash }]));
    // The branch that we hold is appended again, if it is the one: nobody reads on where a feed forked.
    if (part !== 't' || !(await holdsEntryOf(found, seq, hash, this.#cutting()))) return;
    for await (const { spans } of spansBehindBar(found, storage)) await committer.append(tenant, spans);
  }

  access(): readonly AccessInfo[] {
    return this.#world.keeper.tenants().map((tenant) => this.accessOf(tenant));
  }

  accessOf(tenant: TenantId): AccessInfo {
    return describeAccess(tenant, this.#world);
  }

  async grant(tenant: TenantId, key: Uint8Array, { read, write }: Rights): Promise<AccessInfo> {
    this.#refuseOwn(key);
    this.#refuseUnusable(key);
    await this.#world.committer.write((pen) =>
      pen.seal(accessScope(tenant), [{ kind: 'grant', key, read, write }]),
    );
    return this.accessOf(tenant);
  }

  async designate(tenant: TenantId, key: Uint8Array): Promise<AccessInfo> {
    this.#refuseUnusable(key);
    await this.#world.committer.write((pen) => pen.seal(accessScope(tenant), [{ kind: 'designate', key }]));
    return this.accessOf(tenant);
  }

  noteAct(act: Act): Promise<void> {
    return noteAct(act, this.#world);
  }

  acts(options: {
    readonly limit: number;
    readonly before?: string | undefined;
  }): Promise<{ readonly acts: readonly ActRecord[]; readonly next: string | null }> {
    return listActs(options, this.#world);
  }

  async #writeRevocation(
    pen: Pen,
    wish: { readonly key: Uint8Array; readonly planned: readonly PlannedCut[]; readonly reason: string },
  ): Promise<Uint8Array> {
    const { key, planned, reason } = wish;
    const own = planned.filter(({ tenant }) => tenant === undefined).map(({ cut }) => cut);
    const revokes = chunks(own).map((cuts) => ({ kind: 'revoke' as const, key, cuts, reason }));
    const { hash } = await pen.seal(TRUST_SCOPE, revokes);
    const tenants = byTenant(planned);
    // Where nothing of the key is held, nothing of it stays: that is for those to know who follow this.
    const configured = this.#world.keeper.tenants();
    for (const tenant of configured.length <= TENANTS_CUT_UNSEEN ? configured : [])
      if (!tenants.has(tenant)) tenants.set(tenant, []);
    for (const [tenant, cuts] of tenants) {
      if (!this.#mayCut(tenant)) continue;
      await sealCuts(pen, tenant, { key, revocation: hash, cuts: cuts.map(({ cut }) => cut) });
    }
    return hash;
  }

  /** Without a primary everyone cuts for himself and for those who follow him. */
  #mayCut(tenant: TenantId): boolean {
    const { graph, rules } = this.#world.keeper;
    const primary = rules.primaryOf(tenant);
    return rules.federates(tenant) && (primary === undefined || graph.isOurs(primary));
  }

  #report(
    key: Uint8Array,
    revocation: Uint8Array | undefined,
    planned: readonly PlannedCut[],
  ): RevocationReport {
    const fingerprint = fingerprintOf(key);
    const feeds: readonly FeedCut[] = planned.map((plan) => {
      const { name, tenant, heldTo, entries, spans, cut } = plan;
      const isProvisional = tenant !== undefined && !this.#mayCut(tenant);
      return { feed: name, tenant, heldTo, cutAt: cut.seq, entries, spans, isProvisional };
    });
    return {
      revocation: revocation === undefined ? undefined : toHex(revocation),
      fingerprint,
      id: this.#world.idOf(fingerprint),
      feeds,
      entries: feeds.reduce((sum, feed) => sum + feed.entries, 0),
      spans: feeds.reduce((sum, feed) => sum + feed.spans, 0),
    };
  }

  #cutting(): Parameters<typeof cutFeed>[2] {
    const { table, storage, tools } = this.#world;
    return { feeds: () => table.feeds(), storage, crypto: tools.crypto };
  }

  #refuseOwn(key: Uint8Array): void {
    if (equalBytes(key, this.#world.ownKey))
      throw new LoglineError('bad_request', 'this is the node itself: name another one');
  }

  #refuseUnusable(key: Uint8Array): void {
    if (!this.#world.tools.crypto.isSafePublicKey(key))
      throw new LoglineError('bad_request', `${fingerprintOf(key)} is no usable key`);
  }

  #refuseUnknown(key: Uint8Array): void {
    const { keeper, book, table } = this.#world;
    const isKnown =
      book.byKey(key) !== undefined ||
      keeper.trusts(key) ||
      keeper.graph.why(fingerprintOf(key)).length > 0 ||
      feedsOfOrigin(table.feeds(), key).length > 0;
    if (isKnown) return;
    throw new LoglineError(
      'unknown_peer',
      `nothing is known of the key ${fingerprintOf(key)}: list the relationships to see those that are`,
    );
  }
}

async function sealCuts(
  pen: Pen,
  tenant: TenantId,
  cut: Omit<Extract<Statement, { kind: 'cut' }>, 'kind'>,
): Promise<void> {
  for (const cuts of chunks(cut.cuts)) await pen.seal(accessScope(tenant), [{ kind: 'cut', ...cut, cuts }]);
}

/** Whether the entry held at a place is the one of this hash. */
async function holdsEntryOf(
  feed: Feed,
  seq: number,
  hash: Uint8Array,
  world: Parameters<typeof cutFeed>[2],
): Promise<boolean> {
  return equalBytes((await cutFeed(feed, seq, world)).cut.hash, hash);
}

function nameOf(id: NodeId | undefined): string | undefined {
  return id?.slice(nodeIdOf('').length);
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
    tenants.set(plan.tenant, [...(tenants.get(plan.tenant) ?? []), plan]);
  }
  return tenants;
}
