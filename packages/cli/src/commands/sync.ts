/** `sync`: lets the node synchronize with its peers now, and waits for the end of it. */

import type { Command } from 'commander';
import type { SyncResult } from 'logline-federation-client';
import { EXIT, type ExitCode } from '../exit-code.js';
import type { Shell } from '../shell.js';
import { groupedOrDash, safe, secondsText } from '../text.js';

interface SyncOptions {
  readonly since?: string;
  readonly peer?: readonly string[];
  readonly tenant?: string;
}

const EXIT_OF: Readonly<Record<SyncResult['status'], ExitCode>> = {
  completed: EXIT.ok,
  no_peers: EXIT.ok,
  partial: EXIT.partial,
  nothing_shared: EXIT.failed,
  failed: EXIT.failed,
};

export function addSync(parent: Command, shell: Shell): void {
  const command = parent
    .command('sync')
    .description('synchronize timelines with peers now')
    .option('--since <time>', 'only what was written since then: RFC 3339, or words such as "1 hour ago"')
    .option('--peer <id...>', 'only with these peers, by their id (default: all)')
    .option('--tenant <name>', 'only the timeline of this tenant (default: all that are shared)');
  const examples = [
    'logline federation sync',
    'logline federation sync --since "1 hour ago"',
    'logline federation sync --peer logline-id://node/peer-alpha --tenant acme',
  ];
  shell.define<SyncOptions>(command, examples, async ({ client, out, signal }, { since, peer, tenant }) => {
    const request = {
      ...(since !== undefined && { since }),
      ...(peer !== undefined && { peer_ids: [...peer] }),
      ...(tenant !== undefined && { tenant_filter: tenant }),
    };
    const result = await client.sync(request, { signal });
    // A later node may know further words: none of them is success before it is known.
    const code = Object.hasOwn(EXIT_OF, result.status) ? EXIT_OF[result.status] : EXIT.failed;
    if (out.isJson) {
      await out.json(result);
      return code;
    }
    if (result.peers.length > 0) {
      const { green, yellow } = out.colors;
      await out.table(
        ['PEER', 'OUTCOME', 'ENTRIES IN', 'ENTRIES OUT', 'TOOK'],
        result.peers.map((one) => [
          safe(one.peer_id ?? one.address),
          (one.outcome === 'in_sync' ? green : yellow)(safe(one.outcome.replace('_', ' '))),
          groupedOrDash(one.entries_received),
          groupedOrDash(one.entries_sent),
          secondsText(one.duration_ms),
        ]),
      );
    }
    for (const one of result.peers) {
      if (one.detail !== null) await out.line(`${safe(one.peer_id ?? one.address)}: ${safe(one.detail)}`);
    }
    if (result.detail !== null) await out.line(safe(result.detail));
    return code;
  });
}
