/** A WebSocket as the duplex stream that the encryption runs over: one encrypted piece in each binary message. */

import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { messageOf } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { LinkTraffic } from '../ports.js';
import { CLOSE_CODES, guarded, LinkFault, VANISHED, type CloseReason } from './close-codes.js';

/** What the encryption adds to a piece: three bytes of length, one of tag, sixteen of authentication. */
export const PIECE_OVERHEAD_BYTES = 3 + 17;
/** The largest WebSocket message that an honest peer sends. */
export const MESSAGE_BYTES_MAX = LIMITS.writeBytes + PIECE_OVERHEAD_BYTES;

/** Decrypted late or not at all, this much may wait before the socket is no longer read. */
const UNREAD_BYTES_MAX = 4 * LIMITS.writeBytes;
const LENGTH_BYTES = 3;

/** Never closes the socket: whoever made it does, with a code. It only destroys itself when the bytes are no stream of pieces. */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #traffic = { bytesIn: 0, bytesOut: 0 };
  #unsentBytes = 0;
  #askedAtMs: number | undefined;
  #roundTripMs: number | undefined;
  #held = false;
  #full = false;
  #discarding = false;
  #onSent: () => void = () => {};
  #ending: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket) {
    super({ autoDestroy: false, readableHighWaterMark: UNREAD_BYTES_MAX });
    this.#socket = socket;
    const fail = (error: unknown): void => this.#fail('internal_error', messageOf(error), error);
    socket.on(
      'message',
      guarded((data, isBinary) => this.#take(data as Buffer, isBinary), fail),
    );
    socket.on(
      'close',
      guarded((code, reason) => this.#end(code, reason.toString()), fail),
    );
    // A 'close' event follows every error of a WebSocket, and says all that there is to know.
    socket.on('error', () => {});
  }

  /** Bytes of WebSocket messages received and sent. */
  get traffic(): LinkTraffic {
    return this.#traffic;
  }

  /** From the first message sent to the first one that came after it: in a handshake each side waits for the other once. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Bytes written here that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** How the other side, or the network, ended the connection. */
  get ending(): { readonly code: number; readonly reason: string } {
    return this.#ending ?? { code: VANISHED, reason: '' };
  }

  /** Names the one who is told whenever `unsentBytes` falls. */
  whenSent(onSent: () => void): void {
    this.#onSent = onSent;
  }

  /** Stops reading from the socket at once, whatever room there is here. */
  hold(held: boolean): void {
    this.#held = held;
    this.#regulate();
  }

  /** From now on what arrives is thrown away, so that a close frame behind it is seen. */
  discard(): void {
    this.#discarding = true;
    this.hold(false);
  }

  /** The encryption reads by listening; what it might throw at hostile bytes ends this stream and not the process. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      return super.emit(event, ...args);
    } catch (error) {
      this.#fail('internal_error', messageOf(error), error);
      return true;
    }
  }

  override _read(): void {
    this.#full = false;
    this.#regulate();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#askedAtMs ??= performance.now();
    this.#unsentBytes += chunk.length;
    this.#traffic.bytesOut += chunk.length;
    // With an error nothing more will be sent either: a 'close' follows.
    const sent = guarded(
      () => {
        this.#unsentBytes -= chunk.length;
        this.#onSent();
      },
      (error) => this.#fail('internal_error', messageOf(error), error),
    );
    this.#socket.send(chunk, { binary: true }, sent);
    // The link counts `unsentBytes` and hands over only so many pieces, so nothing need wait here.
    done();
  }

  #take(message: Buffer, isBinary: boolean): void {
    if (this.#discarding || this.destroyed) return;
    if (this.#askedAtMs !== undefined) this.#roundTripMs ??= performance.now() - this.#askedAtMs;
    this.#traffic.bytesIn += message.length;
    if (!isBinary) return this.#fail('not_binary', 'expected binary messages, got text');
    // The encryption itself would wait for, and make room for, up to 16 MiB before it looks at anything.
    if (
      message.length < LENGTH_BYTES ||
      message.readUIntLE(0, LENGTH_BYTES) !== message.length - LENGTH_BYTES
    ) {
      return this.#fail('damaged', 'expected one encrypted piece in a message');
    }
    this.#full = !this.push(message);
    this.#regulate();
  }

  #end(code: number, reason: string): void {
    this.#ending = { code, reason };
    // Not destroyed: what came before the end is still read.
    if (!this.destroyed) this.push(null);
  }

  #regulate(): void {
    const stop = (this.#held || this.#full) && !this.#discarding;
    if (stop === this.#socket.isPaused) return;
    if (stop) this.#socket.pause();
    else this.#socket.resume();
  }

  #fail(reason: CloseReason, message: string, cause?: unknown): void {
    this.#ending ??= { code: CLOSE_CODES[reason], reason };
    this.destroy(new LinkFault(reason, message, { cause }));
  }
}
