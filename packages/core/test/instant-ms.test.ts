import test from 'ava';
import { instantOfMs, msOfInstant, parseInstant } from '../dist/instant.js';

test('the milliseconds of an instant are those of the timestamp it came from', (t) => {
  for (const text of [
    '2025-10-03T22:00:00.123456Z',
    '1969-12-31T23:59:59.999Z',
    '0000-01-01T00:00:00+05:00',
    '9999-12-31T23:59:59Z',
  ]) {
    const instant = parseInstant(text);
    if (instant === undefined) throw new Error(text);
    const reference = text.startsWith('0000') ? Date.UTC(-1, 11, 31, 19) - 0 : Date.parse(text);
    t.is(msOfInstant(instant), reference, text);
  }
  t.is(msOfInstant(instantOfMs(1_759_528_800_123)), 1_759_528_800_123);
});
