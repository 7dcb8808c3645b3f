/** Receipts made useful: what of which tenant is durably held by which peer, and what is not, since when. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import type { FeedKey } from '../feed.js';
import { countEntries, holdingsOf, missingRanges, type FeedHoldings } from '../holdings.js';
import {
  fingerprintOf,
  nodeIdOf,
  timelineScope,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from '../identity.js';
import type { SpanId } from '../span.js';
import type { Clock } from '../ports.js';
import type { Storage } from '../storage.js';
import type { HoldingsTable } from './holdings-table.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Peering } from './peering.js';
import type { PeerSight } from './peer-sight.js';
import type { Standing } from './standing.js';

/** One tenant at one peer, of what this node holds itself. */
export interface Replication {
  readonly tenant: TenantId;
  /** Known once the peer has said its name. */
  readonly peerId: NodeId | undefined;
  readonly address: string;
  readonly fingerprint: Fingerprint;
  readonly isConnected: boolean;
  /** When this was last known, in ms since 1970; `undefined` where the peer was not heard since the start. */
  readonly asOfMs: number | undefined;
  /** Entries of the tenant's timeline that are accepted here, and those of them that the peer durably holds. */
  readonly entries: number;
  readonly confirmed: number;
  /** Entries that the peer has not confirmed and would take. */
  readonly missing: number;
  /** The oldest of the missing ones: by its origin's clock. */
  readonly oldest: Oldest | undefined;
}

export interface Oldest {
  readonly key: FeedKey;
  readonly seq: number;
  /** When its origin wrote it, in ms since 1970. */
  readonly writtenAtMs: number;
  /** The first span of it, where spans were asked for. */
  readonly spanId: SpanId | undefined;
}

export interface ReplicationWish {
  /** Every tenant that has a timeline here unless given. */
  readonly tenants?: readonly TenantId[] | undefined;
  /** Whether the oldest missing spans are named: that reads their batches. */
  readonly spans?: boolean | undefined;
  /** Rows at most; the rest is left out. */
  readonly rowsMost?: number | undefined;
}

export interface ReplicationWorld {
  readonly book: PeerBook;
  readonly peering: Peering;
  readonly standing: Standing;
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly clock: Pick<Clock, 'now' | 'after'>;
}

/** Feeds of a row whose oldest missing entry is looked up: with more of them the oldest may be another one. */
const FEEDS_LOOKED_AT = 64;
const ROWS_MOST = 10_000;
/** So many feeds are looked at before other work gets a turn. */
const BREATH_FEEDS = 2_000;

/** A row for each listed peer and each tenant that we let it read, or that it has taken before. */
export async function reportReplication(
  wish: ReplicationWish,
  world: ReplicationWorld,
): Promise<readonly Replication[]> {
  const { tenants = [...world.storage.counts().keys()], rowsMost = ROWS_MOST } = wish;
  const rows: Replication[] = [];
  let looked = 0;
  for (const tenant of tenants) {
    const held = world.table.under(`${timelineScope(tenant)}\0`).map(holdingsOf);
    for (const peer of world.book.peers()) {
      if (rows.length >= rowsMost) return rows;
      looked += 1 + held.length;
      if (looked >= BREATH_FEEDS) {
        looked = 0;
        await new Promise<void>((resolve) => void world.clock.after(0, resolve));
      }
      const row = await rowOf({ tenant, held, peer, wish }, world);
      if (row !== undefined) rows.push(row);
    }
  }
  return rows;
}

/** What is known of a peer's holdings by its session, or by the last one since the start. */
export function sightOf(
  key: Uint8Array,
  { peering, clock }: Pick<ReplicationWorld, 'peering' | 'clock'>,
): { readonly sight: PeerSight; readonly atMs: number; readonly isConnected: boolean } | undefined {
  const session = peering.session(key);
  if (session?.sight.offered !== undefined)
    return { sight: session.sight, atMs: clock.now(), isConnected: true };
  const seen = peering.lastSeen.of(key);
  return seen === undefined ? undefined : { ...seen, isConnected: session !== undefined };
}

async function rowOf(
  asked: {
    readonly tenant: TenantId;
    readonly held: readonly FeedHoldings[];
    readonly peer: ListedPeer;
    readonly wish: ReplicationWish;
  },
  world: ReplicationWorld,
): Promise<Replication | undefined> {
  const { tenant, held, peer, wish } = asked;
  const { key } = peer;
  if (key === undefined) return undefined;
  const scope = timelineScope(tenant);
  const known = sightOf(key, world);
  const flows = known === undefined ? world.standing.rightsOf(key, scope).read : known.sight.flow(scope).out;
  if (!flows) return undefined;
  const entries = held.reduce((sum, feed) => sum + countEntries(feed.ranges), 0);
  const lacks = known === undefined ? [] : held.map((feed) => known.sight.view.lackingOf(feed));
  const missing = lacks.reduce((sum, lack) => sum + countEntries(lack.ranges), 0);
  const firsts = lacks.flatMap(({ key: feed, ranges: [first] }) =>
    first === undefined ? [] : [{ feed, seq: first.from }],
  );
  return {
    tenant,
    peerId: peer.name === undefined ? undefined : nodeIdOf(peer.name),
    address: peer.address,
    fingerprint: fingerprintOf(key),
    isConnected: known?.isConnected ?? false,
    asOfMs: known?.atMs,
    entries,
    confirmed: known === undefined ? 0 : held.reduce((sum, feed) => sum + confirmedOf(feed, known.sight), 0),
    missing,
    oldest: await oldestOf(firsts, wish.spans === true, world.storage),
  };
}

/** Entries of a feed that both hold. */
function confirmedOf(feed: FeedHoldings, { view }: PeerSight): number {
  return countEntries(feed.ranges) - countEntries(missingRanges(view.holds(feed.key), feed.ranges));
}

async function oldestOf(
  firsts: readonly { readonly feed: FeedKey; readonly seq: number }[],
  withSpan: boolean,
  storage: Storage,
): Promise<Oldest | undefined> {
  let oldest: (Oldest & { readonly position: number }) | undefined;
  for (const { feed: key, seq } of firsts.slice(0, FEEDS_LOOKED_AT)) {
    const [entry] = await storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
    const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
    const header = parts === undefined ? undefined : headerOfAccepted(parts);
    if (entry === undefined || header === undefined) continue;
    const writtenAtMs = header.stamp.ms;
    if (oldest === undefined || writtenAtMs < oldest.writtenAtMs)
      oldest = { key, seq, writtenAtMs, spanId: undefined, position: entry.position };
  }
  if (oldest === undefined) return undefined;
  const { position, ...found } = oldest;
  return withSpan ? { ...found, spanId: (await storage.span({ position, index: 0 })).id } : found;
}
