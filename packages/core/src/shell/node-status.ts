/** A node at a glance. */

import type { NodeId, TenantId } from '../identity.js';
import type { Storage } from '../storage.js';
import type { PeerInfo } from './peer-info.js';

export interface NodeStatus {
  /** When a comparison with some peer last ended with nothing missing on either side; ms since 1970. */
  readonly lastSyncMs: number | undefined;
  /** Peers that lack something of ours or have something we lack. */
  readonly pendingSyncs: number;
  readonly peersInSync: readonly NodeId[];
  readonly spans: ReadonlyMap<TenantId, number>;
  readonly entries: number;
  readonly logBytes: number;
  readonly readOnly: string | undefined;
  readonly waitingJobs: number;
}

export function describeStatus(
  peers: readonly PeerInfo[],
  storage: Storage,
  own: Pick<NodeStatus, 'lastSyncMs' | 'waitingJobs'>,
): NodeStatus {
  const { entries, logBytes, readOnly } = storage.figures();
  return {
    ...own,
    pendingSyncs: peers.filter((peer) => peer.status === 'connected' && !peer.inSync).length,
    peersInSync: peers.flatMap((peer) => (peer.inSync && peer.id !== undefined ? [peer.id] : [])),
    spans: storage.counts(),
    entries,
    logBytes,
    readOnly,
  };
}
