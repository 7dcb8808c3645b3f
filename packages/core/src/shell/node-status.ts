/** A node at a glance. */

import { countEntries } from '../holdings.js';
import { ACTS_SCOPE, type NodeId, type TenantId } from '../identity.js';
import type { Storage } from '../storage.js';
import type { HoldingsTable } from './holdings-table.js';
import type { PeerInfo } from './peer-info.js';

export interface NodeStatus {
  /** When this node and some peer last knew that nothing was missing on either side; ms since 1970. */
  readonly lastSyncMs: number | undefined;
  /** Peers that lack something of ours or have something we lack. */
  readonly pendingSyncs: number;
  readonly peersInSync: readonly NodeId[];
  readonly spans: ReadonlyMap<TenantId, number>;
  /** Of all that other nodes may hold too: the acts of this node's operators are its own. */
  readonly entries: number;
  readonly logBytes: number;
  readonly readOnly: string | undefined;
  readonly waitingJobs: number;
  /** Conflicts that somebody has to decide. */
  readonly openConflicts: number;
}

export function describeStatus(
  peers: readonly PeerInfo[],
  { storage, table }: { readonly storage: Storage; readonly table: HoldingsTable },
  own: Pick<NodeStatus, 'waitingJobs' | 'openConflicts'> & {
    readonly syncedAtMs: number | undefined;
  },
): NodeStatus {
  const { entries, logBytes, readOnly } = storage.figures();
  const acts = table.under(`${ACTS_SCOPE}\0`).reduce((sum, feed) => sum + countEntries(feed.ranges), 0);
  return {
    waitingJobs: own.waitingJobs,
    openConflicts: own.openConflicts,
    lastSyncMs: lastOf([own.syncedAtMs, ...peers.map((peer) => (peer.inSync ? peer.lastSeenMs : undefined))]),
    pendingSyncs: peers.filter((peer) => peer.status === 'connected' && !peer.inSync).length,
    peersInSync: peers.flatMap((peer) => (peer.inSync && peer.id !== undefined ? [peer.id] : [])),
    spans: storage.counts(),
    entries: entries - acts,
    logBytes,
    readOnly,
  };
}

function lastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
