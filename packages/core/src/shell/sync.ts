/** On-demand sync: compare with some peers now, and wait until nothing is missing on either side. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import type { NodeEvent } from '../events.js';
import {
  fingerprintOf,
  nodeIdOf,
  tenantOfContent,
  timelineScope,
  type NodeId,
  type Scope,
  type TenantId,
} from '../identity.js';
import { ALL_OTHERS } from '../offer.js';
import type { Clock } from '../ports.js';
import { isAnswered } from '../session.js';
import type { Storage } from '../storage.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Lack } from './peer-view.js';
import type { Peering } from './peering.js';
import type { SessionRunner } from './session-runner.js';
import type { Standing } from './standing.js';
import type { AbortSignalLike } from './timeline.js';

export interface SyncOptions {
  /** All listed peers where absent. */
  readonly peerIds?: readonly NodeId[] | undefined;
  readonly tenant?: TenantId | undefined;
  /** Wait only for what its origins wrote from then on; ms since 1970. Older parts follow in their own time. */
  readonly sinceMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface PeerSync {
  readonly peerId: NodeId | undefined;
  readonly address: string;
  /** `nothing_shared`: connected, but no tenant is federated by both sides. */
  readonly outcome: 'in_sync' | 'incomplete' | 'unreachable' | 'nothing_shared' | 'unknown_peer';
  readonly entriesIn: number;
  readonly entriesOut: number;
  readonly ms: number;
  /** What is in the way, and what to do. */
  readonly detail: string | undefined;
}

export interface SyncReport {
  readonly peers: readonly PeerSync[];
}

export interface SyncWorld {
  readonly book: PeerBook;
  readonly peering: Peering;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly standing: Pick<Standing, 'levelOf'>;
  readonly sharesTenant: (tenant: TenantId | undefined) => boolean;
  readonly isClosed: () => boolean;
  readonly onEvent: (event: NodeEvent) => void;
}

const POLL_MS = 20;
/** Where a great many feeds are missing, looking through them again is put off longer. */
const SLOW_POLL_MS = 250;
const MANY_FEEDS = 256;
const TIMEOUT_MS = 15_000;
/** A first contact takes two links, and both sides may dial. */
const REFUSALS_ENOUGH = 3;

export async function runSync(options: SyncOptions, world: SyncWorld): Promise<SyncReport> {
  const wanted = options.peerIds ?? undefined;
  const listed = [...world.book.peers()];
  const chosen =
    wanted === undefined
      ? listed
      : listed.filter((peer) => peer.name !== undefined && wanted.includes(nodeIdOf(peer.name)));
  const unknown = (wanted ?? []).filter((id) => world.book.byId(id) === undefined);
  const synced = await Promise.all(chosen.map((peer) => syncPeer(peer, options, world)));
  return { peers: [...synced, ...unknown.map(unknownPeer)] };
}

async function syncPeer(peer: ListedPeer, options: SyncOptions, world: SyncWorld): Promise<PeerSync> {
  const { clock } = world;
  const startedAtMs = clock.monotonic();
  const deadlineMs = startedAtMs + (options.timeoutMs ?? TIMEOUT_MS);
  const isOver = (): boolean =>
    clock.monotonic() >= deadlineMs || world.isClosed() || options.signal?.aborted === true;
  const figures = { entriesIn: 0, entriesOut: 0 };
  let ended: Ended | undefined;
  const { failures, refusals } = peer;
  const earlier = sessionOf(peer, world);
  if (earlier === undefined) world.peering.dialNow(peer);
  // A link that is lost, or replaced by another, is no reason to give up: the peers find each other again.
  while (ended === undefined) {
    const session = sessionOf(peer, world);
    if (session?.isOpen === true) {
      // A link made for this sync may have brought something before we came to look at it.
      const before = session === earlier ? { ...session.figures } : { entriesIn: 0, entriesOut: 0 };
      ended = await syncSession(session, { options, world, isOver });
      figures.entriesIn += session.figures.entriesIn - before.entriesIn;
      figures.entriesOut += session.figures.entriesOut - before.entriesOut;
    } else if (isOver() || (peer.failures > failures && !peer.dialling))
      ended = { outcome: 'unreachable', detail: peer.lastError ?? 'no answer' };
    else if (isHopeless(peer, refusals, world))
      ended = { outcome: 'unreachable', detail: whatIsMissing(peer, world) };
    else await pause(clock);
  }
  const ms = clock.monotonic() - startedAtMs;
  const peerId = peer.name === undefined ? undefined : nodeIdOf(peer.name);
  if (ended.outcome === 'in_sync') world.onEvent({ kind: 'synced', peerId, ms, ...figures });
  return { peerId, address: peer.address, ...ended, ...figures, ms };
}

/** Whether nothing changes before an operator says something: waiting for it would be for nothing. */
function isHopeless(peer: ListedPeer, refusalsBefore: number, world: SyncWorld): boolean {
  if (isRevoked(peer, world)) return true;
  const refusals = peer.refusals - refusalsBefore;
  if (peer.dialling || refusals === 0) return false;
  return peer.key === undefined && peer.seenKey !== undefined ? true : refusals >= REFUSALS_ENOUGH;
}

