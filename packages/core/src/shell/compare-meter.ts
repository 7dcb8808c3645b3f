/** How many of our holdings one peer makes us look through: a compared range is a few bytes, and may cover everything. */

import type { HoldingsView } from '../compare.js';
import { LIMITS } from '../limits.js';
import type { Clock, Timer } from '../ports.js';

export interface CompareMeterOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** Stops or goes on reading what the peer sends. */
  readonly pause: (paused: boolean) => void;
}

/** A bucket that leaks: what a peer asks for beyond it is dealt with, and then nothing of it is read for a while. */
export class CompareMeter {
  readonly #options: CompareMeterOptions;
  #looked = 0;
  #atMs: number;
  #timer: Timer | undefined;

  constructor(options: CompareMeterOptions) {
    this.#options = options;
    this.#atMs = options.clock.monotonic();
  }

  /** The same view; what is looked at through it counts. */
  counted(view: HoldingsView): HoldingsView {
    return {
      within: (lower, upper) => {
        const feeds = view.within(lower, upper);
        this.#looked += feeds.length;
        return feeds;
      },
    };
  }

  /** To be called once a frame has been dealt with. */
  settle(): void {
    const { clock, pause } = this.#options;
    const nowMs = clock.monotonic();
    const leaked = ((nowMs - this.#atMs) / 1000) * LIMITS.comparedFeedsPerSecond;
    this.#looked = Math.max(0, this.#looked - leaked);
    this.#atMs = nowMs;
    const excess = this.#looked - LIMITS.comparedFeeds;
    if (excess <= 0 || this.#timer !== undefined) return;
    // Never so long that the peer would take the link for dead.
    const waitMs = Math.min(LIMITS.comparePauseMs, (excess / LIMITS.comparedFeedsPerSecond) * 1000);
    pause(true);
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#looked = Math.min(this.#looked, LIMITS.comparedFeeds);
      this.#atMs = clock.monotonic();
      pause(false);
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
