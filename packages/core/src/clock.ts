/** The hybrid logical clock (Kulkarni et al., 2014): stamps that follow causes and stay near wall time. */

import { LIMITS } from './limits.js';

/** `ms` since 1970 and a counter within it. Informs annotations; blocks nothing. */
export interface Stamp {
  readonly ms: number;
  readonly count: number;
}

export const STAMP_ZERO: Stamp = { ms: 0, count: 0 };

const COUNT_MOST = 0xffff_ffff;
/** Year 9999: beyond it no timestamp can be written. */
const MS_MOST = 253_402_300_799_999;

export function compareStamps(a: Stamp, b: Stamp): number {
  return a.ms - b.ms || a.count - b.count;
}

/** The next stamp of our own: later than `last`, and at least `nowMs`. */
export function nextStamp(last: Stamp, nowMs: number): Stamp {
  const ms = Math.max(0, Math.floor(nowMs));
  if (ms > last.ms) return { ms, count: 0 };
  return last.count < COUNT_MOST ? { ms: last.ms, count: last.count + 1 } : { ms: last.ms + 1, count: 0 };
}

/** Our clock after seeing `seen`. A stamp beyond the allowed skew never moves it. */
export function observeStamp(last: Stamp, seen: Stamp, nowMs: number): Stamp {
  if (seen.ms > nowMs + LIMITS.clockSkewMs) return last;
  return compareStamps(seen, last) > 0 ? seen : last;
}

export function isStamp(ms: unknown, count: unknown): boolean {
  return isWithin(ms, MS_MOST) && isWithin(count, COUNT_MOST);
}

/** The UTC day a stamp falls on, as days since 1970. */
export function dayOf(stamp: Stamp): number {
  return Math.floor(stamp.ms / 86_400_000);
}

function isWithin(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}
