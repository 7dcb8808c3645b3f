// A node as operators run it, a process of its own, with whatever is wrong about it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { temporaryDirectory } from './harness.js';

const MAIN = join(dirname(fileURLToPath(import.meta.resolve('@logline/federation-server'))), 'main.js');

export interface NodeProcess {
  readonly url: string;
  readonly fingerprint: string;
  readonly dataDir: string;
  stop(): Promise<number | null>;
}

export interface Wrong {
  /** How far its clock is ahead, in milliseconds. */
  readonly aheadMs?: number;
  /** No file may become longer: writing beyond fails as on a full disk. In units of 512 bytes. */
  readonly fileBlocksMost?: number;
}

/** Starts a node on a free port of this machine and waits until it listens. */
export async function startProcess(
  t: ExecutionContext,
  env: Readonly<Record<string, string>>,
  wrong: Wrong = {},
): Promise<NodeProcess> {
  const dataDir = env['FEDERATION_DATA_DIR'] ?? (await temporaryDirectory(t));
  const { aheadMs = 0, fileBlocksMost } = wrong;
  const clock = `const now = Date.now.bind(Date); Date.now = () => now() + ${aheadMs};`;
  const argv = ['--import', `data:text/javascript,${encodeURIComponent(clock)}`, MAIN];
  const limit = fileBlocksMost === undefined ? '' : `ulimit -f ${fileBlocksMost}; `;
  const child = spawn('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, ...argv], {
    env: {
      PATH: process.env['PATH'],
      FEDERATION_BIND_HOST: '127.0.0.1',
      FEDERATION_BIND_PORT: '0',
      FEDERATION_DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { readonly event: string; url: string; fingerprint: string };
    if (said.event !== 'node_started') continue;
    child.stdout.resume();
    const stop = (): Promise<number | null> => {
      child.kill('SIGTERM');
      return exited;
    };
    return { url: said.url, fingerprint: said.fingerprint, dataDir, stop };
  }
  throw new Error('the node ended before it listened');
}
