/** Waiting for several processes to reach a state: only asking tells, so this asks, and gives up when nothing moves. */

import { setTimeout as pause } from 'node:timers/promises';

export interface Progress {
  readonly done: boolean;
  /** What is still missing, for the message when nothing moves any more. */
  readonly missing: string;
  /** Whatever changes while things move. */
  readonly mark: string;
}

const EVERY_MS = 40;

/** Asks until `look` says done. Rejects when the mark has not changed for `stillMs`, or when the signal aborts. */
export async function untilDone(
  what: string,
  look: () => Promise<Progress>,
  options: { readonly signal: AbortSignal; readonly stillMs: number },
): Promise<void> {
  let mark: string | undefined;
  let movedAtMs = performance.now();
  for (;;) {
    const progress = await look();
    if (progress.done) return;
    if (progress.mark !== mark) movedAtMs = performance.now();
    mark = progress.mark;
    if (performance.now() - movedAtMs > options.stillMs) {
      throw new Error(`${what}: nothing has moved for ${options.stillMs / 1000} s; ${progress.missing}`);
    }
    await pause(EVERY_MS, undefined, { signal: options.signal });
  }
}
