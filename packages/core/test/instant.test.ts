/** Instants: keys order as the instants do, to the last digit, and dates are those of the calendar. */

import test from 'ava';
import fc from 'fast-check';
import { formatMs, instantOfMs, parseInstant } from '../dist/instant.js';

interface Written {
  readonly text: string;
  /** Units of 10^-30 seconds since 1970. */
  readonly instant: bigint;
}

const pad = (n: number, length = 2): string => String(n).padStart(length, '0');

/** A timestamp of a moment in UTC (milliseconds), further digits, and an offset, with the instant that it means. */
function written(ms: number, digits: string, offsetMinutes: number): Written {
  const local = new Date(ms + offsetMinutes * 60_000);
  const date = `${pad(local.getUTCFullYear(), 4)}-${pad(local.getUTCMonth() + 1)}-${pad(local.getUTCDate())}`;
  const time = `${pad(local.getUTCHours())}:${pad(local.getUTCMinutes())}:${pad(local.getUTCSeconds())}`;
  const size = Math.abs(offsetMinutes);
  const sign = offsetMinutes < 0 ? '-' : '+';
  const offset = offsetMinutes === 0 ? 'Z' : `${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
  const fraction = digits === '' ? '' : `.${digits}`;
  const seconds = BigInt(Math.floor(ms / 1000));
  const instant = seconds * 10n ** 30n + BigInt(digits.slice(0, 30).padEnd(30, '0'));
  return { text: `${date}T${time}${fraction}${offset}`, instant };
}

/** Two days from either end, so that no offset leaves the years that can be written. */
const FIRST_MS = Date.UTC(0, 0, 3) - (Date.UTC(1900, 0, 1) - new Date('0000-01-01T00:00:00Z').getTime());
const LAST_MS = Date.UTC(9999, 11, 29);
const digits = fc.stringMatching(/^[0-9]{0,30}$/);
const offsets = fc.integer({ min: -1439, max: 1439 });
const moments = fc
  .tuple(fc.integer({ min: Math.ceil(FIRST_MS / 1000), max: LAST_MS / 1000 }), digits, offsets)
  .map(([seconds, fraction, offset]) => written(seconds * 1000, fraction, offset));

/** Moments that are near one another, so that every digit may decide. */
const close = fc
  .tuple(fc.integer({ min: -1, max: 1 }), fc.stringMatching(/^0{0,10}[0-9]{0,3}0{0,10}$/), offsets)
  .map(([seconds, fraction, offset]) => written(Date.UTC(2025, 9, 3, 22, 0, seconds), fraction, offset));

const order = (a: bigint | string, b: bigint | string): number => (a < b ? -1 : a > b ? 1 : 0);

for (const [name, pool] of [
  ['any moments', moments],
  ['moments that differ in their last digits', close],
] as const) {
  test(`keys order as the instants do, for ${name}`, (t) => {
    fc.assert(
      fc.property(pool, pool, (a, b) => {
        const [first, second] = [parseInstant(a.text), parseInstant(b.text)];
        if (first === undefined || second === undefined) return t.fail(`${a.text} ${b.text}`);
        t.is(order(first, second), order(a.instant, b.instant), `${a.text} ${b.text}`);
      }),
      { numRuns: 3000 },
    );
  });
}

test('one instant has one key, whatever its offset and however many zeros it ends with', (t) => {
  const same = [
    '2025-10-03T22:00:00.5Z',
    '2025-10-03T22:00:00.500000000000Z',
    '2025-10-04T00:00:00.50+02:00',
    '2025-10-03T16:30:00.500-05:30',
    '2025-10-03t22:00:00.5z',
    '2025-10-03T22:00:00.5-00:00',
  ];
  t.is(new Set(same.map(parseInstant)).size, 1);
  t.not(parseInstant('2025-10-03T22:00:00.5000000000001Z'), parseInstant(same[0] ?? ''));
});

test('a leap second is the second after it', (t) => {
  t.is(parseInstant('2016-12-31T23:59:60Z'), parseInstant('2017-01-01T00:00:00Z'));
  t.is(parseInstant('2016-12-31T15:59:60.25-08:00'), parseInstant('2017-01-01T00:00:00.25Z'));
});

test('days exist as the calendar has them', (t) => {
  for (const year of [0, 4, 100, 400, 1600, 1700, 1900, 1970, 1999, 2000, 2023, 2024, 2100, 9999]) {
    for (let month = 1; month <= 12; month++) {
      for (let day = 28; day <= 32; day++) {
        const text = `${pad(year, 4)}-${pad(month)}-${pad(day)}T12:00:00Z`;
        const date = new Date(Date.UTC(2000, month - 1, day, 12));
        date.setUTCFullYear(year, month - 1, day);
        const exists = date.getUTCMonth() === month - 1 && day <= 31;
        t.is(parseInstant(text), exists ? instantOfMs(date.getTime()) : undefined, text);
      }
    }
  }
});

test('what is no RFC 3339 timestamp is none', (t) => {
  for (const text of [
    '',
    '2025-10-03',
    '2025-10-03T22:00Z',
    '2025-10-03T22:00:00',
    '2025-10-03 22:00:00Z',
    '25-10-03T22:00:00Z',
    '2025-1-3T22:00:00Z',
    '12025-10-03T22:00:00Z',
    '-2025-10-03T22:00:00Z',
    '2025-00-03T22:00:00Z',
    '2025-13-03T22:00:00Z',
    '2025-10-00T22:00:00Z',
    '2025-10-03T24:00:00Z',
    '2025-10-03T22:60:00Z',
    '2025-10-03T22:00:61Z',
    '2025-10-03T22:00:00.Z',
    '2025-10-03T22:00:00,5Z',
    '2025-10-03T22:00:00+1:00',
    '2025-10-03T22:00:00+0100',
    '2025-10-03T22:00:00+24:00',
    '2025-10-03T22:00:00+01:60',
    '2025-10-03T22:00:00ZZ',
    ' 2025-10-03T22:00:00Z',
    '2025-10-03T22:00:00Z\n',
    '２０２５-10-03T22:00:00Z',
    '2025-10-03T22:00:00−01:00',
    `2025-10-03T22:00:00.${'1'.repeat(60)}Z`,
  ])
    t.is(parseInstant(text), undefined, text);
});

test('the first and the last moment that can be written have keys in order', (t) => {
  const all = [
    '0000-01-01T00:00:00+23:59',
    '0000-01-01T00:00:00Z',
    '0000-01-01T00:00:00-23:59',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00Z',
    '9999-12-31T23:59:60.999999999999Z',
    '9999-12-31T23:59:60.999-23:59',
  ].map(parseInstant);
  t.false(all.includes(undefined));
  for (const [i, key] of all.entries()) t.true(i === 0 || (all[i - 1] ?? '') < (key ?? ''), `moment ${i}`);
});

test('milliseconds are written as JavaScript writes them, and read back to the same key', (t) => {
  const first = new Date('0000-01-01T00:00:00Z').getTime();
  fc.assert(
    fc.property(fc.integer({ min: first, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), (ms) => {
      t.is(formatMs(ms), new Date(ms).toISOString());
      t.is(parseInstant(formatMs(ms)), instantOfMs(ms));
    }),
    { numRuns: 3000 },
  );
  t.is(formatMs(1.9), '1970-01-01T00:00:00.001Z');
  t.is(formatMs(-1), '1969-12-31T23:59:59.999Z');
});
