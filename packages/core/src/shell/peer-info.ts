/** Peers as operators see them. */

import { fingerprintOf, nodeIdOf, type Fingerprint, type NodeId, type TrustLevel } from '../identity.js';
import type { Clock } from '../ports.js';
import type { PeerBook } from './peer-book.js';
import type { Peering } from './peering.js';

export interface PeerInfo {
  /** Known once the peer has said its name. */
  readonly id: NodeId | undefined;
  readonly address: string;
  readonly fingerprint: Fingerprint | undefined;
  readonly pinnedBy: 'operator' | 'first_contact' | undefined;
  readonly source: 'configured' | 'established';
  readonly status: 'connected' | 'connecting' | 'disconnected';
  readonly trustLevel: TrustLevel;
  readonly establishedAtMs: number | undefined;
  readonly lastSeenMs: number | undefined;
  readonly lastError: string | undefined;
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

export function describePeers(book: PeerBook, peering: Peering, clock: Clock): readonly PeerInfo[] {
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
      trustLevel: peer.level,
      establishedAtMs: peer.establishedAtMs,
      lastSeenMs: session === undefined ? peer.lastSeenMs : session.state.heardAtMs + toWallMs,
      lastError: session === undefined ? peer.lastError : undefined,
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
