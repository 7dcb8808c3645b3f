/** Peers in the shape of the interface, and waiting for what a dial comes to. */

import { setTimeout as sleep } from 'node:timers/promises';
import { formatMs, parseAddress, type FederationNode, type PeerInfo } from '@logline/federation-core';
import type { z } from 'zod';
import { SERVER_LIMITS } from './limits.js';
import type { peerNode } from './schemas.js';

const LOOK_MS = 20;

export function describePeer(peer: PeerInfo): z.output<typeof peerNode> {
  return {
    id: peer.id ?? null,
    address: shownAddress(peer),
    status: peer.status,
    trust_level: peer.trustLevel,
    last_seen: timeOrNull(peer.lastSeenMs),
    latency_ms: roundOrNull(peer.latencyMs),
    clock_skew_ms: roundOrNull(peer.skewMs),
    last_error: peer.lastError ?? null,
    last_error_at: timeOrNull(peer.lastErrorAtMs),
    next_dial_at: timeOrNull(peer.nextDialAtMs),
    fingerprint: peer.fingerprint ?? null,
    method: peer.method,
    unconfirmed_fingerprint: peer.unconfirmedFingerprint ?? null,
    in_sync: peer.inSync,
    entries_received: peer.entriesIn,
    entries_sent: peer.entriesOut,
    bytes_received: peer.bytesIn,
    bytes_sent: peer.bytesOut,
  };
}

/** Where it is; of a peer that is listed by its key alone, where discovery has found it. */
function shownAddress({ address, places }: PeerInfo): string {
  return parseAddress(address) === undefined ? (places[0] ?? address) : address;
}

export function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : formatMs(ms);
}

export function isVerified(peer: PeerInfo): boolean {
  return peer.status === 'connected' && peer.trustLevel === 'verified';
}

/**
 * Waits until each listed peer at `addresses` is connected, or is not being dialled and has not come for a moment:
 * the other side may still have to trust us. Resolves to the peers as they are then, at the latest when `signal` aborts.
 */
export async function settledPeers(
  node: FederationNode,
  addresses: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly PeerInfo[]> {
  const startedAtMs = performance.now();
  let busyAtMs = startedAtMs;
  for (;;) {
    const peers = node.peers().filter((peer) => addresses.has(peer.address));
    const now = performance.now();
    if (peers.some((peer) => peer.status === 'connecting')) busyAtMs = now;
    const isSettled = peers.every(isVerified) || now - busyAtMs > SERVER_LIMITS.dialSettledMs;
    if (isSettled || now - startedAtMs > SERVER_LIMITS.dialAnswerMs || signal.aborted) return peers;
    await sleep(LOOK_MS);
  }
}

/** To a tenth of a millisecond: more digits would be noise. */
function roundOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 10) / 10;
}
