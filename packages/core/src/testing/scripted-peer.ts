/** A peer that shakes hands and greets as an honest one does, then sends whatever a test tells it, and records the answers. */

import { NETWORK_KEY_LABEL, writeHello, type Greeter } from '../handshake.js';
import { decodeMessage, encodeMessage, type Hello, type Message } from '../message.js';
import { NoiseWebSocketTransport } from '../node/noise-websocket.js';
import { createTools } from '../node/system.js';
import type { KeyPair, Link } from '../ports.js';
import { eventually } from './eventually.js';

const DIAL_MS = 5_000;
const TOOLS = createTools();

export interface ScriptedPeerOptions {
  readonly keyPair: KeyPair;
  /** A node name; `mallory` by default. */
  readonly name?: string;
  /** As configured on honest nodes of the network. */
  readonly networkKey?: string;
}

/** One link, from the scripted side. Everything that came is kept, so a test may look at it late. */
export class ScriptedLink {
  readonly link: Link;
  /** Decrypted frames as they came. */
  readonly frames: Uint8Array[] = [];
  /** How the link ended, with the WebSocket close code. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #greeter: Greeter;
  #isClosed = false;

  constructor(link: Link, greeter: Greeter) {
    this.link = link;
    this.#greeter = greeter;
    this.closed = new Promise((resolve) => {
      link.receive({
        frame: (bytes) => this.frames.push(bytes),
        drained: () => {},
        closed: (why) => {
          this.#isClosed = true;
          resolve(why);
        },
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The frames as messages; what an honest node sends always is one. */
  get messages(): readonly Message[] {
    return this.frames.map((frame) => {
      const message = decodeMessage(frame, TOOLS.compression);
      if (message === undefined)
        throw new Error(`the node sent a frame that is no message (${frame.length} bytes)`);
      return message;
    });
  }

  /** A hello that is valid on this link and no other; `verify` says that we trust the node. */
  hello(options: { readonly verify?: boolean } = {}): Hello {
    const { verify = true } = options;
    return writeHello(this.#greeter, this.link, { verify, atMs: Date.now(), tools: TOOLS });
  }

  say(message: Message): void {
    this.link.send(encodeMessage(message, TOOLS.compression));
  }

  /** Sends a frame as it is: encrypted by the link, but otherwise anything. */
  send(frame: Uint8Array): void {
    this.link.send(frame);
  }

  /** Greets, and resolves once the node has greeted too and opened the session by naming what it shares. */
  async open(): Promise<void> {
    this.say(this.hello());
    if (this.link.initiator) await this.heard('holdings');
    else await this.heard('hello');
  }

  /** Resolves to the first message of a kind. */
  heard<K extends Message['kind']>(kind: K): Promise<Extract<Message, { readonly kind: K }>> {
    return eventually(`the node sends ${kind}`, () =>
      this.messages.find(
        (message): message is Extract<Message, { readonly kind: K }> => message.kind === kind,
      ),
    );
  }

  /** Vanishes without a word. */
  drop(): void {
    this.link.close(1000, '');
  }
}

export class ScriptedPeer {
  readonly publicKey: Uint8Array;
  /** Links that the node under test dialled, oldest first. */
  readonly taken: ScriptedLink[] = [];
  readonly #transport: NoiseWebSocketTransport;
  readonly #greeter: Greeter;

  constructor(options: ScriptedPeerOptions) {
    const { keyPair, name = 'mallory', networkKey = '' } = options;
    this.publicKey = keyPair.publicKey;
    this.#greeter = {
      name,
      publicKey: keyPair.publicKey,
      networkKey: TOOLS.crypto.stretch(networkKey, NETWORK_KEY_LABEL),
      sign: (bytes) => TOOLS.crypto.sign(bytes, keyPair.secretKey),
    };
    this.#transport = NoiseWebSocketTransport.create({ keyPair });
    this.#transport.accept((link) => this.taken.push(new ScriptedLink(link, this.#greeter)));
  }

  /** Shakes hands with the node at an address and says nothing yet. */
  async dial(address: string): Promise<ScriptedLink> {
    return new ScriptedLink(await this.#transport.dial(address, { timeoutMs: DIAL_MS }), this.#greeter);
  }

  /** Takes calls on a free port of 127.0.0.1; resolves to the address. */
  async listen(): Promise<string> {
    const { port } = await this.#transport.listen({ host: '127.0.0.1', port: 0 });
    return `ws://127.0.0.1:${port}/v1/federation`;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
