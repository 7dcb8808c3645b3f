/** The two ends of one in-memory link: a bounded window under way, order kept, half-open when broken. */

import { assert } from '../errors.js';
import { LIMITS } from '../limits.js';
import { CLOSE_WAIT_MS, isCloseCode, VANISHED } from '../node/close-codes.js';
import type { Clock, Link, LinkReceiver, LinkTraffic, Timer } from '../ports.js';

/** What sockets and kernels would hold between two nodes; the rest stays with the sender. */
const WINDOW_BYTES = 8 * LIMITS.writeBytes;
const LOW_WATER_BYTES = LIMITS.linkBufferBytes / 2;

interface Ending {
  readonly code: number;
  readonly reason: string;
}

export interface MemoryLinkParts {
  readonly clock: Clock;
  readonly local: string;
  readonly remote: string;
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly initiator: boolean;
  readonly delayOf: (from: string, to: string, bytes: number) => number;
  readonly isSplit: (a: string, b: string) => boolean;
  readonly onLost: (frames: number) => void;
}

/** Makes both ends of a link, the caller's first. */
export function joinLinks(
  caller: MemoryLinkParts,
  callee: MemoryLinkParts,
): readonly [MemoryLink, MemoryLink] {
  const pair = [new MemoryLink(caller), new MemoryLink(callee)] as const;
  pair[0].join(pair[1]);
  pair[1].join(pair[0]);
  return pair;
}

export class MemoryLink implements Link {
  readonly local: string;
  readonly address: string;
  readonly remoteKey: Uint8Array;
  readonly handshakeHash: Uint8Array;
  readonly initiator: boolean;
  /** Resolves when `closed` has been called, or would have been. */
  readonly ended: Promise<void>;

  readonly #parts: MemoryLinkParts;
  readonly #traffic = { bytesIn: 0, bytesOut: 0 };
  #other: MemoryLink | undefined;
  #resolveEnded: () => void = () => {};

  /** Frames taken by `send` and not yet under way. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #aboveLowWater = false;
  /** Under way to the other end, in order; a close is the last thing ever. */
  #underWay: (Uint8Array | Ending)[] = [];
  /** Bytes under way or arrived there and not consumed. */
  #windowBytes = 0;
  #lastArrivalMs = 0;

  #receiver: LinkReceiver | undefined;
  #inbox: Uint8Array[] = [];
  #paused = false;
  #delivering = false;

  #isBroken = false;
  /** Set by `close`: what the other end will be told. */
  #closing: Ending | undefined;
  #closeSent = false;
  #closeTimer: Timer | undefined;
  #ending: Ending | undefined;
  #announced = false;

  constructor(parts: MemoryLinkParts) {
    this.#parts = parts;
    this.local = parts.local;
    this.address = parts.remote;
    this.remoteKey = parts.remoteKey;
    this.handshakeHash = parts.handshakeHash;
    this.initiator = parts.initiator;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  join(other: MemoryLink): void {
    this.#other = other;
  }

  get isOpen(): boolean {
    return this.#ending === undefined;
  }

  get traffic(): LinkTraffic {
    return this.#traffic;
  }

  get bufferedBytes(): number {
    return this.#queuedBytes;
  }

  send(frame: Uint8Array): void {
    assert(frame.length <= LIMITS.frameBytes, `a frame has at most ${LIMITS.frameBytes} bytes`);
    if (this.#closing !== undefined || this.#ending !== undefined) return;
    // A copy, as the wire would make: nodes of one process must not share memory.
    this.#queue.push(frame.slice());
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes >= LOW_WATER_BYTES) this.#aboveLowWater = true;
    this.#pump();
  }

  receive(receiver: LinkReceiver): void {
    assert(this.#receiver === undefined, 'a link has one receiver');
    this.#receiver = receiver;
    this.#soon(() => this.#deliver());
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) this.#soon(() => this.#deliver());
  }

  close(code: number, reason: string): void {
    assert(isCloseCode(code), `${code} may stand in a close frame`);
    if (this.#closing !== undefined || this.#ending !== undefined) return;
    this.#closing = { code, reason };
    this.#closeTimer = this.#parts.clock.after(CLOSE_WAIT_MS, () => {
      this.#other?.vanish();
      this.#settle({ code, reason });
    });
    this.#inbox = [];
    this.#pump();
  }

