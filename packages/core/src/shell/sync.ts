/** On-demand sync: compare with some peers now, and wait until nothing is missing on either side. */

import type { NodeEvent } from '../events.js';
import { nodeIdOf, timelineScope, type NodeId, type Scope, type TenantId } from '../identity.js';
import type { Clock } from '../ports.js';
import { isAnswered } from '../session.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Peering } from './peering.js';
import type { SessionRunner } from './session-runner.js';
import type { AbortSignalLike } from './timeline.js';

export interface SyncOptions {
  /** All listed peers where absent. */
  readonly peerIds?: readonly NodeId[] | undefined;
  readonly tenant?: TenantId | undefined;
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
  readonly clock: Clock;
  readonly sharesTenant: (tenant: TenantId | undefined) => boolean;
  readonly isClosed: () => boolean;
  readonly onEvent: (event: NodeEvent) => void;
}

const POLL_MS = 20;
const TIMEOUT_MS = 15_000;

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
  const startedAtMs = world.clock.monotonic();
  const deadlineMs = startedAtMs + (options.timeoutMs ?? TIMEOUT_MS);
  const only = (scope: Scope): boolean =>
    options.tenant === undefined || scope === timelineScope(options.tenant);
  const isOver = (): boolean =>
    world.clock.monotonic() >= deadlineMs || world.isClosed() || options.signal?.aborted === true;
  const report = (
    outcome: PeerSync['outcome'],
    session: SessionRunner | undefined,
    detail: string | undefined,
  ): PeerSync => {
    const ms = world.clock.monotonic() - startedAtMs;
    const figures = {
      entriesIn: (session?.figures.entriesIn ?? 0) - inBefore,
      entriesOut: (session?.figures.entriesOut ?? 0) - outBefore,
    };
    const peerId = peer.name === undefined ? undefined : nodeIdOf(peer.name);
    if (outcome === 'in_sync') world.onEvent({ kind: 'synced', peerId, ms, ...figures });
    return { peerId, address: peer.address, outcome, ...figures, ms, detail };
  };
  let inBefore = 0;
  let outBefore = 0;

  if (peer.key === undefined || world.peering.session(peer.key) === undefined) world.peering.dialNow(peer);
  let session = sessionOf(peer, world);
  while (session === undefined && !isOver()) {
    await pause(world.clock);
    session = sessionOf(peer, world);
  }
  if (session === undefined) return report('unreachable', undefined, peer.lastError ?? 'no answer');
  if (!world.sharesTenant(options.tenant)) {
    return report(
      'nothing_shared',
      session,
      'this node federates no such tenant: list it in FEDERATION_TENANTS on both nodes',
    );
  }
  while (session.isOpen && session.state.offered === undefined && !isOver()) await pause(world.clock);
  if (!sharesAnything(session, only, options.tenant)) {
    return report(
      'nothing_shared',
      session,
      'the peer federates none of the tenants: list them in FEDERATION_TENANTS on both nodes',
    );
  }
  inBefore = session.figures.entriesIn;
  outBefore = session.figures.entriesOut;
  session.step({ kind: 'compare' });
  const { round } = session.state;
  for (;;) {
    if (!session.isOpen) return report('unreachable', session, peer.lastError ?? 'the link was lost');
    const lag = session.lag(only);
    if (isAnswered(session.state, round) && !lag.behind && !lag.ahead)
      return report('in_sync', session, undefined);
    if (isOver()) return report('incomplete', session, lag.ahead ? 'still receiving' : 'still sending');
    await pause(world.clock);
  }
}

function sharesAnything(
  session: SessionRunner,
  only: (scope: Scope) => boolean,
  tenant: TenantId | undefined,
): boolean {
  if (tenant !== undefined) return session.isShared(timelineScope(tenant));
  const offered = session.state.offered;
  return (
    offered === '*' ||
    (offered ?? []).some((scope) => only(scope as Scope) && session.isShared(scope as Scope))
  );
}

function sessionOf(peer: ListedPeer, world: SyncWorld): SessionRunner | undefined {
  return peer.key === undefined ? undefined : world.peering.session(peer.key);
}

function unknownPeer(peerId: NodeId): PeerSync {
  const detail = 'no listed peer has this id: see GET /v1/nodes, or establish trust first';
  return { peerId, address: '', outcome: 'unknown_peer', entriesIn: 0, entriesOut: 0, ms: 0, detail };
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(POLL_MS, resolve));
}
