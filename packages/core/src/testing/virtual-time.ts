/** Time that passes only when told to: one queue of events for a whole simulated network. */

import type { Clock, Timer } from '../ports.js';

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A fixed start, so that a seed means the same on every day: 2025-10-03T22:00:00Z. */
const EPOCH_MS = 1_759_528_800_000;

export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  /** A binary heap by time, then by order of scheduling. */
  readonly #queue: Scheduled[] = [];
  readonly #cancelled = new Set<number>();

  get nowMs(): number {
    return this.#nowMs;
  }

  /** What a clock that is right shows; ms since 1970. */
  get wallMs(): number {
    return EPOCH_MS + this.#nowMs;
  }

  /** The clock of one machine: its wall clock runs off by `skewMs()`, its timers die with it. */
  clock(machine: { readonly skewMs: () => number; readonly isAlive: () => boolean }): Clock {
    return {
      now: () => this.wallMs + machine.skewMs(),
      monotonic: () => this.#nowMs,
      after: (delayMs, run) => this.after(delayMs, () => (machine.isAlive() ? run() : undefined)),
    };
  }

  after(delayMs: number, run: () => void): Timer {
    const order = this.#order++;
    this.#push({ atMs: this.#nowMs + Math.max(0, delayMs), order, run });
    return { cancel: () => void this.#cancelled.add(order) };
  }

  /** Runs everything that is due within the next `ms`, each event with all its promises before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#queue[0]; next !== undefined && next.atMs <= untilMs; next = this.#queue[0]) {
      this.#pop();
      if (this.#cancelled.delete(next.order)) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  #push(event: Scheduled): void {
    const queue = this.#queue;
    queue.push(event);
    for (let i = queue.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfLater(parent, i)) break;
      i = parent;
    }
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop();
    if (last === undefined || queue.length === 0) return;
    queue[0] = last;
    for (let i = 0; ;) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      const child = right < queue.length && this.#isLater(left, right) ? right : left;
      if (child >= queue.length || !this.#swapIfLater(i, child)) break;
      i = child;
    }
  }

  #swapIfLater(upper: number, lower: number): boolean {
    const [a, b] = [this.#queue[upper], this.#queue[lower]];
    if (a === undefined || b === undefined || !this.#isLater(upper, lower)) return false;
    this.#queue[upper] = b;
    this.#queue[lower] = a;
    return true;
  }

  #isLater(i: number, j: number): boolean {
    const [a, b] = [this.#queue[i], this.#queue[j]];
    if (a === undefined || b === undefined) return false;
    return a.atMs > b.atMs || (a.atMs === b.atMs && a.order > b.order);
  }
}

/** One turn of the real event loop runs every promise that is ready; nothing in a simulation waits for anything real. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
