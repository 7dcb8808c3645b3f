/** Looks at the node under attack while a case runs: its figures, its open files, and how long it takes to answer. */

import { LIMITS } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { figure } from '../support/rest.js';
import type { Siege } from '../support/siege.js';

const EVERY_MS = 25;
const FIGURES_EVERY = 8;
/** Sockets of the honest exchange and of this watch, and files that the store opens now and then. */
const SPARE_FILES = 40;
/** A REST read is answered before a peer would be taken for dead. */
const ANSWER_MS = LIMITS.silenceMs;
/** What collecting garbage late may cost on top of all that is bounded by count. */
const RESIDENT_BYTES_MAX = 320 * 1024 * 1024;
const MIB = 1024 * 1024;

export class Watch {
  readonly #t: ExecutionContext;
  readonly #siege: Siege;
  readonly #before: { readonly residentBytes: number; readonly files: number | undefined };
  readonly #answersMs: number[] = [];
  readonly #looking: Promise<void>;
  readonly #most = { residentBytes: 0, waitingJobs: 0, files: 0 };
  #isOver = false;

  private constructor(
    t: ExecutionContext,
    siege: Siege,
    before: { readonly residentBytes: number; readonly files: number | undefined },
  ) {
    this.#t = t;
    this.#siege = siege;
    this.#before = before;
    this.#looking = this.#look();
    // Looked at in `end`.
    this.#looking.catch(() => {});
    t.teardown(() => (this.#isOver = true));
  }

  static async begin(t: ExecutionContext, siege: Siege): Promise<Watch> {
    const residentBytes = await figure(siege.alice, 'process_resident_memory_bytes');
    return new Watch(t, siege, { residentBytes, files: await siege.openFiles() });
  }

  /** Checks that all stayed within bounds, that queues are empty again, and prints how it went. */
  async end(): Promise<void> {
    const t = this.#t;
    const { alice } = this.#siege;
    this.#isOver = true;
    await this.#looking;
    const { waitingJobs, residentBytes, files } = this.#most;
    t.true(waitingJobs <= LIMITS.waitingJobs, `${waitingJobs} jobs waited for the disk`);
    if (this.#before.files !== undefined) {
      // Callers that have not proven a key, one more set that has and not greeted, and those of the honest.
      const filesMax = this.#before.files + 2 * LIMITS.greetingLinks + SPARE_FILES;
      t.true(files <= filesMax, `${files} files were open, ${this.#before.files} before`);
    }
    const grown = residentBytes - this.#before.residentBytes;
    t.true(grown <= RESIDENT_BYTES_MAX, `resident memory grew by ${Math.round(grown / MIB)} MiB`);
    await eventually(
      'nothing waits for the disk any more',
      async () => (await figure(alice, 'federation_store_waiting_jobs')) <= 1,
    );
    const sorted = this.#answersMs.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor((sorted.length - 1) * 0.99)] ?? 0;
    t.log(
      `REST answered ${sorted.length} times: p99 ${p99.toFixed(1)} ms, longest stall ${(sorted.at(-1) ?? 0).toFixed(1)} ms; ` +
        `memory +${Math.round(grown / MIB)} MiB, at most ${waitingJobs} jobs waiting, ${files} files open`,
    );
  }

  async #look(): Promise<void> {
    for (let round = 0; !this.#isOver || round === 0; round++) {
      const since = performance.now();
      const signal = AbortSignal.timeout(ANSWER_MS);
      const response = await fetch(`${this.#siege.alice.url}/livez`, { signal });
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`/livez answered ${response.status}`);
      this.#answersMs.push(performance.now() - since);
      if (round % FIGURES_EVERY === 0) await this.#lookAtFigures();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async #lookAtFigures(): Promise<void> {
    const most = this.#most;
    const { alice } = this.#siege;
    most.residentBytes = Math.max(most.residentBytes, await figure(alice, 'process_resident_memory_bytes'));
    most.waitingJobs = Math.max(most.waitingJobs, await figure(alice, 'federation_store_waiting_jobs'));
    most.files = Math.max(most.files, (await this.#siege.openFiles()) ?? 0);
  }
}
