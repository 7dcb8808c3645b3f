/** Stamps follow causes, stay near wall time, and cannot be driven away from it by anyone. */

import test from 'ava';
import fc from 'fast-check';
import {
  compareStamps,
  dayOf,
  isStamp,
  nextStamp,
  observeStamp,
  STAMP_ZERO,
  type Stamp,
} from '../dist/clock.js';
import { LIMITS } from '../dist/limits.js';
import { DAY_MS, NOON_MS } from './forge.js';

const stamps = fc.record({ ms: fc.nat(10_000), count: fc.oneof(fc.nat(3), fc.constant(0xffff_ffff)) });

test('our next stamp is later than the last one, and never behind our clock', (t) => {
  fc.assert(
    fc.property(stamps, fc.double({ min: -5, max: 12_000, noNaN: true }), (last, nowMs) => {
      const next = nextStamp(last, nowMs);
      t.true(compareStamps(next, last) > 0);
      t.true(next.ms >= Math.floor(nowMs));
      t.true(isStamp(next.ms, next.count));
    }),
  );
});

test('a clock that goes back does not take our stamps back', (t) => {
  let last: Stamp = STAMP_ZERO;
  for (const nowMs of [1000, 1000, 999, 0, 1001]) {
    const next = nextStamp(last, nowMs);
    t.true(compareStamps(next, last) > 0);
    last = next;
  }
  t.deepEqual(last, { ms: 1001, count: 0 });
});

test('what we saw of others is before what we say next, within the skew', (t) => {
  fc.assert(
    fc.property(stamps, stamps, fc.nat(10_000), (last, seen, nowMs) => {
      const observed = observeStamp(last, seen, nowMs);
      t.true(compareStamps(observed, last) >= 0);
      const isNear = seen.ms <= nowMs + LIMITS.clockSkewMs;
      if (isNear) t.true(compareStamps(nextStamp(observed, nowMs), seen) > 0);
    }),
  );
});

test('skew: a stamp from too far ahead never moves our clock', (t) => {
  const last = { ms: NOON_MS, count: 7 };
  const ahead = (ms: number): Stamp => ({ ms: NOON_MS + ms, count: 0 });
  t.deepEqual(observeStamp(last, ahead(LIMITS.clockSkewMs), NOON_MS), ahead(LIMITS.clockSkewMs));
  t.deepEqual(observeStamp(last, ahead(LIMITS.clockSkewMs + 1), NOON_MS), last);
  t.deepEqual(observeStamp(last, { ms: 253_402_300_799_999, count: 0 }, NOON_MS), last);
});

test('only whole numbers up to the year 9999 are stamps', (t) => {
  t.true(isStamp(0, 0));
  t.true(isStamp(Date.UTC(9999, 11, 31, 23, 59, 59, 999), 0xffff_ffff));
  const bad: readonly (readonly [unknown, unknown])[] = [
    [Date.UTC(9999, 11, 31, 23, 59, 59, 999) + 1, 0],
    [0, 2 ** 32],
    [-1, 0],
    [0, -1],
    [1.5, 0],
    [Number.NaN, 0],
    [2 ** 53, 0],
    ['1', 0],
    [1n, 0],
    [undefined, 0],
    [0, null],
  ];
  for (const [ms, count] of bad) t.false(isStamp(ms, count), `${String(ms)}, ${String(count)}`);
});

test('the day of a stamp changes at midnight in UTC', (t) => {
  t.is(dayOf({ ms: 0, count: 9 }), 0);
  t.is(dayOf({ ms: DAY_MS - 1, count: 0 }), 0);
  t.is(dayOf({ ms: DAY_MS, count: 0 }), 1);
});
