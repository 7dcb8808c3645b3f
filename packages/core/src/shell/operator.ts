/** What an operator does about trust and access: each act is one commit of signed statements, in force when it resolves. */

import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import {
  accessScope,
  fingerprintOf,
  keyOfFingerprint,
  nodeIdOf,
  parseNodeId,
  type NodeId,
  type TenantId,
} from '../identity.js';
import type { Rights } from '../offer.js';
import { spansBehindBar } from './behind-bar.js';
import type { ConflictPolicy } from '../statement.js';
import { listActs, noteAct } from './acts.js';
import { countAbove, cutFeed, feedsOfOrigin, holdsEntryOf, nameOfFeed } from './cutting.js';
import { describeAccess } from './access-view.js';
import type {
  AccessInfo,
  Act,
  ActRecord,
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
import { prioritise, setPolicy } from './settling.js';
import { releaseFeeds, revokeKey, type RevokingWorld } from './revoking.js';
import { describeGraph, describeRelationships } from './trust-graph-view.js';
import { readmit } from './vouching.js';

export interface OperatorWorld extends RevokingWorld {
  readonly ownKey: Uint8Array;
  readonly book: PeerBook;
}

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
    this.#refuseOwn(wish.key);
    this.#refuseUnknown(wish.key);
    return revokeKey(wish, this.#world);
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
    this.#refuseOwn(wish.key);
    return releaseFeeds(wish, this.#world);
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
    const { committer, keeper } = this.#world;
    const said = keeper.rules.ownGrant(tenant, fingerprintOf(key));
    // The same again is no news: the log of everybody who may read it would grow by what changes nothing.
    if (said?.read !== read || said.write !== write)
      await committer.write((pen) => pen.seal(accessScope(tenant), [{ kind: 'grant', key, read, write }]));
    return this.accessOf(tenant);
  }

  async designate(tenant: TenantId, key: Uint8Array): Promise<AccessInfo> {
    this.#refuseUnusable(key);
    const { committer, keeper } = this.#world;
    if (keeper.rules.ownDesignation(tenant) !== fingerprintOf(key))
      await committer.write((pen) => pen.seal(accessScope(tenant), [{ kind: 'designate', key }]));
    return this.accessOf(tenant);
  }

  async setPolicy(tenant: TenantId, field: string, policy: ConflictPolicy): Promise<AccessInfo> {
    await setPolicy(tenant, { field, policy }, this.#world);
    return this.accessOf(tenant);
  }

  async prioritise(tenant: TenantId, keys: readonly Uint8Array[]): Promise<AccessInfo> {
    for (const key of keys) this.#refuseUnusable(key);
    await prioritise(tenant, keys, this.#world);
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

function nameOf(id: NodeId | undefined): string | undefined {
  return id?.slice(nodeIdOf('').length);
}