function whatIsMissing(peer: ListedPeer, world: SyncWorld): string {
  const { address, key, seenKey, lastError = 'no answer' } = peer;
  if (isRevoked(peer, world))
    return `its key is revoked here: to trust it again, type: logline federation trust add --peer ${address} --readmit`;
  if (key === undefined && seenKey !== undefined) {
    const fingerprint = fingerprintOf(seenKey);
    return `its key ${fingerprint} is not confirmed: compare it with what the peer prints at its start, then type: logline federation trust confirm ${address} ${fingerprint}`;
  }
  return `${lastError}; its operator has to trust this node, by typing there: logline federation trust add --peer <address of this node>`;
}

function isRevoked({ key }: ListedPeer, { standing }: SyncWorld): boolean {
  return key !== undefined && standing.levelOf(key) === 'revoked';
}

type Ended = Pick<PeerSync, 'outcome' | 'detail'>;

/** `undefined` where the link was lost before anything could be said of it. */
async function syncSession(
  session: SessionRunner,
  call: {
    readonly options: SyncOptions;
    readonly world: SyncWorld;
    readonly isOver: () => boolean;
  },
): Promise<Ended | undefined> {
  const { options, world, isOver } = call;
  const { tenant } = options;
  if (!world.sharesTenant(tenant)) return nothingShared('this node federates no such tenant');
  while (session.isOpen && session.state.offered === undefined) {
    if (isOver()) return { outcome: 'incomplete', detail: 'the peer has not said yet what it shares' };
    await pause(world.clock);
  }
  if (!session.isOpen) return undefined;
  if (!sharesAnything(session, tenant)) return nothingShared('the peer federates none of the tenants');
  session.step({ kind: 'compare' });
  const { round } = session.state;
  const only = (scope: Scope): boolean => tenant === undefined || tenantOfContent(scope) === tenant;
  while (session.isOpen) {
    const lag = session.lag(only);
    const here = await writtenSince(lag.here, 'above', options.sinceMs, world.storage);
    const there = await writtenSince(lag.there, 'inside', options.sinceMs, world.storage);
    const isDone = here.length === 0 && there.length === 0 && lag.isWhole;
    if (isDone && isAnswered(session.state, round)) return { outcome: 'in_sync', detail: undefined };
    if (isOver())
      return {
        outcome: 'incomplete',
        detail: here.length === 0 && there.length > 0 ? 'still sending' : 'still receiving',
      };
    await pause(world.clock, lag.here.length > MANY_FEEDS ? SLOW_POLL_MS : POLL_MS);
  }
  return undefined;
}

/**
 * The lacks that may hold something written at or after `sinceMs`. A feed's stamps do not decrease, and the newest
 * part is fetched first, so the entry at the end of a missing range, or the held one right above it, dates all of it.
 */
async function writtenSince(
  lacks: readonly Lack[],
  dated: 'above' | 'inside',
  sinceMs: number | undefined,
  storage: Storage,
): Promise<readonly Lack[]> {
  if (sinceMs === undefined) return lacks;
  const recent: Lack[] = [];
  for (const lack of lacks) {
    for (const range of lack.ranges) {
      const seq = dated === 'above' ? range.to + 1 : range.to;
      const [entry] = await storage.entries(lack.key, { from: seq, to: seq, bytesMost: 1 });
      const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
      const header = parts === undefined ? undefined : headerOfAccepted(parts);
      if (header === undefined || header.stamp.ms >= sinceMs) recent.push({ key: lack.key, ranges: [range] });
    }
  }
  return recent;
}

function nothingShared(why: string): Ended {
  return { outcome: 'nothing_shared', detail: `${why}: list it in FEDERATION_TENANTS on both nodes` };
}

/** Whether some tenant's spans flow in some direction. */
function sharesAnything(session: SessionRunner, tenant: TenantId | undefined): boolean {
  const flows = (scope: Scope): boolean => {
    const flow = session.flow(scope);
    return tenantOfContent(scope) !== undefined && (flow.in || flow.out);
  };
  if (tenant !== undefined) return flows(timelineScope(tenant));
  const offered = session.state.offered;
  return (
    offered === '*' ||
    (offered ?? []).some(({ scope }) => scope === ALL_OTHERS.scope || flows(scope as Scope))
  );
}

function sessionOf(peer: ListedPeer, world: SyncWorld): SessionRunner | undefined {
  return peer.key === undefined ? undefined : world.peering.session(peer.key);
}

function unknownPeer(peerId: NodeId): PeerSync {
  const detail = 'no listed peer has this id: see GET /v1/nodes, or establish trust first';
  return { peerId, address: '', outcome: 'unknown_peer', entriesIn: 0, entriesOut: 0, ms: 0, detail };
}

function pause(clock: Clock, ms = POLL_MS): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
