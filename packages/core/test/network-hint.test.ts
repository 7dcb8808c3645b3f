/** The network's hint: the same for all who share a key and a time, and of no use to anybody else. */

import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { LIMITS } from '../dist/limits.js';
import { hintLeftMs, kinshipOf, networkHint } from '../dist/network-hint.js';
import { NOON_MS, tools } from './forge.js';

const ours = tools.crypto.sha256(tools.text.encode('ours'));
const theirs = tools.crypto.sha256(tools.text.encode('theirs'));
const at = (nowMs: number, networkKey = ours) => ({ networkKey, nowMs, tools });
const SLOT = LIMITS.hintSlotMs;

test('an announcement is ours in its slot and in the next, and another network’s after that', (t) => {
  const hint = networkHint(at(NOON_MS));
  t.regex(hint, /^[\w-]{16}$/);
  t.is(kinshipOf(hint, at(NOON_MS)), 'ours');
  t.is(kinshipOf(hint, at(NOON_MS + 2 * SLOT - 1)), 'ours');
  t.is(kinshipOf(hint, at(NOON_MS + 2 * SLOT)), 'other');
  t.is(kinshipOf(hint, at(NOON_MS, theirs)), 'other');
  t.is(kinshipOf(undefined, at(NOON_MS)), 'unsaid');
  t.is(kinshipOf('', at(NOON_MS)), 'other');
});

test('a clock that runs ahead may show the next hint a minute early, and no sooner', (t) => {
  const next = networkHint(at(NOON_MS));
  t.is(kinshipOf(next, at(NOON_MS - LIMITS.clockSkewMs)), 'ours');
  t.is(kinshipOf(next, at(NOON_MS - LIMITS.clockSkewMs - 1)), 'other');
});

testProp(
  'hints of one slot are equal, of two slots or keys different, and say when they end',
  [fc.nat(4_000_000), fc.nat(SLOT - 1), fc.nat(SLOT - 1)],
  (t, slot, a, b) => {
    const [one, other] = [slot * SLOT + a, slot * SLOT + b];
    const hint = networkHint(at(one));
    t.is(hint, networkHint(at(other)));
    t.not(hint, networkHint(at(one + SLOT)));
    t.not(hint, networkHint(at(one, theirs)));
    t.not(networkHint(at(one + hintLeftMs(one))), hint);
    t.is(networkHint(at(one + hintLeftMs(one) - 1)), hint);
  },
);
