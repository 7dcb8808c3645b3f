/** One link of a hostile peer: it greets as told, says and sends anything, and keeps all that the node answered. */

import { concatBytes } from '../bytes.js';
import { NETWORK_KEY_LABEL, writeHello, type Channel, type Greeter } from '../handshake.js';
import { digestHoldings, type FeedHoldings } from '../holdings.js';
import { LIMITS } from '../limits.js';
import {
  decodeMessage,
  encodeMessage,
  helloBody,
  receiptBody,
  type Hello,
  type Message,
  type WantedRange,
} from '../message.js';
import { createTools } from '../node/system.js';
import type { KeyPair, Link } from '../ports.js';
import { eventually } from './eventually.js';
import type { ForgedEntry } from './hostile-peer-feed.js';

const TOOLS = createTools();
const HELLO_DOMAIN = 'logline-federation/hello/1\0';

/** How a hello differs from the honest one of this link; what is not given is honest. */
export interface HelloDeviation {
  /** Whether we say that we trust the node. */
  readonly verify?: boolean;
  readonly name?: string;
  readonly version?: string;
  readonly atMs?: number;
  /** Greets as the side that dialled (`true`) or was called. */
  readonly asInitiator?: boolean;
  /** Greets for another link. */
  readonly handshakeHash?: Uint8Array;
  /** Proves another network. */
  readonly networkKey?: string;
  /** Whose signature it bears. */
  readonly signer?: KeyPair;
}

/** The member of the union that has this kind, though it may have others beside, as pings and pongs do. */
type MessageOf<K extends Message['kind'], M = Message> = M extends { readonly kind: infer Kinds }
  ? K extends Kinds
    ? M & { readonly kind: K }
    : never
  : never;

/** Everything that came is kept, so a test may look at it late. */
export class HostileLink {
  readonly link: Link;
  /** Decrypted frames as they came. */
  readonly frames: Uint8Array[] = [];
  /** How the link ended, with the WebSocket close code. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #greeter: Greeter;
  readonly #acts: ((message: Message) => void)[] = [];
  #isClosed = false;
  /** How many bytes of entries the node still takes, as far as it has said. */
  #roomBytes: number = LIMITS.creditBytes;

