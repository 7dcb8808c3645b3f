/** Whether a node is well, section by section: counts and states, and nothing of tenants or of where anything lies. */

import { formatMs, type NodeStatus, type PeerInfo } from '@logline/federation-core';
import type { DataSize } from '@logline/federation-core/node';
import type { z } from 'zod';
import { expiryWarning } from './certificate-expiry.js';
import { isVerified, timeOrNull } from './peers.js';
import type { healthSections } from './schemas-health.js';

const SKEW_MS_MOST = 60_000;
const LATENCY_MS_MOST = 1_000;
const FREE_SHARE_LEAST = 0.05;
const FREE_BYTES_LEAST = 256 * 1024 * 1024;
/** A twentieth of a very large disk is enough. */
const FREE_BYTES_PLENTY = 10 * 1024 * 1024 * 1024;

export type Sections = z.output<typeof healthSections>;

/** What is looked at. Everything of it is at hand: who asks after the health waits for nothing. */
export interface HealthFacts {
  readonly peers: readonly PeerInfo[];
  readonly status: Pick<NodeStatus, 'pendingSyncs' | 'peersInSync' | 'lastSyncMs' | 'readOnly'>;
  readonly disk: DataSize | undefined;
  readonly certificateEndsMs: number | undefined;
  readonly nowMs: number;
}

export interface Assessment {
  readonly sections: Sections;
  /** What is missing, for people; empty where all is well. */
  readonly reasons: readonly string[];
}

export function assess(facts: HealthFacts): Assessment {
  const parts = [
    connectivityOf(facts),
    syncOf(facts),
    trustOf(facts),
    latencyOf(facts),
    diskOf(facts),
    certificateOf(facts),
  ] as const;
  const [connectivity, sync, trust, latency, disk, certificate] = parts;
  return {
    sections: {
      connectivity: connectivity.section,
      sync: sync.section,
      trust: trust.section,
      latency: latency.section,
      disk: disk.section,
      certificate: certificate.section,
    },
    reasons: parts.flatMap((part) => part.reasons),
  };
}

interface Part<Name extends keyof Sections> {
  readonly section: Sections[Name];
  readonly reasons: readonly string[];
}

function connectivityOf({ peers }: HealthFacts): Part<'connectivity'> {
  // Whom the operator has revoked is meant to be away.
  const wanted = peers.filter((peer) => peer.trustLevel !== 'revoked');
  const away = wanted.filter((peer) => peer.status !== 'connected').length;
  return {
    section: {
      status: away === 0 ? 'ok' : 'degraded',
      peers_listed: peers.length,
      peers_connected: peers.filter(isVerified).length,
      peers_away: away,
    },
    reasons: away === 0 ? [] : [`${away} of ${wanted.length} listed peers are not connected: see /v1/nodes`],
  };
}

/** Being behind is the state of every moment in which somebody writes: `/metrics` tells for how long. */
function syncOf({ status }: HealthFacts): Part<'sync'> {
  return {
    section: {
      status: status.pendingSyncs === 0 ? 'ok' : 'behind',
      pending_syncs: status.pendingSyncs,
      peers_in_sync: status.peersInSync.length,
      last_sync: timeOrNull(status.lastSyncMs),
    },
    reasons: [],
  };
}

function trustOf({ peers }: HealthFacts): Part<'trust'> {
  const countOf = (level: PeerInfo['trustLevel']): number =>
    peers.filter((peer) => peer.trustLevel === level).length;
  const unconfirmed = peers.filter((peer) => peer.unconfirmedFingerprint !== undefined).length;
  return {
    section: {
      status: unconfirmed === 0 ? 'ok' : 'waiting',
      verified: countOf('verified'),
      pending: countOf('pending'),
      revoked: countOf('revoked'),
      unconfirmed_keys: unconfirmed,
    },
    reasons:
      unconfirmed === 0
        ? []
        : [`${unconfirmed} keys wait for the operator's word: see /v1/nodes, then confirm them`],
  };
}

function latencyOf({ peers }: HealthFacts): Part<'latency'> {
  const latencies = peers.flatMap((peer) => peer.latencyMs ?? []).toSorted((a, b) => a - b);
  const median = latencies[Math.floor(latencies.length / 2)];
  const skewed = peers.filter((peer) => Math.abs(peer.skewMs ?? 0) > SKEW_MS_MOST).length;
  const isSlow = median !== undefined && median > LATENCY_MS_MOST;
  const reasons: string[] = [];
  if (isSlow)
    reasons.push(
      `peers take ${Math.round(median)} ms to answer: look at the network and at the load of the machines`,
    );
  if (skewed > 0) reasons.push(`the clocks of ${skewed} peers differ from ours by more than a minute`);
  return {
    section: {
      status: median === undefined ? 'unknown' : isSlow ? 'slow' : 'ok',
      median_ms: rounded(median),
      max_ms: rounded(latencies.at(-1)),
      peers_skewed: skewed,
    },
    reasons,
  };
}

/** Why a store is read-only is told elsewhere: that may name paths. */
function diskOf({ status, disk }: HealthFacts): Part<'disk'> {
  const free =
    disk === undefined
      ? undefined
      : { bytes: disk.freeBytes, share: disk.freeBytes / Math.max(1, disk.totalBytes) };
  const isLow =
    free !== undefined &&
    ((free.share < FREE_SHARE_LEAST && free.bytes < FREE_BYTES_PLENTY) || free.bytes < FREE_BYTES_LEAST);
  const isReadOnly = status.readOnly !== undefined;
  return {
    section: {
      status: isReadOnly ? 'read_only' : free === undefined ? 'unknown' : isLow ? 'low' : 'ok',
      free_bytes: disk?.freeBytes ?? null,
      total_bytes: disk?.totalBytes ?? null,
    },
    reasons: isLow
      ? [
          `the disk has ${Math.floor(free.bytes / 2 ** 20)} MiB left: free space, or move the data to a larger one`,
        ]
      : [],
  };
}

function certificateOf({ certificateEndsMs: endsMs, nowMs }: HealthFacts): Part<'certificate'> {
  if (endsMs === undefined) return { section: { status: 'none', expires_at: null }, reasons: [] };
  const warning = expiryWarning(endsMs, nowMs);
  const status = endsMs <= nowMs ? 'expired' : warning === undefined ? 'ok' : 'expiring';
  return {
    section: { status, expires_at: formatMs(endsMs) },
    reasons: warning === undefined ? [] : [warning],
  };
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 10) / 10;
}
