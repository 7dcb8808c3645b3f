/** Links between nodes of one process, driven by a given clock and chance: what the simulator delays, cuts and splits. */

import { CLOSE_CODES } from '../node/close-codes.js';
import { assert, LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Clock, KeyPair, Link, Random, Transport } from '../ports.js';
import { joinLinks, type MemoryLink } from './memory-pipe.js';

/** How long a message of so many bytes is under way. */
export type Delay = (way: { readonly from: string; readonly to: string; readonly bytes: number }) => number;

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** No delay by default; delivery is never synchronous all the same. */
  readonly delayMs?: Delay;
}

/** How often each fault has fired. A test that asks for faults should look at these. */
export interface MemoryFaults {
  readonly framesLost: number;
  readonly linksBroken: number;
  readonly linksCut: number;
  readonly dialsLost: number;
  readonly dialsRefused: number;
}

interface Endpoint {
  readonly transport: MemoryTransport;
  readonly keyPair: KeyPair;
}

export class MemoryNetwork {
  readonly clock: Clock;
  readonly #random: Random;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #pairs = new Set<readonly [MemoryLink, MemoryLink]>();
  readonly #faults = { framesLost: 0, linksBroken: 0, linksCut: 0, dialsLost: 0, dialsRefused: 0 };
  /** The group of each address while the network is split. */
  #groups: ReadonlyMap<string, number> | undefined;
  #delayMs: Delay;

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.#random = options.random;
    this.#delayMs = options.delayMs ?? (() => 0);
  }

  get faults(): MemoryFaults {
    return { ...this.#faults };
  }

  /** A transport that others reach at `address`. */
  transport(options: { readonly address: string; readonly keyPair: KeyPair }): Transport {
    assert(!this.#endpoints.has(options.address), `the address ${options.address} is free`);
    const transport = new MemoryTransport(this, options.address);
    this.#endpoints.set(options.address, { transport, keyPair: options.keyPair });
    return transport;
  }

  /** Changes the delay of every message sent from now on. */
  delay(delayMs: Delay): void {
    this.#delayMs = delayMs;
  }

  /**
   * Splits the network: between two groups nothing passes, and what is under way is lost. Addresses in no group form one
   * more. A link across the split is broken for good, as TCP would be, yet neither end is told: it is half-open.
   */
  partition(groups: readonly (readonly string[])[]): void {
    this.#groups = new Map(
      groups.flatMap((group, index) => group.map((address) => [address, index] as const)),
    );
    for (const [one, other] of this.#pairs) {
      if (this.#isSplit(one.local, other.local) && one.breakSilently()) this.#faults.linksBroken++;
    }
  }

  /** Ends the partition. Broken links stay broken; the first frame sent on one resets that end. */
  heal(): void {
    this.#groups = undefined;
  }

  /** Ends all links abruptly, or those with an end at `address`: both ends see 1006, what is under way is lost. */
  cutLinks(address?: string): void {
    for (const pair of this.#pairs) {
      if (address !== undefined && !pair.some((link) => link.local === address)) continue;
      this.#faults.linksCut++;
      for (const link of pair) link.vanish();
    }
  }

  async dial(from: string, to: string, options: { readonly timeoutMs: number }): Promise<Link> {
    const caller = this.#endpoints.get(from);
    if (caller === undefined) throw new LoglineError('closed', 'the transport was closed');
    const timeoutMs = Math.min(options.timeoutMs, LIMITS.handshakeMs);
    // Two round trips: the handshakes of TCP, WebSocket and Noise overlap to about that.
    const tripMs = 2 * (this.delayOf(from, to, 0) + this.delayOf(to, from, 0));
    await this.#wait(Math.min(tripMs, timeoutMs));
    if (this.#isSplit(from, to)) {
      this.#faults.dialsLost++;
      await this.#wait(timeoutMs - Math.min(tripMs, timeoutMs));
      throw new LoglineError('unreachable', `${to} could not be reached: no answer within ${timeoutMs} ms`);
    }
    const callee = this.#endpoints.get(to);
    if (callee === undefined || tripMs > timeoutMs) {
      this.#faults.dialsRefused++;
      throw new LoglineError('unreachable', `${to} could not be reached: nobody answers there in time`);
    }
    if (!this.#endpoints.has(from)) throw new LoglineError('closed', 'the transport was closed');
    const links = this.#join({ address: from, ...caller }, { address: to, ...callee });
    callee.transport.welcome(links[1]);
    return links[0];
  }

  leave(address: string): void {
    this.#endpoints.delete(address);
  }

  /** The open links of the transport at `address`. */
  linksOf(address: string): readonly MemoryLink[] {
    return [...this.#pairs].flat().filter((link) => link.local === address && link.isOpen);
  }

  delayOf(from: string, to: string, bytes: number): number {
    return this.#delayMs({ from, to, bytes });
  }

  #join(
    caller: { readonly address: string; readonly keyPair: KeyPair },
    callee: { readonly address: string; readonly keyPair: KeyPair },
  ): readonly [MemoryLink, MemoryLink] {
    const handshakeHash = this.#random.bytes(64);
    const shared = {
      clock: this.clock,
      handshakeHash,
      delayOf: (from: string, to: string, bytes: number) => this.delayOf(from, to, bytes),
      isSplit: (a: string, b: string) => this.#isSplit(a, b),
      onLost: (frames: number) => (this.#faults.framesLost += frames),
    };
    const pair = joinLinks(
      {
        ...shared,
        local: caller.address,
        remote: callee.address,
        remoteKey: callee.keyPair.publicKey,
        initiator: true,
      },
      {
        ...shared,
        local: callee.address,
        remote: caller.address,
        remoteKey: caller.keyPair.publicKey,
        initiator: false,
      },
    );
    this.#pairs.add(pair);
    void Promise.all(pair.map((link) => link.ended)).then(() => this.#pairs.delete(pair));
    return pair;
  }

  #isSplit(a: string, b: string): boolean {
    return this.#groups !== undefined && this.#groups.get(a) !== this.#groups.get(b);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(delayMs, resolve);
    });
  }
}

class MemoryTransport implements Transport {
  readonly #network: MemoryNetwork;
  readonly #address: string;
  #onLink: ((link: Link) => void) | undefined;

  constructor(network: MemoryNetwork, address: string) {
    this.#network = network;
    this.#address = address;
  }

  dial(address: string, options: { readonly timeoutMs: number }): Promise<Link> {
    return this.#network.dial(this.#address, address, options);
  }

  accept(onLink: (link: Link) => void): void {
    this.#onLink = onLink;
  }

  /** Called by the network with the callee's end of a new link. */
  welcome(link: MemoryLink): void {
    if (this.#onLink === undefined) link.close(CLOSE_CODES.closing, 'nobody takes links');
    else this.#onLink(link);
  }

  async close(): Promise<void> {
    const links = this.#network.linksOf(this.#address);
    this.#network.leave(this.#address);
    for (const link of links) link.close(CLOSE_CODES.closing, 'closing');
    await Promise.all(links.map((link) => link.ended));
  }
}
