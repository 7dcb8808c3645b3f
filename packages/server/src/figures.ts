/** What a caller may see of figures: who is bound to a tenant could tell other tenants' traffic from those about all. */

import type { NodeStatus, PeerInfo } from '@logline/federation-core';
import type { z } from 'zod';
import { seesAllTenants, seesTotals, type Caller } from './caller.js';
import { describePeer } from './peers.js';
import type { peerNode, peerSync } from './schemas.js';
import type { syncStatus } from './schemas-replication.js';

type Figures = Pick<z.output<typeof syncStatus>, 'spans_total' | 'spans' | 'entries' | 'log_bytes'>;

/** How much is stored: of the caller's own tenant, of all together, or of each. */
export function storedFor(caller: Caller, { spans, entries, logBytes }: NodeStatus): Figures {
  if (caller.tenant !== undefined) {
    const own = spans.get(caller.tenant) ?? 0;
    return { spans_total: own, spans: { [caller.tenant]: own } };
  }
  return {
    spans_total: [...spans.values()].reduce((sum, count) => sum + count, 0),
    // Whose timelines are here is nobody's business on the network.
    ...(seesAllTenants(caller) && { spans: Object.fromEntries(spans) }),
    entries,
    log_bytes: logBytes,
  };
}

export function peerFor(caller: Caller, peer: PeerInfo): z.output<typeof peerNode> {
  const { entries_received, entries_sent, bytes_received, bytes_sent, ...shown } = describePeer(peer);
  return seesTotals(caller)
    ? { ...shown, entries_received, entries_sent, bytes_received, bytes_sent }
    : shown;
}

export function syncFor(caller: Caller, peer: z.output<typeof peerSync>): z.output<typeof peerSync> {
  const { entries_received, entries_sent, ...shown } = peer;
  return seesTotals(caller) ? { ...shown, entries_received, entries_sent } : shown;
}
