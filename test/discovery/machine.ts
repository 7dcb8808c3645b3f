/** A machine with the service on it, as an operator sets it up: by variables alone. */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprintOf } from '@logline/federation-core';
import { createRandom, createTools, KEY_FILE, loadOrCreateNodeKey } from '@logline/federation-core/node';
import { eventually } from '@logline/federation-core/testing';
import { tempDir, type Lifetime } from '../support/server-process.js';
import type { Host, Lan, Program } from './lan.js';

const PROGRAM = join(dirname(fileURLToPath(import.meta.resolve('@logline/federation-server'))), 'main.js');
const TOKEN = 'the-operator-of-these-machines';
/** Asks the service from its own machine: nobody else reaches it. */
const ASK = `
  const [url, body] = process.argv.slice(1);
  const headers = { authorization: 'Bearer ${TOKEN}', 'content-type': 'application/json' };
  const answer = await fetch(url, body === undefined ? { headers } : { headers, method: 'POST', body });
  process.stdout.write(await answer.text());
`;

export interface ShownNode {
  readonly id: string | null;
  readonly address: string;
  readonly status: string;
  readonly trust_level: string;
  readonly method: string;
  readonly last_error: string | null;
}

export class Machine {
  readonly name: string;
  readonly fingerprint: string;
  readonly host: Host;
  readonly #dataDir: string;
  #program: Program | undefined;

  private constructor(name: string, parts: { fingerprint: string; host: Host; dataDir: string }) {
    this.name = name;
    this.fingerprint = parts.fingerprint;
    this.host = parts.host;
    this.#dataDir = parts.dataDir;
  }

  /** The node has its key, and does not run yet. */
  static async open(t: Lifetime, lan: Lan, name: string): Promise<Machine> {
    const host = await lan.host();
    const dataDir = await tempDir(t);
    const source = { random: createRandom(), crypto: createTools().crypto };
    const { publicKey } = await loadOrCreateNodeKey(join(dataDir, KEY_FILE), source, {});
    return new Machine(name, { fingerprint: fingerprintOf(publicKey), host, dataDir });
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error(`${this.name} is not started`);
    return this.#program;
  }

  /** Starts the service. It knows the others by their names and fingerprints. */
  async start(
    others: readonly Machine[],
    settings: { readonly env?: NodeJS.ProcessEnv; readonly resolver?: string } = {},
  ): Promise<void> {
    this.#program = this.host.start([process.execPath, PROGRAM], {
      resolver: settings.resolver,
      env: {
        FEDERATION_NODE_NAME: this.name,
        FEDERATION_NETWORK_KEY: 'a network of machines',
        FEDERATION_TRUSTED_PEERS: others.map((other) => `${other.name}#${other.fingerprint}`).join(','),
        FEDERATION_TENANTS: 'acme',
        FEDERATION_DATA_DIR: this.#dataDir,
        FEDERATION_ADMIN_TOKEN: TOKEN,
        ...settings.env,
      },
    });
    await this.#program.says(/"event":"node_started"/);
  }

  async ask(path: string, body?: object): Promise<string> {
    const url = `http://127.0.0.1:8080${path}`;
    const command = [process.execPath, '--input-type=module', '-e', ASK, url];
    return this.host.run(body === undefined ? command : [...command, JSON.stringify(body)]);
  }

  async nodes(): Promise<readonly ShownNode[]> {
    return (JSON.parse(await this.ask('/v1/nodes')) as { nodes: ShownNode[] }).nodes;
  }

  /** Resolves once it is connected with all of them, and they are verified. */
  async meets(...others: readonly Machine[]): Promise<void> {
    await eventually(
      `${this.name} is connected with ${others.map(({ name }) => name).join(' and ')}`,
      async () => {
        const nodes = await this.nodes();
        const isVerified = (other: Machine): boolean =>
          nodes.some(
            ({ id, status, trust_level }) =>
              id === `logline-id://node/${other.name}` &&
              status === 'connected' &&
              trust_level === 'verified',
          );
        return others.every(isVerified);
      },
      { timeoutMs: 60_000 },
    );
  }

  async append(title: string): Promise<void> {
    await this.ask('/v1/timeline/spans?tenant_id=acme', { logline_id: 'logline-id://person/ada', title });
  }

  async shows(title: string): Promise<void> {
    await eventually(`${this.name} shows ${title}`, async () =>
      (await this.ask('/v1/timeline/spans?tenant_id=acme')).includes(title),
    );
  }
}
