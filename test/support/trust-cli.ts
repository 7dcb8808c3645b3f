/** The command line tool as a process of its own, as people and scripts start it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = join(
  dirname(fileURLToPath(import.meta.resolve('@logline/cli/package.json'))),
  'bin',
  'logline.js',
);

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `logline …`, with what follows the name as a shell would split it. */
export async function logline(server: { readonly url: string }, args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env['PATH'], LOGLINE_FEDERATION_URL: server.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text.out += String(chunk)));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (text.err += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}
