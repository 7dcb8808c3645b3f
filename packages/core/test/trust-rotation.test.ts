/** Keys that follow one another: what the new key inherits, and what a thief of the old one gets. */

import test from 'ava';
import { LIMITS } from '../dist/limits.js';
import { cutAt, revoke, rotate, StatementScript, verify } from '../dist/testing/trust-script.js';
import { alice, bob, carol, person, tools } from './forge.js';
import { graphOf, levels, nameOf, orders } from './trust-graphs.js';

const dave = person('dave');
const erin = person('erin');

test('after a rotation the new key has the trust of the old, and the old one says nothing more', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol]) script.say(alice, verify(key));
  script.say(bob, rotate(bob, erin, [cutAt(1, 1)], tools));
  script.say(bob, revoke(carol));
  script.say(erin, verify(alice));
  const graph = graphOf(alice, script.placed);
  t.deepEqual(
    [bob, carol, erin].map((key) => graph.levelOf(nameOf(key))),
    ['revoked', 'pending', 'verified'],
  );
  t.is(graph.successorOf(nameOf(bob)), nameOf(erin));
  t.true(graph.follows(nameOf(erin)));
  t.deepEqual(graph.why(nameOf(erin)), [{ kind: 'inherited', from: nameOf(bob) }, { kind: 'trusts_us' }]);
});

test('a rotation without the agreement of the new key, or with other cuts than it agreed to, is none', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  const agreed = rotate(bob, erin, [cutAt(1, 5)], tools);
  if (agreed.kind !== 'rotate') throw new Error('a rotation');
  script.say(bob, { ...agreed, cuts: [cutAt(1, 9)] });
  script.say(bob, { ...agreed, key: carol.publicKey });
  script.say(carol, agreed);
  const graph = graphOf(alice, script.placed);
  t.deepEqual(
    [bob, erin].map((key) => graph.levelOf(nameOf(key), true)),
    ['verified', 'unknown'],
  );
});

test('two different rotations freeze: neither key inherits until the root verifies one', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(bob, rotate(bob, carol, [cutAt(1, 2)], tools));
  script.say(bob, rotate(bob, dave, [cutAt(1, 2)], tools));
  for (const said of orders(script.placed))
    t.deepEqual(levels(alice, said), ['revoked', 'unknown', 'unknown']);
  t.true(
    graphOf(alice, script.placed)
      .why(nameOf(bob))
      .some(({ kind }) => kind === 'frozen'),
  );
  script.say(alice, verify(dave));
  t.deepEqual(levels(alice, script.placed), ['revoked', 'unknown', 'verified']);
  t.is(graphOf(alice, script.placed).successorOf(nameOf(bob)), nameOf(dave));
});

test('a thief who rotates a revoked key inherits nothing and revokes nobody', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol, dave]) script.say(alice, verify(key));
  script.say(carol, revoke(bob));
  script.say(bob, rotate(bob, erin, [cutAt(1, 1)], tools));
  script.say(erin, revoke(carol));
  script.say(erin, revoke(dave));
  const graph = graphOf(alice, script.placed);
  t.is(graph.levelOf(nameOf(erin), true), 'unknown');
  t.deepEqual(levels(alice, script.placed), ['revoked', 'verified', 'verified']);
});

test('rotations may follow one another so often, and a loop of them leads nowhere', (t) => {
  const keys = Array.from({ length: LIMITS.rotations + 2 }, (_, n) => person(`link ${n}`));
  const script = new StatementScript(tools);
  const [first = bob] = keys;
  script.say(alice, verify(first));
  for (const [n, key] of keys.entries()) {
    const next = keys[n + 1];
    if (next === undefined) break;
    const before = graphOf(alice, script.placed);
    t.is(before.levelOf(nameOf(key), true), 'verified', `link ${n}`);
    script.say(key, rotate(key, next, [], tools));
  }
  const last = keys.at(-1) ?? bob;
  t.is(graphOf(alice, script.placed).levelOf(nameOf(last), true), 'unknown');
  const loop = new StatementScript(tools);
  loop.say(alice, verify(bob));
  loop.say(bob, rotate(bob, carol, [], tools));
  loop.say(carol, rotate(carol, bob, [], tools));
  t.deepEqual(levels(alice, loop.placed), ['revoked', 'revoked', 'unknown']);
});

test('a node that rotated its own key goes on with what it said, and not with what a thief of the old key says', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(alice, revoke(carol));
  script.say(alice, rotate(alice, erin, [cutAt(1, 2)], tools));
  script.say(bob, verify(alice));
  script.say(alice, verify(dave), { epoch: 2 });
  const graph = graphOf(erin, script.placed);
  t.deepEqual(
    [alice, bob, carol, dave].map((key) => graph.levelOf(nameOf(key))),
    ['revoked', 'verified', 'revoked', 'unknown'],
  );
  t.true(graph.isOurs(nameOf(alice)));
});
