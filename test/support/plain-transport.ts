/** A transport that encrypts nothing and proves nothing: the counter-example by which checks of secrecy are shown to see. */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Link, LinkReceiver, Transport } from '@logline/federation-core';
import { WebSocket, WebSocketServer } from 'ws';

const FRAME_BYTES_MAX = 1024 * 1024;
const NONCE_BYTES = 32;
const KEY_BYTES = 32;

/** Both sides say their public key and a nonce, and believe each other. */
export class PlainTransport implements Transport {
  readonly #publicKey: Uint8Array;
  readonly #server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_MAX,
  });
  readonly #sockets = new Set<WebSocket>();
  #onLink: (link: Link) => void = () => {};

  constructor(options: { readonly publicKey: Uint8Array }) {
    this.#publicKey = options.publicKey;
    this.#server.on('connection', (socket) => {
      this.#greet(socket, { initiator: false, address: 'a caller' }).then(
        (link) => this.#onLink(link),
        () => socket.terminate(),
      );
    });
  }

  async listen(): Promise<{ readonly port: number }> {
    if (this.#server.address() === null) await once(this.#server, 'listening');
    return { port: (this.#server.address() as AddressInfo).port };
  }

  async dial(address: string, options: { readonly timeoutMs: number }): Promise<Link> {
    const socket = new WebSocket(address, {
      perMessageDeflate: false,
      handshakeTimeout: options.timeoutMs,
      // Otherwise the bytes from the dialler to the other side would be veiled by the mask of WebSockets.
      generateMask: (mask) => mask.fill(0),
    });
    return this.#greet(socket, { initiator: true, address });
  }

  accept(onLink: (link: Link) => void): void {
    this.#onLink = onLink;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Says who we are, and makes a link of what the other side says. */
  #greet(socket: WebSocket, side: { readonly initiator: boolean; readonly address: string }): Promise<Link> {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const mine = Buffer.concat([this.#publicKey, randomBytes(NONCE_BYTES)]);
    if (socket.readyState === socket.OPEN) socket.send(mine);
    else socket.once('open', () => socket.send(mine));
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before it said who it is')));
      socket.once('message', (theirs: Buffer) => {
        const ordered = side.initiator ? [mine, theirs] : [theirs, mine];
        const hash = createHash('sha512').update(Buffer.concat(ordered)).digest();
        const remoteKey = Uint8Array.from(theirs.subarray(0, KEY_BYTES));
        // Made at once, since the next message may be here already.
        resolve(new PlainLink(socket, { ...side, remoteKey, handshakeHash: Uint8Array.from(hash) }));
      });
    });
  }
}

type Proven = Pick<Link, 'remoteKey' | 'handshakeHash' | 'initiator' | 'address'>;

class PlainLink implements Link {
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly initiator: boolean;
  readonly address: string;
  readonly traffic = { bytesIn: 0, bytesOut: 0 };
  readonly #socket: WebSocket;
  /** What came before anybody listened. */
  readonly #early: Uint8Array[] = [];
  #receiver: LinkReceiver | undefined;

  constructor(socket: WebSocket, proven: Proven) {
    this.remoteKey = proven.remoteKey;
    this.handshakeHash = proven.handshakeHash;
    this.initiator = proven.initiator;
    this.address = proven.address;
    this.#socket = socket;
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: Buffer) => {
      this.traffic.bytesIn += data.length;
      const frame = Uint8Array.from(data);
      if (this.#receiver === undefined) this.#early.push(frame);
      else this.#receiver.frame(frame);
    });
    socket.once('close', (code: number, reason: Buffer) =>
      this.#receiver?.closed({ code, reason: reason.toString() }),
    );
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.traffic.bytesOut += frame.length;
    this.#socket.send(frame, () => this.#receiver?.drained());
  }

  receive(receiver: LinkReceiver): void {
    queueMicrotask(() => {
      this.#receiver = receiver;
      for (const frame of this.#early.splice(0)) receiver.frame(frame);
    });
  }

  pause(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }
}
