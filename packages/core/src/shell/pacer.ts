/** Work that many events ask for: done at once where it is light, and no more often than every so often where it is heavy. */

import type { Clock, Timer } from '../ports.js';

export interface PacerOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  /** Least time from the end of heavy work to the next. */
  readonly gapMs: number;
  readonly isHeavy: () => boolean;
  readonly run: () => void;
}

export class Pacer {
  readonly #options: PacerOptions;
  #ranAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Runs now, or once for all requests when the gap is over. */
  request(): void {
    const { clock, gapMs, isHeavy } = this.#options;
    if (this.#timer !== undefined) return;
    const waitMs = isHeavy() ? this.#ranAtMs + gapMs - clock.monotonic() : 0;
    if (waitMs <= 0) return this.#run();
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#run();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #run(): void {
    this.#options.run();
    this.#ranAtMs = this.#options.clock.monotonic();
  }
}
