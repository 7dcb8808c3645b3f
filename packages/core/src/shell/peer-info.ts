/** Peers as operators see them. */

import { fingerprintOf, nodeIdOf, type Fingerprint, type NodeId, type TrustLevel } from '../identity.js';
import type { Clock } from '../ports.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Peering } from './peering.js';
import type { Standing } from './standing.js';

export interface PeerInfo {
  /** Known once the peer has said its name. */
  readonly id: NodeId | undefined;
  readonly address: string;
  readonly fingerprint: Fingerprint | undefined;
  readonly pinnedBy: 'operator' | 'first_contact' | undefined;
  /** A key that answered at the address and waits for the operator's word: see `FederationNode.confirm`. */
  readonly unconfirmedFingerprint: Fingerprint | undefined;
  readonly source: 'configured' | 'established';
  readonly status: 'connected' | 'connecting' | 'disconnected';
  readonly trustLevel: TrustLevel;
  readonly establishedAtMs: number | undefined;
  readonly lastSeenMs: number | undefined;
  readonly lastError: string | undefined;
  readonly lastErrorAtMs: number | undefined;
  /** When it will be dialled again; ms since 1970, only while disconnected. */
  readonly nextDialAtMs: number | undefined;
  readonly latencyMs: number | undefined;
  readonly skewMs: number | undefined;
  /** Nothing of the shared scopes is missing here, and everything is confirmed there. */
  readonly inSync: boolean;
  readonly entriesIn: number;
  readonly entriesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export function describePeers(
  book: PeerBook,
  world: { readonly peering: Peering; readonly standing: Standing; readonly clock: Clock },
): readonly PeerInfo[] {
  const { peering, standing, clock } = world;
  return [...book.peers()].map((peer) => {
    const session = peer.key === undefined ? undefined : peering.session(peer.key);
    const toWallMs = clock.now() - clock.monotonic();
    return {
      id: peer.name === undefined ? undefined : nodeIdOf(peer.name),
      address: peer.address,
      fingerprint: peer.key === undefined ? undefined : fingerprintOf(peer.key),
      pinnedBy: peer.pinnedBy,
      source: peer.source,
      status: session !== undefined ? 'connected' : peer.dialling ? 'connecting' : 'disconnected',
      unconfirmedFingerprint: peer.seenKey === undefined ? undefined : fingerprintOf(peer.seenKey),
      trustLevel: levelOf(peer, standing),
      establishedAtMs: peer.establishedAtMs,
      lastSeenMs: session === undefined ? peer.lastSeenMs : session.state.heardAtMs + toWallMs,
      lastError: session === undefined ? peer.lastError : undefined,
      lastErrorAtMs: session === undefined ? peer.lastErrorAtMs : undefined,
      nextDialAtMs: session === undefined ? Math.max(peer.nextDialAtMs + toWallMs, clock.now()) : undefined,
      latencyMs: session?.state.latencyMs,
      skewMs: session?.state.skewMs,
      inSync: session?.isInSync ?? false,
      entriesIn: session?.figures.entriesIn ?? 0,
      entriesOut: session?.figures.entriesOut ?? 0,
      bytesIn: session?.link.traffic.bytesIn ?? 0,
      bytesOut: session?.link.traffic.bytesOut ?? 0,
    };
  });
}

/** A listed peer is pending at least; verified is one whom we trust and who said that it trusts us. */
function levelOf(peer: ListedPeer, standing: Standing): TrustLevel {
  if (peer.key === undefined) return 'pending';
  const level = standing.levelOf(peer.key);
  if (level === 'revoked' || level === 'verified') return level;
  return standing.trusts(peer.key) && peer.level === 'verified' ? 'verified' : 'pending';
}
