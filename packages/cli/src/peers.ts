/** Peers as a table, for every command that shows some. */

import type { Node } from 'logline-federation-client';
import { connectionText, levelText } from './levels.js';
import type { Output } from './output.js';
import { groupedOrDash, safe, whenText } from './text.js';

export async function showPeers(out: Output, peers: readonly Node[], nowMs: number): Promise<void> {
  await out.table(
    ['PEER', 'ADDRESS', 'STATUS', 'TRUST', 'IN SYNC', 'LATENCY', 'LAST SEEN', 'IN', 'OUT'],
    peers.map((peer) => [
      safe(peer.id ?? '(name not known yet)'),
      safe(peer.address),
      connectionText(out, peer.status),
      levelText(out, peer.trust_level),
      peer.in_sync ? 'yes' : 'no',
      peer.latency_ms === null ? '-' : `${peer.latency_ms.toFixed(1)} ms`,
      whenText(peer.last_seen, nowMs),
      groupedOrDash(peer.entries_received),
      groupedOrDash(peer.entries_sent),
    ]),
  );
  for (const peer of peers) {
    if (peer.last_error === null) continue;
    const next = peer.next_dial_at === null ? '' : ` (next try ${whenText(peer.next_dial_at, nowMs)})`;
    await out.line(`${safe(peer.address)}: ${safe(peer.last_error)}${next}`);
  }
}
