/** `trust release`: lets quarantined entries of a node count after all. */

import type { Command } from 'commander';
import { EXIT, UsageError } from '../exit-code.js';
import { showReport } from '../reports.js';
import type { Shell } from '../shell.js';

interface ReleaseOptions {
  readonly feed?: string;
  readonly to?: string;
}

export function addTrustRelease(parent: Command, shell: Shell): void {
  const command = parent
    .command('release')
    .description("let a node's quarantined entries count after all, by moving cuts of our own up")
    .argument('<peer>', 'its id, name, address or fingerprint')
    .option('--feed <name>', 'only this feed, as quarantine lists it (default: all)')
    .option('--to <seq>', 'the last entry that counts from now on (default: all that is held)');
  const examples = [
    'logline federation trust release peer-alpha',
    'logline federation trust release peer-alpha --feed timeline/acme/00a1b2c3d4e5f607 --to 120',
  ];
  shell.define<ReleaseOptions>(
    command,
    examples,
    async ({ client, out, signal }, { feed, to }, [peer = '']) => {
      if (to !== undefined && !/^\d{1,15}$/.test(to))
        throw new UsageError(`--to: expected the number of an entry, got ${JSON.stringify(to)}`);
      const what = { ...(feed !== undefined && { feed }), ...(to !== undefined && { to: Number(to) }) };
      const report = await client.trust.release(peer, what, { signal });
      if (out.isJson) await out.json(report);
      else await showReport(out, report);
      return EXIT.ok;
    },
  );
}
