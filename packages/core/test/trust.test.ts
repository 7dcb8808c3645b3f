/** Who is trusted, who is revoked and by whose word: the rules of the trust graph one by one. */

import test from 'ava';
import { LIMITS } from '../dist/limits.js';
import { cutAt, epochOf, revoke, StatementScript, verify } from '../dist/testing/trust-script.js';
import { alice, bob, carol, person, tools } from './forge.js';
import { graphOf, levels, nameOf, orders, PLAIN } from './trust-graphs.js';

const dave = person('dave');
const erin = person('erin');

test('T14: of a verify and a revoke said in a partition the revoke wins on every node that follows both, in every order', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(bob, verify(alice));
  script.say(bob, verify(carol));
  script.say(alice, verify(carol));
  script.say(alice, revoke(carol));
  for (const said of orders(script.placed)) {
    for (const root of [alice, bob]) t.is(graphOf(root, said).levelOf(nameOf(carol), true), 'revoked');
    t.is(graphOf(dave, said).levelOf(nameOf(carol), true), 'unknown');
  }
});

test('revocations said of one another in a partition both stand, in every order', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(alice, verify(carol));
  script.say(bob, revoke(carol));
  script.say(carol, revoke(bob));
  for (const said of orders(script.placed))
    t.deepEqual(levels(alice, said), ['revoked', 'revoked', 'unknown']);
});

test('a circle of three concurrent revocations stands whole', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol, dave]) script.say(alice, verify(key));
  script.say(bob, revoke(carol));
  script.say(carol, revoke(dave));
  script.say(dave, revoke(bob));
  t.deepEqual(levels(alice, script.placed), ['revoked', 'revoked', 'revoked']);
});

test('a revocation in retaliation falls, for its signer had been cut off before', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(alice, verify(carol));
  script.say(carol, verify(bob));
  script.say(bob, revoke(carol, [cutAt(1, 1)]));
  const { hash } = script.say(carol, revoke(bob, [cutAt(1, 1)]));
  for (const said of orders(script.placed))
    t.deepEqual(levels(alice, said), ['verified', 'revoked', 'unknown']);
  const why = graphOf(alice, script.placed).why(nameOf(bob), true);
  t.like(
    why.find((reason) => reason.kind === 'disregarded'),
    { since: 'ended_before', statement: hash },
  );
});

test('who falls revokes nobody: what a voided revocation would have voided stands', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol, dave]) script.say(alice, verify(key));
  script.say(dave, revoke(alice));
  script.say(alice, revoke(bob));
  script.say(bob, revoke(carol));
  script.say(carol, revoke(dave));
  t.deepEqual(levels(alice, script.placed), ['revoked', 'verified', 'revoked']);
});

test('at depth two it takes so many trusted vouchers, and revoked ones vouch for nobody', (t) => {
  const given = { depth: 2, vouchers: 2, follow: true };
  const script = new StatementScript(tools);
  for (const key of [bob, carol, erin]) script.say(alice, verify(key));
  script.say(bob, verify(dave));
  t.is(levels(alice, script.placed, given)[2], 'unknown');
  script.say(bob, verify(dave));
  t.is(levels(alice, script.placed, given)[2], 'unknown', 'one voucher who says it twice is one');
  script.say(carol, verify(dave));
  t.is(levels(alice, script.placed, given)[2], 'verified');
  t.is(levels(alice, script.placed, PLAIN)[2], 'unknown', 'at depth one nobody else counts');
  script.say(dave, verify(person('frank')));
  script.say(erin, verify(person('frank')));
  t.is(graphOf(alice, script.placed, given).levelOf(nameOf(person('frank')), true), 'unknown', 'depth ends');
  script.say(alice, revoke(carol, [cutAt(1, 1)]));
  t.is(
    levels(alice, script.placed, given)[2],
    'unknown',
    'carol vouched before, and is revoked all the same',
  );
});

test('the revocations of those whom others vouch for bind nobody', (t) => {
  const given = { depth: 2, vouchers: 1, follow: true };
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(alice, verify(carol));
  script.say(bob, verify(dave));
  script.say(dave, revoke(carol));
  t.deepEqual(levels(alice, script.placed, given), ['verified', 'verified', 'verified']);
});