  constructor(link: Link, greeter: Greeter) {
    this.link = link;
    this.#greeter = greeter;
    this.closed = new Promise((resolve) => {
      link.receive({
        frame: (bytes) => this.#take(bytes),
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

  /** The messages of one kind so far. */
  all<K extends Message['kind']>(kind: K): readonly MessageOf<K>[] {
    return this.messages.filter((message): message is MessageOf<K> => message.kind === kind);
  }

  /** Resolves to the first message of a kind. */
  heard<K extends Message['kind']>(kind: K): Promise<MessageOf<K>> {
    return eventually(`the node sends ${kind}`, () => {
      const heard = this.all(kind)[0];
      if (heard !== undefined) return heard;
      const why = this.#isClosed ? 'it closed the link' : 'it has not';
      throw new Error(
        `${why}; it said ${JSON.stringify(this.messages.map((message) => this.#short(message)))}`,
      );
    });
  }

  /** Calls `act` with each message of a kind from now on: how a script answers. */
  on<K extends Message['kind']>(kind: K, act: (message: MessageOf<K>) => void): void {
    this.#acts.push((message) => {
      if (message.kind === kind) act(message as MessageOf<K>);
    });
  }

  /** A hello that is valid on this link and no other, but for what deviates. */
  hello(deviation: HelloDeviation = {}): Hello {
    const { verify = true, atMs = Date.now(), networkKey, signer } = deviation;
    const channel: Channel = {
      remoteKey: this.link.remoteKey,
      initiator: deviation.asInitiator ?? this.link.initiator,
      handshakeHash: deviation.handshakeHash ?? this.link.handshakeHash,
    };
    const proves =
      networkKey === undefined
        ? this.#greeter.networkKey
        : TOOLS.crypto.stretch(networkKey, NETWORK_KEY_LABEL);
    const honest = writeHello(this.#greeter, channel, { verify, atMs, tools: TOOLS });
    const { name = honest.name, version = honest.version } = deviation;
    const role = TOOLS.text.encode(`${channel.initiator ? 'initiator' : 'responder'}\0`);
    const proven = [role, TOOLS.text.encode(`${version}\0`), channel.handshakeHash];
    const said = { ...honest, name, version, proof: TOOLS.crypto.hmac(proves, concatBytes(proven)) };
    const signed = [TOOLS.text.encode(HELLO_DOMAIN), role, channel.handshakeHash, helloBody(said)];
    const sign = (bytes: Uint8Array): Uint8Array =>
      signer === undefined ? this.#greeter.sign(bytes) : TOOLS.crypto.sign(bytes, signer.secretKey);
    return { ...said, signature: sign(concatBytes(signed)) };
  }

  say(message: Message): void {
    this.link.send(encodeMessage(message, TOOLS.compression));
  }

  /** Sends a frame as it is: encrypted by the link, but otherwise anything. */
  send(frame: Uint8Array): void {
    this.link.send(frame);
  }

  /** Greets, and resolves once the node has greeted too and opened the session by naming what it shares. */
  async open(): Promise<this> {
    this.say(this.hello());
    if (this.link.initiator) await this.heard('holdings');
    else await this.heard('hello');
    return this;
  }

  /**
   * Greets and offers to share everything, without holding any of it: from here on entries flow both ways.
   * Pings are answered, so that the node has no reason to take the link for dead.
   */
  async join(): Promise<this> {
    this.on('ping', ({ nonce }) => this.say({ kind: 'pong', nonce }));
    await this.open();
    if (!this.link.initiator) await this.heard('holdings');
    this.say({ kind: 'holdings', scopes: '*', ranges: [], round: 1 });
    return this;
  }

  /** Claims to hold these feeds, each as news of its own, and nothing is said of others. */
  claim(...feeds: readonly FeedHoldings[]): void {
    const ascending = [...feeds].sort((a, b) => (a.key < b.key ? -1 : 1));
    const step = Math.min(LIMITS.feedsPerMessage, LIMITS.rangesPerComparison);
    for (let at = 0; at < ascending.length; at += step) {
      const ranges = ascending.slice(at, at + step).map((feed) => ({
        lower: feed.key,
        upper: `${feed.key}\0`,
        digest: digestHoldings([feed], TOOLS.crypto),
        feeds: [feed],
        reply: false,
      }));
      this.say({ kind: 'holdings', scopes: undefined, ranges, round: 0 });
    }
  }

  /** Brings entries, asked for or not, in frames of the usual size. */
  bring(...entries: readonly (ForgedEntry | Uint8Array)[]): void {
    for (const entry of entries)
      this.#roomBytes -= entry instanceof Uint8Array ? entry.length : entry.bytes.length;
    let frame: Uint8Array[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (frame.length > 0) this.say({ kind: 'entries', entries: frame });
      frame = [];
      bytes = 0;
    };
    for (const entry of entries) {
      const next = entry instanceof Uint8Array ? entry : entry.bytes;
      if (bytes > 0 && bytes + next.length > LIMITS.entriesFrameBytes) flush();
      frame.push(next);
      bytes += next.length;
    }
    flush();
  }

  /** Brings entries however many, and resolves when the last one is sent: keeps to the room that the node gives. */
  async bringAll(entries: readonly (ForgedEntry | Uint8Array)[]): Promise<void> {
    for (const entry of entries) {
      const { length } = entry instanceof Uint8Array ? entry : entry.bytes;
      if (this.#roomBytes < length) await eventually('there is room for more', () => this.#hasRoom(length));
      this.bring(entry);
    }
  }

  /** Asks for ranges, with room for as much as there may be. */
  ask(...ranges: readonly WantedRange[]): void {
    this.say({ kind: 'want', ranges, creditBytes: LIMITS.creditBytes });
  }

  /** Says to hold these feeds durably; true or not, `signer` signs it, by default as the link's key would. */
  confirm(feeds: readonly FeedHoldings[], signer?: KeyPair): void {
    const said = { feeds, run: new Uint8Array(8), atMs: Date.now() };
    const body = receiptBody(said);
    const signature =
      signer === undefined ? this.#greeter.sign(body) : TOOLS.crypto.sign(body, signer.secretKey);
    this.say({ kind: 'receipt', ...said, signature });
  }

  /** Vanishes without a word. */
  drop(): void {
    this.link.close(1000, '');
  }

  #take(bytes: Uint8Array): void {
    this.frames.push(bytes);
    const message = decodeMessage(bytes, TOOLS.compression);
    if (message?.kind === 'want') this.#roomBytes += message.creditBytes;
    if (message !== undefined) for (const act of this.#acts) act(message);
  }

  #short(message: Message): string {
    return message.kind === 'bye' ? `bye: ${message.code}: ${message.reason}` : message.kind;
  }

  #hasRoom(bytes: number): boolean {
    if (this.#isClosed) throw new Error('the node closed the link');
    return this.#roomBytes >= bytes;
  }
}
