/** A line on stderr, for those who watch, that shows how far a transfer is and how fast it goes. */

import { SingleBar } from 'cli-progress';
import type { Output } from './output.js';
import { grouped } from './text.js';

export interface Progress {
  /** `reached` counts towards the total; spans are what the rate is about. */
  update(reached: number, spans: number): void;
  stop(): void;
}

const NOBODY_WATCHES: Progress = { update: () => undefined, stop: () => undefined };

/** A bar where the total is known; else only numbers. Without a terminal, nothing. */
export function startProgress(out: Output, name: string, total: number | undefined): Progress {
  if (!out.isWatched) return NOBODY_WATCHES;
  const startedAtMs = performance.now();
  const bar = new SingleBar({
    stream: out.stderr,
    format:
      total === undefined
        ? `${name}  {spans} spans  {rate}/s`
        : `${name}  {bar}  {percentage} %  {spans} spans  {rate}/s`,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  bar.start(Math.max(total ?? 1, 1), 0, { spans: '0', rate: '0' });
  return {
    update(reached, spans) {
      const seconds = (performance.now() - startedAtMs) / 1000;
      const rate = grouped(Math.round(spans / Math.max(seconds, 0.001)));
      bar.update(total === undefined ? 0 : reached, { spans: grouped(spans), rate });
    },
    stop: () => bar.stop(),
  };
}
