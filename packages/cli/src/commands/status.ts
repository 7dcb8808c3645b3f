/** `status`: how the node is, how far it is in sync, and its peers. */

import type { Command } from 'commander';
import type { SyncStatus } from 'logline-federation-client';
import { EXIT } from '../exit-code.js';
import { healthText } from '../levels.js';
import type { Output } from '../output.js';
import { showPeers } from '../peers.js';
import type { Shell } from '../shell.js';
import { bytesText, counted, grouped, safe, whenText } from '../text.js';

const TENANTS_SHOWN = 10;
const MISSING_SHOWN = 20;
const READINGS_SHOWN = 20;

export function addStatus(parent: Command, shell: Shell): void {
  const command = parent.command('status').description('show how a node is and how far it is in sync');
  const examples = ['logline federation status', 'logline federation status --json | jq .sync.pending_syncs'];
  shell.define(command, examples, async ({ client, out, signal }) => {
    const [health, sync] = await Promise.all([client.health({ signal }), client.syncStatus({ signal })]);
    const code = health.status === 'unhealthy' ? EXIT.failed : EXIT.ok;
    if (out.isJson) {
      await out.json({ health, sync });
      return code;
    }
    const now = Date.now();
    await out.facts([
      ['node', safe(health.node_id)],
      ['health', healthText(out, health.status)],
      ...health.reasons.map((reason) => ['', safe(reason)] as const),
      [
        'peers',
        `${health.peers_connected} of ${sync.peers.length} connected, ${sync.peers_in_sync.length} in sync`,
      ],
      ['last sync', whenText(sync.last_sync, now)],
      ['pending', counted(sync.pending_syncs, 'sync')],
      ['spans', spansText(sync.spans_total, sync.spans ?? {})],
      ...logFacts(sync),
    ]);
    if (sync.peers.length > 0) {
      await out.line();
      await showPeers(out, sync.peers, now);
      await showReplication(out, sync.replication ?? [], now);
    }
    await showReadings(out, sync.readings ?? []);
    return code;
  });
}

/** What is not durably at a peer yet, the oldest first: nothing where all is there. */
async function showReplication(
  out: Output,
  rows: NonNullable<SyncStatus['replication']>,
  nowMs: number,
): Promise<void> {
  const behind = rows
    .filter((row) => row.entries_missing > 0)
    .toSorted((a, b) => (b.oldest_missing?.age_ms ?? 0) - (a.oldest_missing?.age_ms ?? 0));
  if (behind.length === 0) return;
  await out.line();
  await out.table(
    ['NOT YET AT', 'TENANT', 'ENTRIES MISSING', 'OLDEST', 'ITS SPAN'],
    behind
      .slice(0, MISSING_SHOWN)
      .map((row) => [
        safe(row.peer_id ?? row.address),
        safe(row.tenant_id),
        `${grouped(row.entries_missing)} of ${grouped(row.entries)}`,
        whenText(row.oldest_missing?.written_at ?? null, nowMs),
        safe(row.oldest_missing?.span_id ?? '-'),
      ]),
  );
  const more = behind.length - MISSING_SHOWN;
  if (more > 0) await out.line(`and ${grouped(more)} more: --json lists them`);
  await out.line('why a span is not there: logline federation explain <span> --tenant <tenant>');
}

/** Peers that read a tenant otherwise, each with what to do: nothing where all read alike. */
async function showReadings(out: Output, rows: NonNullable<SyncStatus['readings']>): Promise<void> {
  const apart = rows.filter(({ status }) => status === 'differs');
  if (apart.length === 0) return;
  await out.line();
  for (const row of apart.slice(0, READINGS_SHOWN)) {
    const peer = row.peer_id ?? row.fingerprint;
    await out.line(`${safe(row.tenant_id)}: ${safe(peer)} ${safe(row.detail ?? 'reads it otherwise')}`);
  }
  const more = apart.length - READINGS_SHOWN;
  if (more > 0) await out.line(`and ${grouped(more)} more: --json lists them`);
}

/** Callers who are bound to a tenant are not told of the whole log. */
function logFacts({ entries, log_bytes: bytes }: SyncStatus): readonly (readonly [string, string])[] {
  if (entries === undefined || bytes === undefined) return [];
  return [['log', `${counted(entries, 'entry', 'entries')}, ${bytesText(bytes)}`]];
}

function spansText(total: number, byTenant: Readonly<Record<string, unknown>>): string {
  const tenants = Object.entries(byTenant).map(([name, count]) => `${safe(name)} ${grouped(Number(count))}`);
  if (tenants.length === 0) return grouped(total);
  const more = tenants.length > TENANTS_SHOWN ? `, and ${tenants.length - TENANTS_SHOWN} more tenants` : '';
  return `${grouped(total)} (${tenants.slice(0, TENANTS_SHOWN).join(', ')}${more})`;
}
