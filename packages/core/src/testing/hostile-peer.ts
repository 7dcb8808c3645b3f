/**
 * The scripted hostile peer: it shakes hands with a real key, greets as an honest node does, and then misbehaves as told.
 *
 *     const mallory = new HostilePeer({ networkKey });
 *     const link = await (await mallory.dial('ws://127.0.0.1:9000/v1/federation')).join();
 *     link.bring(mallory.feed('timeline/acme').draft({ header: { seq: 7 } }));
 *     const { code } = await link.closed;
 *
 * By default over real sockets; given another transport, such as one of a `MemoryNetwork`, over that.
 */

import { NETWORK_KEY_LABEL, type Greeter } from '../handshake.js';
import { NoiseWebSocketTransport } from '../node/noise-websocket.js';
import { createTools } from '../node/system.js';
import type { KeyPair, Transport } from '../ports.js';
import { HostileFeed } from './hostile-peer-feed.js';
import { HostileLink } from './hostile-peer-link.js';

const DIAL_MS = 5_000;
const TOOLS = createTools();

export interface HostilePeerOptions {
  /** A new one by default. */
  readonly keyPair?: KeyPair;
  /** A node name; `mallory` by default. */
  readonly name?: string;
  /** As configured on honest nodes of the network. */
  readonly networkKey?: string;
  /** In DER, its own first; none by default. */
  readonly certificates?: readonly Uint8Array[];
  /** Entries that its hello shows as its rotations; none by default. */
  readonly rotations?: readonly Uint8Array[];
  /** Of the same key pair. By default WebSockets of its own. */
  readonly transport?: Transport;
  /** Called with each link that a node dialled to us, before anything came over it. */
  readonly onLink?: (link: HostileLink) => void;
}

export class HostilePeer {
  readonly keyPair: KeyPair;
  /** Links that the node under test dialled, oldest first. */
  readonly taken: HostileLink[] = [];
  readonly #transport: Transport;
  readonly #greeter: Greeter;

  constructor(options: HostilePeerOptions = {}) {
    const { name = 'mallory', networkKey = '', certificates = [], rotations = [], onLink } = options;
    const keyPair = options.keyPair ?? TOOLS.crypto.keyPair(crypto.getRandomValues(new Uint8Array(32)));
    this.keyPair = keyPair;
    this.#greeter = {
      name,
      publicKey: keyPair.publicKey,
      certificates,
      rotations,
      networkKey: TOOLS.crypto.stretch(networkKey, NETWORK_KEY_LABEL),
      sign: (bytes) => TOOLS.crypto.sign(bytes, keyPair.secretKey),
    };
    this.#transport = options.transport ?? NoiseWebSocketTransport.create({ keyPair });
    this.#transport.accept((link) => {
      const taken = new HostileLink(link, this.#greeter);
      this.taken.push(taken);
      onLink?.(taken);
    });
  }

  get publicKey(): Uint8Array {
    return this.keyPair.publicKey;
  }

  /** Shakes hands with the node at an address and says nothing yet. */
  async dial(address: string): Promise<HostileLink> {
    return new HostileLink(await this.#transport.dial(address, { timeoutMs: DIAL_MS }), this.#greeter);
  }

  /** Takes calls on a free port of 127.0.0.1; resolves to the address. Only over WebSockets of its own. */
  async listen(): Promise<string> {
    const transport = this.#transport;
    if (!(transport instanceof NoiseWebSocketTransport))
      throw new Error('only the default transport listens: a given one has its own address');
    const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
    return `ws://127.0.0.1:${port}/v1/federation`;
  }

  /** A new feed of its own in a scope such as `timeline/acme`. */
  feed(scope: string): HostileFeed {
    return new HostileFeed({ keyPair: this.keyPair, scope });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
