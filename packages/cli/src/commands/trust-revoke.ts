/** `trust revoke`: ends trust in a node, after showing what falls with it. */

import type { Command } from 'commander';
import type { RevokeRequest } from 'logline-federation-client';
import { isAgreed, requireTerminal } from '../confirm.js';
import { EXIT, UsageError } from '../exit-code.js';
import { showReport } from '../reports.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

interface RevokeOptions {
  readonly from: readonly string[];
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function addTrustRevoke(parent: Command, shell: Shell): void {
  const command = parent
    .command('revoke')
    .description('stop trusting a node, and say where its feeds end; asks before it does')
    .argument('<peer>', 'its id, name, address or fingerprint')
    .option(
      '--from <what...>',
      'heads: what is held now stays; all: nothing stays; or feed=seq, the last entry that stays, for each feed that is to end earlier',
      ['heads'],
    )
    .option('--reason <text>', 'why, for other operators: it is replicated')
    .option('--dry-run', 'only show what would fall')
    .option('--yes', 'do not ask');
  const examples = [
    'logline federation trust revoke logline-id://node/peer-alpha --dry-run',
    'logline federation trust revoke peer-alpha --reason "its key was stolen" --from all',
    'logline federation trust revoke peer-alpha --from timeline/acme/00a1b2c3d4e5f607=120 --yes',
  ];
  shell.define<RevokeOptions>(
    command,
    examples,
    async ({ client, out, io, signal }, options, [peer = '']) => {
      const { reason, dryRun = false, yes = false } = options;
      const request: RevokeRequest = {
        peer_id: peer,
        from: readFrom(options.from),
        ...(reason !== undefined && { reason }),
      };
      if (!dryRun && !yes) requireTerminal(io);
      if (dryRun || !yes) {
        const report = await client.trust.revoke({ ...request, dry_run: true }, { signal });
        if (dryRun && out.isJson) {
          await out.json(report);
          return EXIT.ok;
        }
        if (!out.isJson) await showReport(out, report);
        if (dryRun) return EXIT.ok;
        const who = safe(report.peer_id ?? report.fingerprint);
        if (!(await isAgreed(`Stop trusting ${who}?`, io))) {
          await out.note('nothing was done');
          return EXIT.failed;
        }
      }
      const report = await client.trust.revoke(request, { signal });
      if (out.isJson) await out.json(report);
      else {
        await showReport(out, report);
        await out.line('It can come back with logline federation trust add … --readmit.');
      }
      return EXIT.ok;
    },
  );
}

function readFrom(words: readonly string[]): NonNullable<RevokeRequest['from']> {
  const [first = ''] = words;
  if (words.length === 1 && (first === 'heads' || first === 'all')) return first;
  return Object.fromEntries(words.map(readFeed));
}

function readFeed(word: string): readonly [string, number] {
  const [, feed, seq] = /^(.+)=(\d{1,15})$/.exec(word) ?? [];
  if (feed === undefined)
    throw new UsageError(
      `--from: expected heads, all, or feeds such as timeline/acme/00a1b2c3d4e5f607=120, got ${JSON.stringify(word)}`,
    );
  return [feed, Number(seq)];
}
