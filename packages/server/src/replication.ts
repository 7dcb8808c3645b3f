/** Where spans durably are, in the shape of the interface. */

import {
  formatMs,
  formatSpanId,
  type FederationNode,
  type Replication,
  type SpanStory,
} from '@logline/federation-core';
import type { z } from 'zod';
import { seesAllTenants, type Caller } from './caller.js';
import { SERVER_LIMITS } from './limits.js';
import { timeOrNull } from './peers.js';
import type { replicationRow, spanStory } from './schemas-replication.js';

type Row = z.output<typeof replicationRow>;

/** Rows of the tenants that the caller may see; `undefined` for who may see none: whose timelines are here is a secret too. */
export async function replicationFor(
  caller: Caller,
  node: Pick<FederationNode, 'replication'>,
): Promise<readonly Row[] | undefined> {
  if (caller.tenant === undefined && !seesAllTenants(caller)) return undefined;
  const rows = await node.replication({
    tenants: caller.tenant === undefined ? undefined : [caller.tenant],
    spans: true,
    rowsMost: SERVER_LIMITS.replicationRows,
  });
  const nowMs = Date.now();
  return rows.map((row) => describeRow(row, nowMs));
}

export function describeRow(row: Replication, nowMs: number): Row {
  const { oldest } = row;
  return {
    tenant_id: row.tenant,
    peer_id: row.peerId ?? null,
    address: row.address,
    fingerprint: row.fingerprint,
    connected: row.isConnected,
    status: row.asOfMs === undefined ? 'unknown' : row.missing > 0 ? 'behind' : 'complete',
    as_of: timeOrNull(row.asOfMs),
    entries: row.entries,
    entries_confirmed: row.confirmed,
    entries_missing: row.missing,
    oldest_missing:
      oldest === undefined
        ? null
        : {
            span_id: oldest.spanId === undefined ? null : formatSpanId(oldest.spanId),
            written_at: formatMs(oldest.writtenAtMs),
            age_ms: Math.max(0, nowMs - oldest.writtenAtMs),
          },
  };
}

export function describeStory(story: SpanStory, spanId: string): z.output<typeof spanStory> {
  return {
    span_id: spanId,
    tenant_id: story.tenant,
    origin: { fingerprint: story.origin, node_id: story.originId ?? null },
    written_at: formatMs(story.writtenAtMs),
    epoch: Buffer.from(story.epoch).toString('hex'),
    seq: story.seq,
    spans_of_entry: story.spansOfEntry,
    bodies: story.bodies,
    peers: story.peers.map((peer) => ({
      peer_id: peer.peerId ?? null,
      address: peer.address,
      fingerprint: peer.fingerprint ?? null,
      state: peer.state,
      as_of: timeOrNull(peer.asOfMs),
      detail: peer.detail,
    })),
  };
}