test('an override holds for its signer alone, for what it names alone, and is seen', (t) => {
  const script = new StatementScript(tools);
  for (const root of [alice, dave]) for (const key of [bob, carol]) script.say(root, verify(key));
  const { hash } = script.say(bob, revoke(carol));
  script.say(alice, verify(carol, [hash]));
  t.is(levels(alice, script.placed)[1], 'verified');
  t.is(graphOf(dave, script.placed).levelOf(nameOf(carol), true), 'revoked');
  const graph = graphOf(alice, script.placed);
  t.true(graph.why(nameOf(carol)).some(({ kind }) => kind === 'overridden'));
  t.is([...graph.edges()].filter((edge) => edge.overridden).length, 1);
  script.say(bob, revoke(carol));
  t.is(levels(alice, script.placed)[1], 'revoked', 'the next revocation is another');
});

test('hashes of nonsense, of other keys and of oneself override nothing', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  const ofCarol = script.say(alice, revoke(carol));
  const nonsense = Array.from({ length: LIMITS.overriddenRevocations - 1 }, (_, n) =>
    new Uint8Array(32).fill(n),
  );
  script.say(alice, verify(bob, [...nonsense, ofCarol.hash]));
  script.say(carol, verify(carol, [ofCarol.hash]));
  t.deepEqual(levels(alice, script.placed), ['verified', 'revoked', 'unknown']);
});

test('what a readmitted key said while it was out stays out, and a feed it begins afterwards counts', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol, dave]) script.say(alice, verify(key));
  script.say(carol, verify(alice));
  const { hash } = script.say(alice, revoke(carol, [cutAt(1, 1)]));
  script.say(carol, revoke(bob));
  script.say(carol, revoke(dave), { epoch: 2 });
  const { stamp } = script.say(alice, verify(carol, [hash]));
  t.deepEqual(levels(alice, script.placed), ['verified', 'verified', 'verified']);
  const graph = graphOf(alice, script.placed);
  t.deepEqual(
    [1, 2, 3].map((epoch) => graph.barOf(nameOf(carol), epochOf(epoch))?.from),
    [2, 1, undefined],
  );
  script.say(carol, revoke(dave), { epoch: 3, ms: stamp.ms + 1 });
  t.deepEqual(levels(alice, script.placed), ['verified', 'verified', 'revoked']);
});

test('nobody ends the root at itself, and it is shown who tried', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(bob, revoke(alice));
  script.say(alice, revoke(alice));
  script.say(alice, verify(alice));
  const graph = graphOf(alice, script.placed);
  t.is(graph.levelOf(nameOf(alice)), 'verified');
  t.is(graph.levelOf(nameOf(bob), true), 'verified');
  const attempts = graph.why(nameOf(alice)).filter((reason) => reason.kind === 'disregarded');
  t.deepEqual(
    attempts.map((reason) => reason.since),
    ['of_ourselves', 'of_ourselves'],
  );
});

test('a key can end itself for everybody who trusts it', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  script.say(bob, verify(alice));
  script.say(bob, revoke(bob, [cutAt(1, 1)]));
  script.say(bob, revoke(carol));
  script.say(alice, verify(carol));
  t.deepEqual(levels(alice, script.placed), ['revoked', 'verified', 'unknown']);
  t.is(levels(alice, script.placed, { ...PLAIN, follow: false })[0], 'verified');
});

test('what lies beyond a fork counts for nothing until it is ruled away', (t) => {
  const script = new StatementScript(tools);
  for (const key of [bob, carol]) script.say(alice, verify(key));
  script.say(bob, revoke(carol));
  const graph = graphOf(alice, script.placed);
  t.is(graph.levelOf(nameOf(carol), true), 'revoked');
  graph.setFork(bob.publicKey, epochOf(1), 1);
  t.is(graph.levelOf(nameOf(carol), true), 'verified');
  graph.setFork(bob.publicKey, epochOf(1), undefined);
  t.is(graph.levelOf(nameOf(carol), true), 'revoked');
});

test('more cuts than one statement holds are several in one entry, and make one revocation', (t) => {
  const script = new StatementScript(tools);
  script.say(alice, verify(bob));
  const { hash } = script.say(alice, [revoke(bob, [cutAt(1, 4)]), revoke(bob, [cutAt(2, 6), cutAt(1, 5)])]);
  const graph = graphOf(alice, script.placed);
  t.deepEqual(
    [1, 2, 3].map((epoch) => graph.barOf(nameOf(bob), epochOf(epoch))?.from),
    [5, 7, 1],
  );
  t.deepEqual(graph.barOf(nameOf(bob), epochOf(1))?.revocations, [hash]);
});
