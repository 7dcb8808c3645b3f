/** Answers a shell that asks what may come next: a line about where values come from, then a candidate a line. */

import { LoglineFederationClient } from 'logline-federation-client';
import { createProgram } from './command-tree.js';
import { candidatesFor, type Candidate, type Source } from './completion.js';
import { targetOf } from './connection.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { writeTo } from './output.js';
import type { Shell } from './shell.js';
import { clipped, safe } from './text.js';

/** Whoever types does not wait longer for a node. */
const WAIT_MS = 1_000;
const ABOUT_CHARS = 80;
/** What a shell takes for itself is never offered, whoever gave a peer such a name. */
const PLAIN = /^[\w.:/@+,%-]{1,200}$/;

export async function complete(words: readonly string[], shell: Shell): Promise<ExitCode> {
  const { words: known, source } = candidatesFor(createProgram(shell), words);
  const typed = words.at(-1) ?? '';
  const live = source === 'peers' || source === 'tenants' ? await valuesOf(source, words, shell) : [];
  const fitting = live.filter((word) => PLAIN.test(word) && word.startsWith(typed));
  const all: readonly Candidate[] = [...known, ...fitting.map((word) => ({ word, about: '' }))];
  const first = source === 'files' || source === 'folders' ? `:${source}` : ':words';
  const lines = all.map(({ word, about }) => `${word}\t${clipped(safe(about), ABOUT_CHARS)}`);
  await writeTo(shell.io.stdout, `${[first, ...lines].join('\n')}\n`);
  return EXIT.ok;
}

/** Nothing where no node answers in time: completion never complains. */
async function valuesOf(
  source: Exclude<Source, 'files' | 'folders'>,
  words: readonly string[],
  { io }: Shell,
): Promise<readonly string[]> {
  try {
    const url = words.indexOf('--url');
    const target = targetOf(url < 0 ? undefined : words[url + 1], io.env, () => undefined);
    const client = new LoglineFederationClient({ ...target, timeoutMs: WAIT_MS, retry: { tries: 1 } });
    if (source === 'tenants')
      return Object.keys((await client.syncStatus({ signal: io.signal })).spans ?? {});
    const nodes = await client.nodes({ signal: io.signal });
    return nodes.flatMap(({ id, address }) => id ?? address);
  } catch {
    return [];
  }
}
