/** A federation server as a process of its own, that can be asked to stop, or be killed. */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface ServerSetup {
  readonly name: string;
  readonly port: number;
  readonly dataDir: string;
  /** What the server says goes to the end of this file. */
  readonly logPath: string;
  readonly signal: AbortSignal;
  /** Further variables of its environment. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

const READY_MS = 60_000;
const STOP_MS = 10_000;
const ASK_EVERY_MS = 20;
const LOG_LINES_SHOWN = 12;

const MAIN = join(
  dirname(fileURLToPath(import.meta.resolve('@logline/federation-server/package.json'))),
  'dist',
  'main.js',
);

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #killAtExit: () => void;

  private constructor(child: ChildProcess) {
    this.#child = child;
    // However this process ends, its servers end with it.
    this.#killAtExit = () => void child.kill('SIGKILL');
    process.once('exit', this.#killAtExit);
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        process.off('exit', this.#killAtExit);
        resolve();
      };
      child.once('exit', end).once('error', end);
    });
  }

  /** Starts a server on 127.0.0.1 and waits until it serves. Rejects with the end of its log if it does not. */
  static async start(setup: ServerSetup): Promise<ServerProcess> {
    setup.signal.throwIfAborted();
    const log = openSync(setup.logPath, 'a');
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      env: environmentOf(setup),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const server = new ServerProcess(child);
    try {
      await server.#untilReady(setup);
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  get isAlive(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The process id, for the log of what happened. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** SIGKILL: no goodbye, nothing flushed. */
  async kill(): Promise<void> {
    if (this.isAlive) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM, and SIGKILL if that takes too long. */
  async stop(): Promise<void> {
    if (this.isAlive) this.#child.kill('SIGTERM');
    const waiting = new AbortController();
    const late = pause(STOP_MS, 'late' as const, { signal: waiting.signal }).catch(() => undefined);
    if ((await Promise.race([this.#ended, late])) === 'late') await this.kill();
    waiting.abort();
  }

  async #untilReady({ name, port, logPath, signal }: ServerSetup): Promise<void> {
    const deadlineMs = performance.now() + READY_MS;
    for (;;) {
      const isReady = await fetch(`http://127.0.0.1:${port}/readyz`, { signal })
        .then(async (response) => {
          await response.arrayBuffer();
          return response.ok;
        })
        .catch(() => false);
      signal.throwIfAborted();
      if (!this.isAlive) throw new Error(`${name}'s server ended at its start:\n${endOf(logPath)}`);
      if (isReady) return;
      if (performance.now() > deadlineMs) {
        throw new Error(`${name}'s server was not ready within ${READY_MS / 1000} s:\n${endOf(logPath)}`);
      }
      await pause(ASK_EVERY_MS, undefined, { signal });
    }
  }
}

/** Free ports of 127.0.0.1, all different; whoever wants one should take it soon. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen({ host: '127.0.0.1', port: 0 }, () =>
            resolve((server.address() as AddressInfo).port),
          );
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  return ports;
}

/** Only what the demo sets counts, not what the shell has for another server. */
function environmentOf({ name, port, dataDir, variables }: ServerSetup): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('FEDERATION_'));
  return {
    ...Object.fromEntries(inherited),
    FEDERATION_NODE_NAME: name,
    // What nodes share that believe each other at first sight.
    FEDERATION_NETWORK_KEY: 'the secret of the demo',
    FEDERATION_BIND_HOST: '127.0.0.1',
    FEDERATION_BIND_PORT: String(port),
    FEDERATION_DATA_DIR: dataDir,
    FEDERATION_TENANTS: '*',
    LOG_LEVEL: 'info',
    ...variables,
  };
}

function endOf(logPath: string): string {
  const lines = readFileSync(logPath, 'utf8').trimEnd().split('\n');
  return lines.slice(-LOG_LINES_SHOWN).join('\n');
}
