/** Key files on a machine that stops: a process that ends itself at a chosen step, and whose unfinished write is torn. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { KEY_FILE_CALLS } from '../dist/node/key-files.js';
import { createCrypto } from '../dist/node/sodium.js';
import { createRandom } from '../dist/node/system.js';

export const crypto = createCrypto();
export const source = { crypto, random: createRandom() };
/** The least that Argon2id takes: guessing is not what these tests are about. */
export const CHEAP = { passes: 1, memoryBytes: 8192 };

export function directoryFor(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'logline-key-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Every file of a directory with its text. */
export function filesIn(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(directory).toSorted();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'latin1')]));
}

export type Work = 'create' | 'encrypt' | 'begin' | 'finish';

/**
 * Does `work` on the key at `path` in another process, which kills itself just before its step number `dieAt` (from 1);
 * of a file that was being written half is there. Resolves to whether it got to the end.
 */
export async function workUntil(
  work: Work,
  options: { readonly path: string; readonly dieAt: number; readonly passphrase?: string },
): Promise<boolean> {
  const at = (name: string): string => new URL(`../dist/node/${name}.js`, import.meta.url).href;
  const modules = ['node-key', 'key-rotation', 'key-files', 'sodium', 'system'].map(at);
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', WORKER, JSON.stringify({ work, modules, ...options })],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the worker failed with ${code ?? signal}`);
  return code === 0;
}

/** The steps that change the disk, in the order in which they were taken; file names without their directories and chance. */
export function recordingCalls(): { readonly calls: typeof KEY_FILE_CALLS; readonly steps: string[] } {
  const steps: string[] = [];
  const nameOf = (path: unknown): string =>
    String(path)
      .replace(/^.*\//, '')
      .replace(/-[0-9a-f]{16}$/, '-draft');
  const recorded = Object.entries(KEY_FILE_CALLS).map(([name, call]) => [
    name,
    async (...args: [never, never]): Promise<unknown> => {
      const seen = name === 'writeNew' || name === 'unlink' ? args.slice(0, 1) : args;
      steps.push([name, ...(name === 'syncDirectory' ? [] : seen.map(nameOf))].join(' '));
      return call(...args);
    },
  ]);
  return { calls: Object.fromEntries(recorded) as typeof KEY_FILE_CALLS, steps };
}

const WORKER = `
import { writeFileSync } from 'node:fs';
const { work, modules, path, dieAt, passphrase } = JSON.parse(process.argv[1]);
const [nodeKey, rotation, files, sodium, system] = await Promise.all(modules.map((url) => import(url)));
let step = 0;
const calls = Object.fromEntries(
  Object.entries(files.KEY_FILE_CALLS).map(([name, call]) => [
    name,
    (...args) => {
      if (++step === dieAt) {
        if (name === 'writeNew') writeFileSync(args[0], args[1].slice(0, args[1].length / 2), { mode: 0o600 });
        process.kill(process.pid, 'SIGKILL');
      }
      return call(...args);
    },
  ]),
);
const source = { crypto: sodium.createCrypto(), random: system.createRandom() };
const options = { calls, passphrase, cost: { passes: 1, memoryBytes: 8192 } };
const run = {
  create: nodeKey.loadOrCreateNodeKey,
  encrypt: nodeKey.loadOrCreateNodeKey,
  begin: rotation.beginRotation,
  finish: rotation.finishRotation,
};
await run[work](path, source, options);
`;
