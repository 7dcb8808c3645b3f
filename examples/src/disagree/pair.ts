/** Two servers, each a process of its own, that are started with one policy after another over the same data. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoglineFederationClient, type Span } from 'logline-federation-client';
import { freePorts, ServerProcess } from '../demo/server-process.js';
import { untilDone } from '../demo/until.js';

const NAMES = ['alice', 'bob'] as const;
const STILL_MS = 30_000;

export class Pair {
  readonly clients: readonly LoglineFederationClient[];
  readonly #ports: readonly number[];
  readonly #folder: string;
  readonly #signal = new AbortController().signal;

  private constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    this.#ports = ports;
    this.clients = ports.map(
      (port) => new LoglineFederationClient({ baseUrl: `http://127.0.0.1:${port}`, tenant: 'acme' }),
    );
  }

  static async open(): Promise<Pair> {
    return new Pair(await mkdtemp(join(tmpdir(), 'logline-disagree-')), await freePorts(NAMES.length));
  }

  /** Starts both with a policy, does something, and stops them. */
  async with(policy: string, act: () => Promise<void>): Promise<void> {
    const variables = { FEDERATION_CONFLICT_POLICY: policy, FEDERATION_PRIMARY_NODES: 'alice' };
    const servers = await Promise.all(
      NAMES.map((name, i) =>
        ServerProcess.start({
          name,
          port: this.#ports[i] ?? 0,
          dataDir: join(this.#folder, name),
          logPath: join(this.#folder, `${name}.log`),
          signal: this.#signal,
          variables,
        }),
      ),
    );
    await act();
    await Promise.all(servers.map((server) => server.stop()));
  }

  /** Lets each trust the other. */
  async meet(): Promise<void> {
    for (const [i, client] of this.clients.entries())
      await client.establishTrust({ peer_address: `http://127.0.0.1:${this.#ports[1 - i] ?? 0}` });
  }

  /** Waits until both read a span so. */
  async agree(id: string, wanted: string, textOf: (span: Span) => string): Promise<void> {
    const look = async (): Promise<{ done: boolean; missing: string; mark: string }> => {
      const read = (await Promise.all(this.clients.map((client) => client.get(id)))).map(textOf);
      const missing = `they read ${read.join(' and ')}`;
      return { done: read.every((one) => one === wanted), missing, mark: missing };
    };
    await untilDone(wanted, look, { signal: this.#signal, stillMs: STILL_MS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
