/** Three servers in a line, alpha–beta–gamma, with a cable before gamma that can be cut. */

import { TcpProxy } from '@logline/federation-core/testing';
import { LoglineFederationClient, type Node as PeerNode } from 'logline-federation-client';
import type { RunFolder } from './folder.js';
import { ServerProcess } from './server-process.js';
import { Meter, NODES, rowOf, type NodeName, type Traffic } from './traffic.js';
import { untilDone, type Progress } from './until.js';

interface View {
  readonly node: NodeName;
  readonly entries: number;
  readonly peers: readonly PeerNode[];
}

const STILL_MS = 60_000;
const NEIGHBOURS: Readonly<Record<NodeName, readonly NodeName[]>> = {
  alpha: ['beta'],
  beta: ['alpha', 'gamma'],
  gamma: ['beta'],
};

export class Network {
  readonly #folder: RunFolder;
  readonly #signal: AbortSignal;
  readonly #servers = new Map<NodeName, ServerProcess>();
  readonly #cables: TcpProxy[] = [];
  readonly #meter = new Meter();

  private constructor(folder: RunFolder, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Starts the servers and lays the cable. `onNode` hears of each server that serves. */
  static async open(folder: RunFolder, signal: AbortSignal): Promise<Network> {
    const network = new Network(folder, signal);
    try {
      const { beta, gamma, cableToBeta, cableToGamma } = folder.ports;
      network.#cables.push(await TcpProxy.open({ port: beta }, { port: cableToBeta }));
      network.#cables.push(await TcpProxy.open({ port: gamma }, { port: cableToGamma }));
      // One that fails must not leave others behind that are still starting.
      const starts = await Promise.allSettled(NODES.map((node) => network.start(node)));
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  async start(node: NodeName): Promise<void> {
    const { ports } = this.#folder;
    const server = await ServerProcess.start({
      name: node,
      port: ports[node],
      dataDir: this.#folder.dataDirOf(node),
      logPath: this.#folder.logPathOf(node),
      signal: this.#signal,
    });
    this.#servers.set(node, server);
  }

  /** kill -9. Returns the id of the process that was. */
  async kill(node: NodeName): Promise<number | undefined> {
    await this.look();
    const server = this.#servers.get(node);
    await server?.kill();
    return server?.pid;
  }

  /** Breaks every connection between beta and gamma, and lets no new one through. */
  async cutCable(): Promise<void> {
    await this.look();
    for (const cable of this.#cables) {
      cable.refuse(true);
      cable.cut();
    }
  }

  mendCable(): void {
    for (const cable of this.#cables) cable.refuse(false);
  }

  url(node: NodeName): string {
    return `http://127.0.0.1:${this.#folder.ports[node]}`;
  }

  client(node: NodeName): LoglineFederationClient {
    return new LoglineFederationClient({ baseUrl: this.url(node) });
  }

  get traffic(): Traffic {
    return this.#meter.totals;
  }

  /** Each node trusts its neighbours, at the address by which it reaches them; resolves when all links are up. */
  async connect(): Promise<void> {
    await Promise.all(
      NODES.flatMap((node) =>
        NEIGHBOURS[node].map((peer) => {
          const peer_address = this.#addressFor(node, peer);
          return this.client(node).establishTrust({ peer_address }, { signal: this.#signal });
        }),
      ),
    );
    await untilDone('the nodes do not connect', async () => this.#linked(await this.look()), {
      signal: this.#signal,
      stillMs: STILL_MS,
    });
  }

  /** Asks every node to sync with its neighbours, and waits until nothing is missing anywhere. */
  async settle(onProgress: (entries: readonly number[]) => void): Promise<void> {
    const asked = NODES.map((node) => this.client(node).sync({}, { signal: this.#signal }));
    const settled = untilDone(
      'the nodes do not agree',
      async () => {
        const views = await this.look();
        onProgress(views.map(({ entries }) => entries));
        return this.#agreed(views);
      },
      { signal: this.#signal, stillMs: STILL_MS },
    );
    await Promise.all([settled, ...asked]);
  }

  /** How many entries a node holds. */
  async entries(node: NodeName): Promise<number> {
    return (await this.client(node).syncStatus({ signal: this.#signal })).entries ?? 0;
  }

  /** What the living nodes say of themselves and of each other. */
  async look(): Promise<readonly View[]> {
    const alive = NODES.filter((node) => this.#servers.get(node)?.isAlive === true);
    return Promise.all(
      alive.map(async (node) => {
        const client = this.client(node);
        const entries = await this.entries(node);
        const peers = await client.nodes({ signal: this.#signal });
        this.#meter.see(node, peers);
        return { node, entries, peers };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    await Promise.all(this.#cables.map((cable) => cable.close()));
  }

  #addressFor(node: NodeName, peer: NodeName): string {
    const { ports } = this.#folder;
    if (node === 'beta' && peer === 'gamma') return `http://127.0.0.1:${ports.cableToGamma}`;
    if (node === 'gamma' && peer === 'beta') return `http://127.0.0.1:${ports.cableToBeta}`;
    return this.url(peer);
  }

  #linked(views: readonly View[]): Progress {
    const apart = views.flatMap(({ node, peers }) =>
      NEIGHBOURS[node]
        .map((peer) => ({ peer, row: rowOf(peers, peer) }))
        .filter(({ row }) => row?.status !== 'connected' || row.trust_level !== 'verified')
        .map(({ peer, row }) => `${node} says of ${peer}: ${wordsFor(row)}`),
    );
    const dead = NODES.filter((node) => !views.some((view) => view.node === node));
    const missing = [...dead.map((node) => `${node}'s server has ended`), ...apart];
    return { done: missing.length === 0, missing: missing.join('; '), mark: missing.join() };
  }

  #agreed(views: readonly View[]): Progress {
    const linked = this.#linked(views);
    const counts = views.map(({ entries }) => entries);
    const mark = counts.join();
    if (!linked.done) return { ...linked, mark };
    const behind = views.filter(
      ({ node, peers }) => !NEIGHBOURS[node].every((peer) => rowOf(peers, peer)?.in_sync === true),
    );
    const missing = `entries ${views.map(({ node, entries }) => `${node} ${entries}`).join(', ')}; not in sync: ${
      behind.map(({ node }) => node).join(', ') || 'none'
    }`;
    return { done: behind.length === 0 && new Set(counts).size === 1, missing, mark };
  }
}

function wordsFor(row: PeerNode | undefined): string {
  if (row === undefined) return 'not known yet';
  const reason = row.last_error === null ? '' : ` (${row.last_error})`;
  return `${row.status}, ${row.trust_level}${reason}`;
}
