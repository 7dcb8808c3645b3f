/** A few nodes on one memory network in virtual time, each of them to be cut off, stopped and started again. */

import type { ExecutionContext } from 'ava';
import { LoglineError } from '../dist/errors.js';
import type { NodeEvent } from '../dist/events.js';
import { parseTenant, type TenantId } from '../dist/identity.js';
import { FederationNode } from '../dist/node.js';
import type { NodeOptions } from '../dist/node-options.js';
import type { Storage, StoreRecord } from '../dist/storage.js';
import { LogStore } from '../dist/store/store.js';
import type { KeyPair } from '../dist/ports.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { person, spanText, tools } from './forge.js';

export const TOOLS = {
  ...tools,
  crypto: { ...tools.crypto, stretch: (secret: string) => tools.crypto.sha256(tools.text.encode(secret)) },
};

export type Settings = Partial<
  Pick<
    NodeOptions,
    | 'trust'
    | 'tenants'
    | 'primaries'
    | 'networkKey'
    | 'trustedPeers'
    | 'discovery'
    | 'conflictPolicy'
    | 'primaryNodes'
  >
> & {
  /** Where it is, if not at its name. */
  readonly address?: string;
  /** Addresses of those it lists. */
  readonly peers?: readonly string[];
};

/** A person's machine in the town. Its address is its name. */
export class House {
  readonly name: string;
  key: KeyPair;
  readonly events: NodeEvent[] = [];
  /** Which commits the disk fails. */
  spoils: (records: readonly StoreRecord[]) => boolean = () => false;
  readonly disk = new MemoryDisk();
  readonly index = new MemoryIndex();
  /** Whether it reaches others, or is only reached. */
  mayDial = true;
  readonly #town: Town;
  /** The key that its present one follows, until that is published. */
  #earlierKey: KeyPair | undefined;
  #rotations = 0;
  #settings: Settings;
  #node: FederationNode | undefined;
  #storage: Storage | undefined;

  constructor(name: string, town: Town, settings: Settings) {
    this.name = name;
    this.key = person(name);
    this.#town = town;
    this.#settings = settings;
  }

  get node(): FederationNode {
    if (this.#node === undefined) throw new Error(`${this.name} is not started`);
    return this.#node;
  }

  get storage(): Storage {
    if (this.#storage === undefined) throw new Error(`${this.name} is not started`);
    return this.#storage;
  }

  async start(settings: Settings = this.#settings): Promise<void> {
    this.#settings = settings;
    const { clock, random, network } = this.#town;
    const { index } = this.index.reopen();
    const storage = (this.#storage = await LogStore.open({
      disk: this.disk,
      index,
      tools: TOOLS,
      random,
      clock,
    }));
    const commit = storage.commit.bind(storage);
    storage.commit = (records) =>
      this.spoils(records) ? Promise.reject(new LoglineError('disk_failed', 'EIO')) : commit(records);
    const { peers = [], address = this.name, ...rest } = settings;
    const transport = network.transport({ address, keyPair: this.key });
    this.#node = await FederationNode.open({
      networkKey: 'ours',
      tenants: '*',
      trustedPeers: peers.map((address) => ({ address })),
      ...rest,
      name: this.name,
      keyPair: this.key,
      earlierKey: this.#earlierKey,
      storage,
      transport: {
        accept: (onLink) => transport.accept(onLink),
        dial: (to, options) => {
          if (!this.mayDial) throw new LoglineError('unreachable', `${to} cannot be reached from here`);
          return transport.dial(to, options);
        },
        close: () => transport.close(),
      },
      clock,
      random,
      tools: TOOLS,
      onEvent: (event) => this.events.push(event),
    });
  }

  /** Gives the stopped node a new key, in the way of `id rotate`. */
  rotate(seed = ''): void {
    this.#earlierKey = this.key;
    this.#rotations++;
    this.key = person(`${this.name} anew ${seed}, ${this.#rotations}`);
  }

  async stop(): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    if (node === undefined) return;
    const closed = node.close();
    await this.#town.time.advance(5_000);
    await closed;
  }

  async restart(settings?: Settings): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  /** Appends spans of these numbers, and lets the disk have them. */
  async append(tenant: string, ...numbers: readonly number[]): Promise<void> {
    const spans = numbers.map((n) => tools.text.encode(spanText(n)));
    const appended = this.node.timeline(tenant).append(spans);
    await this.#town.time.advance(50);
    await appended;
  }

  /** Numbers of the spans that a tenant's timeline shows, ascending. */
  async shows(tenant: string): Promise<readonly number[]> {
    const { spans } = await this.node.timeline(tenant).query({});
    const numbers = spans.map((span) => {
      const { id } = JSON.parse(tools.text.decode(span) ?? '') as { readonly id: string };
      return Number.parseInt(id.slice(-12), 16);
    });
    return numbers.sort((a, b) => a - b);
  }

  levelOf(other: House): string | undefined {
    return this.node.peers().find((peer) => peer.address === other.name)?.trustLevel;
  }

  isConnectedTo(other: House): boolean {
    return this.node.peers().some((peer) => peer.address === other.name && peer.status === 'connected');
  }

  /** What somebody does here, with the time that takes; too little for anybody else to hear of it. */
  async does<T>(act: (node: FederationNode) => Promise<T>): Promise<T> {
    const acting = act(this.node);
    // What it rejects with is for whoever waits for it, a moment later.
    acting.catch(() => undefined);
    await this.#town.time.advance(3);
    return acting;
  }

  /** What an operator does here, with the time that takes. */
  async operate<T>(act: (desk: FederationNode['operator']) => Promise<T>): Promise<T> {
    const acting = act(this.node.operator);
    await this.#town.time.advance(200);
    return acting;
  }
}

export class Town {
  readonly time = new VirtualTime();
  /** How far the wall clocks of all houses are off. */
  skewMs = 0;
  readonly clock = this.time.clock({ skewMs: () => this.skewMs, isAlive: () => true });
  readonly random = new SeededRandom(7);
  readonly network = new MemoryNetwork({ clock: this.clock, random: this.random, delayMs: () => 5 });

  async start(t: ExecutionContext, name: string, settings: Settings = {}): Promise<House> {
    const house = new House(name, this, settings);
    await house.start();
    t.teardown(() => house.stop());
    return house;
  }
}

export function tenantId(name: string): TenantId {
  const tenant = parseTenant(name);
  if (tenant === undefined) throw new Error(`${name} is no tenant`);
  return tenant;
}
