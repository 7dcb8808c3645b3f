/** A link whose handshake is done: frames in and out, pushing back both ways, and its orderly end. */

import type SecretStream from '@hyperswarm/secret-stream';
import type { WebSocket } from 'ws';
import { assert, messageOf } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Link, LinkReceiver, LinkTraffic } from '../ports.js';
import { CLOSE_WAIT_MS, closeSocket, guarded, isCloseCode, LinkFault } from './close-codes.js';
import { FrameQueue, FrameReader } from './framing.js';
import { PIECE_OVERHEAD_BYTES, type WebSocketStream } from './websocket-stream.js';

/** Pieces given to the socket and not yet taken by the kernel: enough to keep it busy, few enough to count. */
const IN_FLIGHT_BYTES_MAX = 8 * LIMITS.writeBytes;
/** `drained` is called below this many bytes. */
const LOW_WATER_BYTES = LIMITS.linkBufferBytes / 2;
/** The session stops at `linkBufferBytes`; whatever gets here has stopped listening to that. */
const BUFFERED_BYTES_MAX = 4 * LIMITS.linkBufferBytes;

interface Ending {
  readonly code: number;
  readonly reason: string;
}

export interface NoiseLinkParts {
  readonly socket: WebSocket;
  readonly stream: WebSocketStream;
  readonly noise: SecretStream;
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly initiator: boolean;
  readonly address: string;
  /** Told of what ended the link, if that was not the two sides' wish: for counters and logs. */
  readonly onFault: (fault: LinkFault) => void;
}

export class NoiseLink implements Link {
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly initiator: boolean;
  readonly address: string;
  /** Resolves when the link has ended, after `closed` was called if anybody listens. */
  readonly ended: Promise<void>;

  readonly #parts: NoiseLinkParts;
  readonly #queue = new FrameQueue();
  readonly #reader = new FrameReader({ frameBytesMax: LIMITS.frameBytes });
  /** Bytes handed to the encryption that have not reached the WebSocket, since it encrypts a little later. */
  #handedBytes: number;
  #pumpAsked = false;
  #aboveLowWater = false;

  #receiver: LinkReceiver | undefined;
  #paused = false;
  #reading = false;
  #delivering = false;
  /** The other side has ended and everything it sent has been decrypted. */
  #atEnd = false;

  /** What this side closes with, from `close` on. */
  #closing: Ending | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #closeSent = false;
  /** How the link ended, once it has. */
  #ending: Ending | undefined;
  #announced = false;
  #resolveEnded: () => void = () => {};

