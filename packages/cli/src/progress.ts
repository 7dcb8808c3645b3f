/** A line on stderr, for those who watch: how far a transfer is, how fast it goes, and when it will be done. */

import { SingleBar } from 'cli-progress';
import type { Output } from './output.js';
import { grouped } from './text.js';

export interface Progress {
  /**
   * `reached` counts towards the total; spans are what the rate is about. What is passed over, since an earlier run
   * dealt with it, tells nothing about the rate.
   */
  update(reached: number, spans: number, how?: { readonly isSkipped: boolean }): void;
  stop(): void;
}

const NOBODY_WATCHES: Progress = { update: () => undefined, stop: () => undefined };

/** A bar where the total is known; else only numbers. Without a terminal, nothing. */
export function startProgress(out: Output, name: string, total: number | undefined): Progress {
  if (!out.isWatched) return NOBODY_WATCHES;
  let began = { atMs: performance.now(), reached: 0, spans: 0 };
  const bar = new SingleBar({
    stream: out.stderr,
    format:
      total === undefined
        ? `${name}  {spans} spans  {rate}/s`
        : `${name}  {bar}  {percentage} %  {spans} spans  {rate}/s  {left}`,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  bar.start(Math.max(total ?? 1, 1), 0, { spans: '0', rate: '0', left: '' });
  return {
    update(reached, spans, { isSkipped } = { isSkipped: false }) {
      if (isSkipped) began = { atMs: performance.now(), reached, spans };
      const ms = performance.now() - began.atMs;
      const rate = grouped(Math.round((spans - began.spans) / Math.max(ms / 1000, 0.001)));
      const left = total === undefined ? '' : leftText(total - reached, (reached - began.reached) / ms);
      bar.update(total === undefined ? 0 : Math.min(reached, total), { spans: grouped(spans), rate, left });
    },
    stop: () => bar.stop(),
  };
}

/** How long it takes to go on at this speed: `12 s left`, `4 min 10 s left`; nothing where nobody can say. */
export function leftText(amount: number, amountPerMs: number): string {
  const seconds = Math.ceil(amount / amountPerMs / 1000);
  if (!Number.isFinite(seconds) || seconds < 0) return '';
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${grouped(hours)} h ${minutes} min left`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
}
