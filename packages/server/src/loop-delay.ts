/** How late the event loop comes to its timers: the first thing to look at when everything is slow. */

import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const NS_PER_S = 1e9;

export interface Delay {
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

/** Looks at the present window of time and the one before, so that who asks often and who asks seldom see the same. */
export class LoopDelay {
  readonly #histogram: IntervalHistogram;
  #before: Delay = { p99Seconds: 0, maxSeconds: 0 };

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  get delay(): Delay {
    const now = this.#now();
    return {
      p99Seconds: Math.max(now.p99Seconds, this.#before.p99Seconds),
      maxSeconds: Math.max(now.maxSeconds, this.#before.maxSeconds),
    };
  }

  /** Begins another window. */
  turn(): void {
    this.#before = this.#now();
    this.#histogram.reset();
  }

  stop(): void {
    this.#histogram.disable();
  }

  #now(): Delay {
    if (this.#histogram.count === 0) return { p99Seconds: 0, maxSeconds: 0 };
    return { p99Seconds: late(this.#histogram.percentile(99)), maxSeconds: late(this.#histogram.max) };
  }
}

/** What is measured is the time from one look to the next. */
function late(ns: number): number {
  return Math.max(0, ns / NS_PER_S - RESOLUTION_MS / 1000);
}
