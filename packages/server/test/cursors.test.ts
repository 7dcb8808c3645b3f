// Cursors of arrival tell a caller nothing, and only the node that sealed one opens it.
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Cursors } from '../dist/cursors.js';

const ours = new Cursors(new Uint8Array(32).fill(1));

testProp(
  'what was sealed is opened, and each text has one seal',
  [fc.string({ maxLength: 30, minLength: 1 })],
  (t, text) => {
    const sealed = ours.seal(text);
    t.is(ours.open(sealed), text);
    t.is(ours.seal(text), sealed);
    t.regex(sealed, /^c[A-Za-z0-9_-]+$/);
  },
);

test('two places in the log show nothing of how far they lie apart', (t) => {
  const seals = Array.from({ length: 100 }, (_, n) =>
    ours.seal(`aTBq1NDG_VdEAAAAAAAA${String(n).padStart(4, '0')}`),
  );
  t.is(new Set(seals.map((seal) => seal.slice(0, 12))).size, 100);
  t.notDeepEqual(seals.toSorted(), seals);
  for (const seal of seals) t.false(seal.includes('aTBq1NDG'));
});

test('a seal of another key, or one that was changed, is a stranger’s', (t) => {
  const sealed = ours.seal('aTBq1NDG_VdEAAAAAAAAVAAE');
  t.is(new Cursors(new Uint8Array(32).fill(2)).open(sealed), undefined);
  for (let at = 1; at < sealed.length - 1; at++) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    t.is(ours.open(sealed.slice(0, at) + other + sealed.slice(at + 1)), undefined, String(at));
  }
});

test('what has not the shape of one is refused', (t) => {
  for (const text of [
    '',
    'c',
    'start',
    'aTBq1NDG_VdEAAAAAAAAVAAE',
    `c${'A'.repeat(22)}`,
    `c${'A'.repeat(300)}`,
    'c+++',
  ])
    t.throws(() => ours.open(text), { code: 'bad_cursor' }, text);
});
