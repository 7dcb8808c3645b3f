/** One machine of a simulated network: the real node over memory ports that crash, tear and come back. */

import { LoglineError } from '../errors.js';
import type { NodeEvent } from '../events.js';
import { FederationNode } from '../node.js';
import type { NodeOptions } from '../node-options.js';
import { createTools } from '../node/system.js';
import type { Clock, Disk, KeyPair, KeyValue, Random, Tools, Transport } from '../ports.js';
import type { Storage } from '../storage.js';
import { LogStore } from '../store/store.js';
import { MemoryDisk, type DiskSnapshot } from './memory-disk.js';
import { MemoryIndex, type IndexSnapshot } from './memory-index.js';
import type { MemoryNetwork } from './memory-link.js';
import { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

/** Faults of our own making, to see that the checks find them. Each replaces what a port does. */
export interface PlantedBug {
  readonly disk?: (disk: Disk) => Disk;
  readonly index?: (index: KeyValue) => KeyValue;
  readonly storage?: (storage: Storage) => Storage;
  readonly tools?: (tools: Tools) => Tools;
  readonly random?: (random: Random) => Random;
}

export interface SimNodeOptions {
  readonly name: string;
  readonly peers: readonly string[];
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly seed: number;
  readonly bug: PlantedBug;
  /** What this node shares with whom; everything with everyone where absent. */
  readonly settings?: Partial<
    Pick<NodeOptions, 'trust' | 'tenants' | 'primaries' | 'conflictPolicy' | 'primaryNodes'>
  >;
  readonly onEvent: (name: string, event: NodeEvent) => void;
}

interface Backup {
  readonly disk: DiskSnapshot;
  readonly index: IndexSnapshot;
}

/** Argon2id is slow on purpose, and what it protects is not simulated. */
const TOOLS: Tools = (() => {
  const tools = createTools();
  const stretch = (secret: string, label: string): Uint8Array =>
    tools.crypto.sha256(tools.text.encode(`${label}\0${secret}`));
  return { ...tools, crypto: { ...tools.crypto, stretch } };
})();

export class SimNode {
  readonly name: string;
  readonly disk: MemoryDisk;
  readonly index = new MemoryIndex();
  keyPair: KeyPair;
  /** How far this machine's wall clock is off. */
  skewMs = 0;
  readonly #options: SimNodeOptions;
  readonly #random: SeededRandom;
  readonly #tools: Tools;
  #life = 0;
  #running: { readonly node: FederationNode; readonly storage: Storage } | undefined;
  #transport: Transport | undefined;
  #backup: Backup | undefined;
  #earlierKey: KeyPair | undefined;

  constructor(options: SimNodeOptions) {
    this.name = options.name;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#tools = options.bug.tools?.(TOOLS) ?? TOOLS;
    this.keyPair = TOOLS.crypto.keyPair(this.#random.bytes(32));
    const clock: Clock = options.time.clock({ skewMs: () => this.skewMs, isAlive: () => true });
    this.disk = new MemoryDisk({ clock, random: this.#random, latencyMs: 6, holes: true });
  }

  get node(): FederationNode | undefined {
    return this.#running?.node;
  }

  get storage(): Storage | undefined {
    return this.#running?.storage;
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** Powers the machine on. False if it was cut again before the node was up. */
  async start(): Promise<boolean> {
    const life = ++this.#life;
    const { name, peers, time, network, bug, onEvent } = this.#options;
    const clock = time.clock({ skewMs: () => this.skewMs, isAlive: () => this.#life === life });
    const random = bug.random?.(this.#random) ?? this.#random;
    const ownDisk = this.#diskOf(life);
    const disk = bug.disk?.(ownDisk) ?? ownDisk;
    const { index } = this.index.reopen();
    const opened = await LogStore.open({
      disk,
      index: bug.index?.(index) ?? index,
      tools: this.#tools,
      random,
      clock,
    });
    if (this.#life !== life) return false;
    const storage = bug.storage?.(opened) ?? opened;
    const transport = network.transport({ address: name, keyPair: this.keyPair });
    this.#transport = transport;
    const node = await FederationNode.open({
      name,
      keyPair: this.keyPair,
      earlierKey: this.#earlierKey,
      storage,
      transport,
      clock,
      random,
      tools: this.#tools,
      networkKey: 'simulated',
      trustedPeers: peers.map((address) => ({ address })),
      tenants: '*',
      ...this.#options.settings,
      onEvent: (event) => (this.#life === life ? onEvent(name, event) : undefined),
    });
    if (this.#life !== life) return false;
    this.#running = { node, storage };
    return true;
  }

  /** Cuts the power in the middle of whatever goes on. */
  crash(): void {
    this.#life++;
    this.disk.crash({ random: this.#random });
    this.index.crash({ random: this.#random });
    this.#leave();
  }

  /** Stops in order; everything is flushed. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.node.close();
    this.#life++;
    this.#leave();
  }

  /** Keeps a copy of the data directory as it is now, taken from a running machine like any careless backup. */
  backUp(): void {
    this.#backup = { disk: this.disk.snapshot(), index: this.index.snapshot() };
  }

  get hasBackup(): boolean {
    return this.#backup !== undefined;
  }

  /** Puts the last copy in place of the data directory of a machine that is off. */
  restore(): void {
    if (this.#backup === undefined) return;
    this.disk.restore(this.#backup.disk);
    this.index.restore(this.#backup.index);
  }

  /** Gives a machine that is off a new key; at its next start it says that it goes on under it. No backup bears the old one. */
  rotate(): void {
    this.#earlierKey = this.keyPair;
    this.keyPair = TOOLS.crypto.keyPair(this.#random.bytes(32));
    this.#backup = undefined;
  }

  /** The disk as one life of the machine sees it: what is left of a process after a crash writes nothing any more. */
  #diskOf(life: number): Disk {
    const whileAlive = <T>(work: () => Promise<T>): Promise<T> =>
      this.#life === life
        ? work()
        : Promise.reject(new LoglineError('disk_failed', 'the power was cut: start the machine again'));
    return {
      list: () => whileAlive(() => this.disk.list()),
      open: (name, options) => whileAlive(() => this.disk.open(name, options)),
      remove: (name) => whileAlive(() => this.disk.remove(name)),
    };
  }

  #leave(): void {
    this.#running = undefined;
    this.#options.network.cutLinks(this.name);
    void this.#transport?.close();
    this.#transport = undefined;
  }
}