  /** The end of a connection without a word: from either end's point of view the other is gone. */
  vanish(): void {
    if (this.#isBroken) return;
    this.#lose();
    this.#settle({ code: VANISHED, reason: '' });
  }

  /** Loses what is under way both ways and all that comes later, without telling either end; false if that was so already. */
  breakSilently(): boolean {
    if (this.#isBroken || this.#ending !== undefined) return false;
    for (const end of [this, this.#other]) {
      if (end === undefined) continue;
      end.#isBroken = true;
      end.#lose();
    }
    return true;
  }

  #lose(): void {
    this.#parts.onLost(this.#underWay.length);
    this.#underWay = [];
  }

  /** Sends what the window has room for, then the close if one waits. */
  #pump(): void {
    while (this.#windowBytes < WINDOW_BYTES) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      this.#queuedBytes -= frame.length;
      this.#windowBytes += frame.length;
      this.#traffic.bytesOut += frame.length;
      this.#dispatch(frame, frame.length);
    }
    if (this.#aboveLowWater && this.#queuedBytes < LOW_WATER_BYTES) {
      this.#aboveLowWater = false;
      this.#soon(() => {
        if (this.#closing === undefined && this.#ending === undefined) this.#receiver?.drained();
      });
    }
    if (this.#closing === undefined || this.#closeSent || this.#queue.length > 0) return;
    this.#closeSent = true;
    this.#dispatch(this.#closing, 0);
  }

  #dispatch(message: Uint8Array | Ending, bytes: number): void {
    if (this.#isBroken) return this.#sendIntoNothing();
    const { clock, delayOf, local, remote } = this.#parts;
    this.#underWay.push(message);
    // Never before what was sent earlier, whatever the delays say.
    const nowMs = clock.monotonic();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + delayOf(local, remote, bytes));
    clock.after(this.#lastArrivalMs - nowMs, () => this.#arrive());
  }

  /** While the network is split nothing comes back; afterwards the other side's machine answers with a reset. */
  #sendIntoNothing(): void {
    this.#parts.onLost(1);
    if (this.#parts.isSplit(this.local, this.address)) return;
    this.#soon(() => this.#settle({ code: VANISHED, reason: '' }));
  }

  /** One message reaches the other end: always the oldest, so timers of one instant may fire in any order. */
  #arrive(): void {
    const message = this.#underWay.shift();
    const other = this.#other;
    if (message === undefined || other === undefined) return;
    if (message instanceof Uint8Array) {
      other.#traffic.bytesIn += message.length;
      if (other.#closing === undefined && other.#ending === undefined) other.#inbox.push(message);
      else this.#consumed(message.length);
      other.#deliver();
      return;
    }
    other.#settle(message);
    this.#settle(message);
  }

  #consumed(bytes: number): void {
    this.#windowBytes -= bytes;
    this.#pump();
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#receiver !== undefined && !this.#paused && this.#closing === undefined) {
        const frame = this.#inbox.shift();
        if (frame === undefined) break;
        // What a receiver throws goes up to whoever drives the clock: in a simulation a bug must not look like a fault.
        this.#receiver.frame(frame);
        if (this.#other !== undefined) this.#other.#consumed(frame.length);
      }
    } finally {
      this.#delivering = false;
    }
    this.#announceEnd();
  }

  #settle(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = this.#closing ?? ending;
    this.#closeTimer?.cancel();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#announceEnd();
  }

  /** `closed` comes exactly once, after every frame that arrived, and never inside another call of the receiver. */
  #announceEnd(): void {
    const ending = this.#ending;
    if (ending === undefined || this.#announced || this.#delivering) return;
    if (this.#inbox.length > 0 && this.#receiver !== undefined) return;
    if (this.#receiver === undefined) return this.#resolveEnded();
    this.#announced = true;
    const receiver = this.#receiver;
    this.#soon(() => {
      this.#resolveEnded();
      receiver.closed(ending);
    });
  }

  #soon(run: () => void): void {
    this.#parts.clock.after(0, run);
  }
}
