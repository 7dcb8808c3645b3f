/** A real server under attack, and an honest peer that keeps exchanging spans with it and notices every hitch. */

import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { setInterval } from 'node:timers/promises';
import { fingerprintOf, LIMITS, type KeyPair } from '@logline/federation-core';
import { createCrypto, NoiseWebSocketTransport } from '@logline/federation-core/node';
import { eventually, HostilePeer, type HostilePeerOptions } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { openMemoryNode, type MemoryNode } from './memory-node.js';
import { append, figure, has, NOWHERE, TENANT, trust } from './rest.js';
import { ServerProcess, tempDir, type Lifetime, type ServerSettings } from './server-process.js';
import { spanNumber } from './writer.js';

export const NETWORK_KEY = 'the network of alice and bob';
/** Silence of that length would end the honest link: what is slower than that is not in order. */
const ARRIVAL_MS = LIMITS.silenceMs;
const EXCHANGE_EVERY_MS = 20;
const LINK_PATH = '/v1/federation';

/** Alice's server and bob's node, who are in sync. */
export interface Fortress {
  /** The one under attack. */
  readonly alice: ServerProcess;
  readonly bob: MemoryNode;
}

/** How alice's server is set up. */
export type Defences = Pick<ServerSettings, 'tenants' | 'adminToken' | 'env'>;

/** Starts alice's server and bob's node; resolves once they have met. */
export async function openFortress(t: Lifetime, options: Defences = {}): Promise<Fortress> {
  const alice = await ServerProcess.start(t, {
    name: 'alice',
    dataDir: await tempDir(t),
    networkKey: NETWORK_KEY,
    ...options,
  });
  const keyPair = newKeyPair();
  const transport = NoiseWebSocketTransport.create({ keyPair });
  const bob = await openMemoryNode(t, {
    name: 'bob',
    keyPair,
    transport,
    networkKey: NETWORK_KEY,
    compression: 'on',
  });
  await trust(alice, { address: NOWHERE, fingerprint: bob.node.fingerprint });
  await bob.node.trust({ address: linkUrl(alice) });
  await eventually('alice and bob meet', () => bob.node.status().peersInSync.length === 1);
  return { alice, bob };
}

/** Has a server trust a peer by its key, which it does not dial. */
export async function befriend(server: ServerProcess, peer: HostilePeer): Promise<void> {
  const address = NOWHERE.replace('/v1/', `/${randomBytes(4).toString('hex')}/v1/`);
  await trust(server, { address, fingerprint: fingerprintOf(peer.publicKey) });
}

export class Siege {
  readonly alice: ServerProcess;
  readonly bob: MemoryNode;
  readonly #t: ExecutionContext;
  readonly #exchange: Promise<void>;
  readonly #arrivalsMs: number[] = [];
  /** What bob's node had told its host, and alice's log had said, before the siege. */
  readonly #before: { readonly events: number; readonly faults: number };
  #isOver = false;

  private constructor(t: ExecutionContext, { alice, bob }: Fortress) {
    this.#t = t;
    this.alice = alice;
    this.bob = bob;
    this.#before = { events: bob.events.length, faults: faultsOf(alice) };
    this.#exchange = this.#exchangeUntilOver();
    // Looked at in `end`.
    this.#exchange.catch(() => {});
    t.teardown(() => (this.#isOver = true));
  }

  /** Begins to exchange: in a fortress of its own, or in one that stands already. */
  static async begin(t: ExecutionContext, fortress?: Fortress): Promise<Siege> {
    return new Siege(t, fortress ?? (await openFortress(t)));
  }

  /** Where alice takes calls of peers. */
  get url(): string {
    return linkUrl(this.alice);
  }

  /** A peer of the same network or of another one, whom alice does not know. */
  stranger(options: HostilePeerOptions = {}): HostilePeer {
    const peer = new HostilePeer({ networkKey: NETWORK_KEY, ...options });
    this.#t.teardown(() => peer.close());
    return peer;
  }

  /** A peer whom alice trusts, and who is hostile all the same. */
  async traitor(options: HostilePeerOptions = {}): Promise<HostilePeer> {
    // A name is bound to the first key that goes by it.
    const peer = this.stranger({ name: `mallory-${randomBytes(4).toString('hex')}`, ...options });
    await befriend(this.alice, peer);
    return peer;
  }

  /** Files and sockets that alice's process has open; `undefined` where the system does not say. */
  async openFiles(): Promise<number | undefined> {
    return readdir(`/proc/${this.alice.pid}/fd`).then(
      (names) => names.length,
      () => undefined,
    );
  }

  /** Stops the exchange and checks that the honest link has noticed nothing. */
  async end(): Promise<void> {
    const t = this.#t;
    this.#isOver = true;
    await this.#exchange;
    t.true(this.alice.isRunning, this.alice.said);
    t.is(faultsOf(this.alice), this.#before.faults, 'no fault of the process');
    const links = this.bob.events
      .slice(this.#before.events)
      .filter(({ kind }) => kind === 'peer_connected' || kind === 'peer_disconnected');
    t.deepEqual(links, [], 'the honest link stood throughout');
    t.true(this.bob.node.peers().some(({ status }) => status === 'connected'));
    t.is(await figure(this.alice, 'federation_store_read_only'), 0);
    const sorted = this.#arrivalsMs.toSorted((a, b) => a - b);
    const at = (share: number): string =>
      `${(sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)} ms`;
    t.true(sorted.length > 0, 'there was an exchange to disturb');
    t.log(
      `${sorted.length} honest spans arrived meanwhile: p50 ${at(0.5)}, p99 ${at(0.99)}, slowest ${at(1)}`,
    );
  }

  /** Spans go both ways in turn; each must be at the other end before the next is sent. */
  async #exchangeUntilOver(): Promise<void> {
    let number = 0;
    for await (const _ of setInterval(EXCHANGE_EVERY_MS)) {
      // Even an attack that is over in no time has to be survived by one span each way.
      if (this.#isOver && number >= 2) return;
      const span = spanNumber(this.#t.title, number);
      const since = performance.now();
      const arrives = `span ${number} arrives`;
      if (number % 2 === 0) {
        await this.bob.node.timeline(TENANT).append([{ ...span }]);
        await eventually(arrives, () => has(this.alice, span.id), { timeoutMs: ARRIVAL_MS });
      } else {
        await append(this.alice, [span]);
        await eventually(arrives, () => this.bob.node.timeline(TENANT).has(span.id), {
          timeoutMs: ARRIVAL_MS,
        });
      }
      this.#arrivalsMs.push(performance.now() - since);
      number++;
    }
  }
}

function faultsOf(server: ServerProcess): number {
  return server.told('fault').length + server.told('second_fault').length;
}

export function newKeyPair(): KeyPair {
  return createCrypto().keyPair(randomBytes(32));
}

/** Where a server takes calls of peers. */
export function linkUrl(server: { readonly url: string }): string {
  return server.url.replace('http', 'ws') + LINK_PATH;
}