  constructor(parts: NoiseLinkParts) {
    this.#parts = parts;
    this.remoteKey = parts.remoteKey;
    this.handshakeHash = parts.handshakeHash;
    this.initiator = parts.initiator;
    this.address = parts.address;
    this.#handedBytes = parts.stream.traffic.bytesOut;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));

    const { noise, stream, socket } = parts;
    stream.whenSent(this.#guard(() => this.#sent()));
    noise.on(
      'end',
      this.#guard(() => this.#remoteEnded()),
    );
    noise.on(
      'error',
      this.#guard((error: unknown) => this.#fail(toFault(error))),
    );
    socket.on(
      'close',
      this.#guard(() => this.#socketClosed()),
    );
  }

  get roundTripMs(): number | undefined {
    return this.#parts.stream.roundTripMs;
  }

  get traffic(): LinkTraffic {
    return this.#parts.stream.traffic;
  }

  get bufferedBytes(): number {
    const encrypting = this.#handedBytes - this.#parts.stream.traffic.bytesOut;
    return this.#queue.bytes + encrypting + this.#parts.stream.unsentBytes;
  }

  send(frame: Uint8Array): void {
    assert(frame.length <= LIMITS.frameBytes, `a frame has at most ${LIMITS.frameBytes} bytes`);
    if (this.#closing !== undefined || this.#ending !== undefined) return;
    this.#queue.push(frame);
    const buffered = this.bufferedBytes;
    if (buffered >= LOW_WATER_BYTES) this.#aboveLowWater = true;
    if (buffered > BUFFERED_BYTES_MAX) {
      this.#fail(new LinkFault('send_overflow', `${buffered} bytes wait for a peer that does not read`));
    } else if (!this.#pumpAsked) {
      this.#pumpAsked = true;
      // Frames of one tick leave together in large pieces.
      queueMicrotask(() => this.#pump());
    }
  }

  receive(receiver: LinkReceiver): void {
    assert(this.#receiver === undefined, 'a link has one receiver');
    this.#receiver = receiver;
    // The caller finishes what it is doing before the first frame comes.
    queueMicrotask(() => {
      const { noise } = this.#parts;
      // To listen is to start the flow, which is why this waits for a receiver.
      if (this.#open)
        noise
          .on(
            'data',
            this.#guard((chunk: Uint8Array) => this.#decrypted(chunk)),
          )
          .pause();
      this.#deliver();
    });
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#deliver();
  }

  close(code: number, reason: string): void {
    assert(isCloseCode(code), `${code} may stand in a close frame`);
    if (this.#closing !== undefined || this.#ending !== undefined) return;
    this.#closing = { code, reason };
    this.#parts.stream.discard();
    this.#regulate();
    const { socket } = this.#parts;
    if (socket.readyState === socket.CLOSED) return this.#settle({ code, reason });
    this.#closeTimer = setTimeout(() => this.#settle({ code, reason }), CLOSE_WAIT_MS);
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#pumpAsked = false;
    if (this.#ending !== undefined) return;
    const { noise, stream } = this.#parts;
    let inFlight = this.bufferedBytes - this.#queue.bytes;
    while (this.#queue.bytes > 0 && inFlight < IN_FLIGHT_BYTES_MAX) {
      const piece = this.#queue.take(LIMITS.writeBytes);
      const wireBytes = piece.length + PIECE_OVERHEAD_BYTES;
      this.#handedBytes += wireBytes;
      inFlight += wireBytes;
      noise.write(piece);
    }
    if (this.#closing === undefined || this.#closeSent || inFlight > 0) return;
    if (stream.unsentBytes > 0 || this.#queue.bytes > 0) return;
    this.#closeSent = true;
    closeSocket(this.#parts.socket, this.#closing);
  }

  #sent(): void {
    this.#pump();
    if (!this.#aboveLowWater || this.bufferedBytes >= LOW_WATER_BYTES) return;
    this.#aboveLowWater = false;
    if (this.#closing === undefined && this.#ending === undefined) this.#receiver?.drained();
  }

  /** Starts or stops taking what was decrypted. */
  #regulate(): void {
    const { noise, stream } = this.#parts;
    const reading = this.#receiver !== undefined && !this.#paused && this.#open;
    // Until there is a receiver the socket is read into the streams' own bounded buffers, so that a close is seen.
    if (this.#open) stream.hold(this.#receiver !== undefined && !reading);
    if (reading === this.#reading) return;
    this.#reading = reading;
    if (reading) noise.resume();
    else noise.pause();
  }

  #decrypted(chunk: Uint8Array): void {
    if (this.#closing !== undefined || this.#ending !== undefined) return;
    this.#reader.feed(chunk);
    this.#deliver();
  }

  /** Hands over whole frames for as long as the receiver wants them, then the end if there is nothing before it. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#receiver !== undefined && !this.#paused && this.#open) {
        const frame = this.#reader.next();
        if (frame === undefined) {
          if (this.#atEnd) this.#settle(this.#parts.stream.ending);
          break;
        }
        if ('tooLargeBytes' in frame) {
          const message = `expected a frame of at most ${LIMITS.frameBytes} bytes, got ${frame.tooLargeBytes}`;
          this.#fail(new LinkFault('frame_too_large', message));
          break;
        }
        this.#receiver.frame(frame);
      }
    } catch (error) {
      this.#fail(new LinkFault('internal_error', messageOf(error), { cause: error }));
    } finally {
      this.#delivering = false;
    }
    this.#announceEnd();
    this.#regulate();
  }

  #guard<A extends readonly unknown[]>(run: (...args: A) => void): (...args: A) => void {
    const onThrow = (cause: unknown): void =>
      this.#fail(new LinkFault('internal_error', messageOf(cause), { cause }));
    return guarded(run, onThrow);
  }

  get #open(): boolean {
    return this.#closing === undefined && this.#ending === undefined;
  }

  #remoteEnded(): void {
    this.#atEnd = true;
    this.#deliver();
  }

  /** While this side closes nobody waits for what may still be unread. */
  #socketClosed(): void {
    if (this.#closing !== undefined) this.#settle(this.#closing);
  }

  #fail(fault: LinkFault): void {
    this.#parts.onFault(fault);
    if (this.#ending !== undefined) return;
    const ending = { code: fault.closeCode, reason: fault.reason };
    this.#parts.stream.discard();
    closeSocket(this.#parts.socket, ending);
    this.#settle(ending, { closeSocket: false });
  }

  #settle(ending: Ending, options = { closeSocket: true }): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    clearTimeout(this.#closeTimer);
    this.#queue.clear();
    this.#parts.noise.destroy();
    if (options.closeSocket) this.#parts.socket.terminate();
    this.#announceEnd();
  }

  /** `closed` is called exactly once, last, and never inside another call of the receiver. */
  #announceEnd(): void {
    const ending = this.#ending;
    const receiver = this.#receiver;
    if (ending === undefined || this.#announced || this.#delivering) return;
    if (receiver === undefined) return this.#resolveEnded();
    this.#announced = true;
    queueMicrotask(
      this.#guard(() => {
        this.#resolveEnded();
        receiver.closed(ending);
      }),
    );
  }
}

function toFault(error: unknown): LinkFault {
  if (error instanceof LinkFault) return error;
  return new LinkFault('damaged', messageOf(error), { cause: error });
}
