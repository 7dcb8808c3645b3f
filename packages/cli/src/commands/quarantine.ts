/** `quarantine …`: what is held and does not count, the proof of a fork, and the word on which branch of our own stands. */

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Quarantine } from 'logline-federation-client';
import { CliError, EXIT } from '../exit-code.js';
import { readLimit } from '../limit.js';
import type { Output } from '../output.js';
import type { Shell } from '../shell.js';
import { counted, grouped, safe } from '../text.js';

interface ListOptions {
  readonly peer?: string;
  readonly limit?: string;
}

interface ProofOptions {
  readonly out?: string;
  readonly force?: boolean;
}

export function addQuarantine(parent: Command, shell: Shell): void {
  const quarantine = parent.command('quarantine').description('what is held and does not count');
  addList(quarantine, shell);
  addProof(quarantine, shell);
  addRule(quarantine, shell);
}

function addList(parent: Command, shell: Shell): void {
  const command = parent
    .command('list', { isDefault: true })
    .description('list the feeds of which something does not count, and what to do about each')
    .option('--peer <peer>', 'only of this node: its id, name, address or fingerprint')
    .option('--limit <n>', 'at most so many feeds, up to 1000 (default: 100)');
  const examples = [
    'logline federation quarantine',
    'logline federation quarantine list --peer peer-alpha --json',
  ];
  shell.define<ListOptions>(command, examples, async ({ client, out, signal }, { peer, limit }) => {
    const page = {
      ...(peer !== undefined && { peer_id: peer }),
      ...(limit !== undefined && { limit: readLimit(limit) }),
    };
    const list = await client.quarantine.list(page, { signal });
    if (out.isJson) await out.json(list);
    else await showList(out, list);
    return EXIT.ok;
  });
}

async function showList(out: Output, list: Quarantine): Promise<void> {
  if (list.feeds.length === 0) return out.line('Nothing is in quarantine.');
  await out.table(
    ['PEER', 'FEED', 'FROM', 'TO', 'ENTRIES', 'SPANS', 'WHY'],
    list.feeds.map((feed) => [
      safe(feed.peer_id ?? feed.fingerprint),
      safe(feed.feed),
      grouped(feed.from),
      grouped(feed.to),
      grouped(feed.entries),
      grouped(feed.spans),
      `${feed.reason}${feed.provisional ? ', for now' : ''}`,
    ]),
  );
  for (const advice of new Set(list.feeds.map((feed) => feed.advice))) await out.line(safe(advice));
  const total = `${counted(list.feeds_total, 'feed')}, ${counted(list.entries_total, 'entry', 'entries')}, ${counted(list.spans_total, 'span')}`;
  await out.line(list.next === null ? total : `${total}; --limit shows more`);
}

function addProof(parent: Command, shell: Shell): void {
  const command = parent
    .command('proof')
    .description('show or save the signed entries that prove a fork')
    .argument('<peer>', 'who signed them: its id, name, address or fingerprint')
    .argument('<feed>', 'as quarantine lists it')
    .option('--out <file>', 'save the entries here, as a CBOR sequence of byte strings')
    .option('--force', 'replace the file if it is there');
  const examples = [
    'logline federation quarantine proof peer-alpha timeline/acme/00a1b2c3d4e5f607',
    'logline federation quarantine proof peer-alpha timeline/acme/00a1b2c3d4e5f607 --out fork.cborseq',
  ];
  shell.define<ProofOptions>(
    command,
    examples,
    async ({ client, out, signal }, options, [peer = '', feed = '']) => {
      const proof = await client.quarantine.proof(peer, feed, { signal });
      if (options.out !== undefined) {
        const bytes = await client.quarantine.proofBytes(peer, feed, { signal });
        await save(options.out, bytes, { replaces: options.force === true });
      }
      if (out.isJson) await out.json(proof);
      else {
        await out.table(
          ['ENTRY', 'HASH', 'WRITTEN'],
          proof.entries.map((entry) => [grouped(entry.seq), safe(entry.hash), safe(entry.written_at)]),
        );
        if (options.out !== undefined) await out.line(`saved in ${safe(options.out)}`);
      }
      return EXIT.ok;
    },
  );
}

async function save(path: string, bytes: Uint8Array, options: { readonly replaces: boolean }): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: options.replaces ? 'w' : 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is there already: name another file, or add --force' : message;
    throw new CliError(`${path}: ${why}`, { cause: error });
  }
}

function addRule(parent: Command, shell: Shell): void {
  const command = parent
    .command('rule')
    .description(
      "say which branch of this node's own forked feed stands; the other one's spans can be appended again",
    )
    .argument('<feed>', 'as quarantine lists it')
    .argument('<hash>', 'of the entry at the fork that stands, as proof shows it');
  const examples = ['logline federation quarantine rule timeline/acme/00a1b2c3d4e5f607 5d41…'];
  shell.define(command, examples, async ({ client, out, signal }, _options, [feed = '', hash = '']) => {
    const result = await client.quarantine.rule(feed, hash, { signal });
    if (out.isJson) await out.json(result);
    else await out.line(`${safe(result.hash)} stands in ${safe(result.feed)}`);
    return EXIT.ok;
  });
}
