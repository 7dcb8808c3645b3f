// Times as people write them in queries.
import test from 'ava';
import { instantOfMs, parseInstant, type InstantKey } from '@logline/federation-core';
import { readInstant } from '../dist/instants.js';

const at = (text: string): InstantKey => {
  const instant = parseInstant(text);
  if (instant === undefined) throw new Error(`the test names no instant: ${text}`);
  return instant;
};
const NOW = Date.UTC(2025, 9, 3, 22, 0, 0);

test('so long ago is counted from now, in any usual spelling', async (t) => {
  const minute = 60_000;
  const spellings: Readonly<Record<string, number>> = {
    '5m': 5 * minute,
    '5 min': 5 * minute,
    '5 minutes ago': 5 * minute,
    '1h ago': 60 * minute,
    '1 hour ago': 60 * minute,
    '1 Hour Ago': 60 * minute,
    '30s': 30_000,
    '250ms': 250,
    '2 days': 2880 * minute,
    '1w': 10_080 * minute,
    '0s': 0,
  };
  for (const [text, agoMs] of Object.entries(spellings))
    t.is(await readInstant('since', text, NOW), instantOfMs(NOW - agoMs), text);
});

test('so long ago may lie before 1970, and before the first year it is the first year', async (t) => {
  const week = 604_800_000;
  t.is(await readInstant('since', '5200 weeks ago', NOW), instantOfMs(NOW - 5200 * week));
  t.true((await readInstant('since', '5200w', NOW)) < at('1950-01-01T00:00:00Z'));
  for (const text of ['200000 weeks ago', '999999999 weeks', '9000 years ago'])
    t.is(await readInstant('since', text, NOW), at('0000-01-01T00:00:00Z'), text);
});

test('a day in words before 1970 is its own first instant', async (t) => {
  t.is(await readInstant('since', 'Oct 3, 1950', NOW), at('1950-10-03T00:00:00Z'));
});

test('RFC 3339 keeps every digit, a date alone is its first instant', async (t) => {
  const exact = '2025-10-03T22:00:00.123456789123Z';
  t.is(await readInstant('since', exact, NOW), at(exact));
  t.is(await readInstant('since', '2025-10-03', NOW), at('2025-10-03T00:00:00Z'));
});

test('a plus sign that a query turned into a space is put back', async (t) => {
  const meant = at('2025-10-03T22:00:00.5+02:00');
  t.is(await readInstant('since', '2025-10-03T22:00:00.5 02:00', NOW), meant);
});

test('other English is understood in UTC, and a day without an hour is its first instant', async (t) => {
  const words: Readonly<Record<string, string>> = {
    'yesterday at 17:00': '2025-10-02T17:00:00Z',
    'yesterday at 5pm': '2025-10-02T17:00:00Z',
    'Oct 3, 2025': '2025-10-03T00:00:00Z',
    yesterday: '2025-10-02T00:00:00Z',
    '1 day and 3 hours ago': '2025-10-02T19:00:00Z',
    '3 October 2025 22:00': '2025-10-03T22:00:00Z',
  };
  for (const [text, instant] of Object.entries(words))
    t.is(await readInstant('since', text, NOW), at(instant), text);
});

test('what names no time is refused with the name of the parameter', async (t) => {
  for (const text of [
    'soon',
    '5',

    '5 parsecs ago',
    '1 hour ago or so',
    '2025-13-01',
    '2025-02-30',
    '12',
    '__proto__',
    '1 __proto__',
    '5m; drop',
    '9999999999h',
    '😀',
  ])
    await t.throwsAsync(readInstant('since', text, NOW), { message: /^since: expected RFC 3339/ }, text);
});
