/** Ends of requests that last: when the caller's token has expired, and when a line takes too long to arrive. */

import type { Caller } from './caller.js';
import { tooSlow } from './body.js';
import { unauthorized } from './credentials.js';

/** The longest that a timer takes; longer waits are made of several. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Expiry {
  /** Aborts with the problem `unauthorized` when the caller's token has expired; never for callers without one. */
  readonly signal: AbortSignal;
  /** Ends the waiting. */
  forget(): void;
}

export function watchExpiry({ expiresAtMs }: Caller): Expiry {
  const expired = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const wait = (untilMs: number): void => {
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) return expired.abort(unauthorized());
    timer = setTimeout(() => wait(untilMs), Math.min(leftMs, TIMER_MS_MAX));
    timer.unref();
  };
  if (expiresAtMs !== undefined) wait(expiresAtMs);
  return { signal: expired.signal, forget: () => clearTimeout(timer) };
}

/** Bounds the time from the first byte of a line to its last: a client that drips holds a connection no longer. */
export class LineDeadline {
  readonly #late = new AbortController();
  readonly #lineMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(lineMs: number) {
    this.#lineMs = lineMs;
  }

  /** Aborts with the problem `request_timeout`. */
  get signal(): AbortSignal {
    return this.#late.signal;
  }

  /** To be told of each change, and as often as one likes: the time runs while a line has begun and not ended. */
  note(isInsideLine: boolean): void {
    if (isInsideLine) {
      this.#timer ??= setTimeout(() => this.#late.abort(tooSlow()), this.#lineMs);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
