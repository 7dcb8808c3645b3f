/** Annotations: what people who were cut off from each other read when they meet again. */

import test from 'ava';
import { disputedFields, policyFor } from '../dist/annotation.js';
import type { ConflictPolicy } from '../dist/statement.js';
import { candidates, disagree, openFields, say, town, whys } from './annotation-people.js';
import { FAR_AHEAD_MS, type Citizen } from './annotation-town.js';

test('timestamp: the later of two that did not know of each other is read', (t) => {
  const { people } = disagree('timestamp');
  for (const one of people) t.is(one.sees()['status'], 'reverted');
  t.deepEqual(whys(people[0]), ['earlier', 'latest']);
  t.deepEqual(openFields(people[0]), []);
  const [field] = disputedFields(people[2].read());
  t.is(field?.judgement.dispute?.settled?.by, 'policy');
});

test('priority: the highest of them is read, however early', (t) => {
  const { town: here, people } = disagree('priority');
  const [alice, bob] = people;
  for (const one of people) t.is(one.sees()['status'], 'reverted', 'nobody is named: the latest');
  here.rules = { otherwise: 'priority', priorities: [alice, bob] };
  for (const one of people) t.is(one.sees()['status'], 'executed');
  t.deepEqual(whys(bob), ['priority', 'lower_priority']);
  here.rules = { otherwise: 'priority', priorities: [bob] };
  t.is(alice.sees()['status'], 'reverted', 'who is named comes before who is not');
});

test('manual: it stays open and is marked, and the latest is shown for now', (t) => {
  const { people } = disagree('manual');
  for (const one of people) {
    t.is(one.sees()['status'], 'reverted');
    t.deepEqual(one.sees()['conflicted'], ['status']);
  }
  t.deepEqual(whys(people[0]), ['open', 'provisional']);
});

test('manual: an ordinary change waits for a decision, other members do not', (t) => {
  const { people } = disagree('manual');
  t.deepEqual(people[2].plan({ status: 'ghost' }), { kind: 'conflict_open', fields: ['status'] });
  t.deepEqual(people[2].plan({ status: 'reverted' }), { kind: 'conflict_open', fields: ['status'] });
  say(t, people[2], { processed: true });
  t.is(people[2].sees()['processed'], true);
});

test('manual: one candidate is chosen, everywhere, and chosen again it is the same answer', (t) => {
  const { town: here, people } = disagree('manual');
  const [alice, bob, carol] = people;
  const [first, second] = candidates(carol);
  t.is(carol.resolve('status', { choose: first ?? '' }).kind, 'say');
  here.meet();
  for (const one of people) {
    t.is(one.sees()['status'], 'executed');
    t.deepEqual(openFields(one), []);
    t.deepEqual(whys(one), ['superseded', 'superseded', 'resolved']);
  }
  t.deepEqual(alice.resolve('status', { value: 'executed' }), {
    kind: 'say',
    assertions: [],
    after: { ms: 0, count: 0 },
  });
  t.is(alice.resolve('status', { choose: first ?? '' }).kind, 'say');
  t.deepEqual(bob.resolve('status', { choose: second ?? '' }), {
    kind: 'conflict_closed',
    value: '"executed"',
  });
  say(t, bob, { status: 'ghost' });
  here.meet();
  t.is(alice.sees()['status'], 'ghost', 'once it is closed, people change it as before');
  t.deepEqual(openFields(alice), []);
});

test('manual: what the decision had not seen reopens, what it had seen does not', (t) => {
  const { town: here, people } = town({ otherwise: 'manual' });
  const [alice, bob, carol] = people;
  alice.say({ status: 'executed' });
  here.pass(10);
  bob.say({ status: 'reverted' });
  here.pass(10);
  carol.say({ status: 'ghost' });
  here.pass(10);
  alice.hear(bob);
  alice.resolve('status', { value: 'executed' });
  here.pass(10);
  bob.hear(alice);
  t.deepEqual(openFields(bob), []);
  here.meet();
  t.deepEqual(openFields(bob), ['status']);
  t.is(candidates(bob).length, 2, "carol's word and the decision");
  t.is(bob.resolve('status', { value: 'ghost' }).kind, 'say');
  here.meet();
  for (const one of people) t.deepEqual(openFields(one), []);
});

test('manual: two decisions that did not know of each other are a conflict, unless they agree', (t) => {
  for (const second of ['executed', 'ghost']) {
    const { town: here, people } = disagree('manual');
    const [alice, bob] = people;
    alice.resolve('status', { value: 'executed' });
    bob.resolve('status', { value: second });
    here.meet();
    t.deepEqual(openFields(people[2]), second === 'ghost' ? ['status'] : []);
    t.deepEqual(
      whys(people[2]),
      second === 'ghost'
        ? ['superseded', 'superseded', 'open', 'provisional']
        : ['superseded', 'superseded', 'agrees', 'resolved'],
    );
  }
});

test('manual: a change by a node whose policy is another closes nothing', (t) => {
  const { town: here, people } = disagree('manual');
  here.rules = { otherwise: 'timestamp' };
  say(t, people[2], { status: 'ghost' });
  here.meet();
  t.deepEqual(openFields(people[0]), []);
  here.rules = { otherwise: 'manual' };
  t.is(candidates(people[0]).length, 3, 'one more candidate');
  t.is(people[0].sees()['status'], 'ghost');
  t.deepEqual(openFields(people[0]), ['status']);
});

test('a decision holds, however often its author changes the member afterwards', (t) => {
  const { town: here, people } = disagree('manual');
  const [alice, bob, carol] = people;
  carol.resolve('status', { value: 'executed' });
  const wanted = ['ghost', 'simulated'];
  for (let i = 0; i < 200; i++) say(t, carol, { status: wanted[i % 2] ?? '' });
  // All that a node may forget: of what carol said, her decision and the latest are left.
  const said = [...carol.known.keys()];
  for (const id of said.slice(3, -1)) carol.known.delete(id);
  here.pass(1);
  t.is(carol.known.size, 4);
  t.deepEqual(openFields(carol), []);
  t.is(carol.sees()['status'], 'simulated');
  alice.hear(bob, carol);
});

test('what somebody replaced stays replaced, whatever of his earlier words is forgotten', (t) => {
  const { town: here, people } = town({ otherwise: 'manual' });
  const [alice, bob] = people;
  bob.say({ status: 'executed' });
  here.meet();
  for (const status of ['reverted', 'ghost', 'reverted']) say(t, alice, { status });
  const said = [...alice.known.keys()];
  for (const id of said.slice(1, -1)) alice.known.delete(id);
  t.deepEqual(whys(alice), ['superseded', 'undisputed']);
});

test('equal values are no conflict', (t) => {
  const { town: here, people } = town({ otherwise: 'manual' });
  people[0].say({ metadata: { cost: { eur: 1, cent: 50 } } });
  people[1].say({ metadata: { cost: { cent: 50, eur: 1 } } });
  here.meet();
  t.deepEqual(openFields(people[2]), []);
  t.deepEqual(whys(people[2], 'metadata.cost'), ['agrees', 'undisputed']);
});

test("a revoked node's words fall with the cut and uncover what they had replaced", (t) => {
  const { town: here, people } = town({ members: { tags: ['a'] } });
  const [alice, mallory, carol] = people;
  alice.say({ status: 'executed', tags: ['a', 'b'] });
  mallory.say({ metadata: { seen: true } });
  here.meet();
  say(t, mallory, { status: 'reverted', tags: [], notes: 'gone' });
  here.meet();
  t.deepEqual(carol.sees(), {
    tags: [],
    status: 'reverted',
    metadata: { seen: true },
    notes: carol.sees()['notes'],
  });
  carol.cut(mallory, 1);
  t.deepEqual(carol.sees(), { tags: ['a', 'b'], status: 'executed', metadata: { seen: true } });
  carol.cut(mallory, 0);
  t.deepEqual(carol.sees(), { tags: ['a', 'b'], status: 'executed' });
});

test('a decision of a revoked node falls with the cut, and the conflict is open again', (t) => {
  const { town: here, people } = disagree('manual');
  const [alice, , mallory] = people;
  mallory.resolve('status', { value: 'ghost' });
  here.meet();
  say(t, alice, { status: 'simulated' });
  t.deepEqual(openFields(alice), []);
  alice.cut(mallory, 0);
  t.deepEqual(openFields(alice), ['status']);
  t.is(candidates(alice).length, 2, 'her own later word, and the one that she had seen decided');
});

test('T10: what is stamped ahead of the clock waits, and covers nothing until then', (t) => {
  const { town: here, people } = town({ members: { tags: ['a'] } });
  const [alice, mallory] = people;
  say(t, alice, { status: 'executed' });
  mallory.hear(alice);
  mallory.skewMs = FAR_AHEAD_MS;
  say(t, mallory, { status: 'ghost', tags: [], metadata: { a: 1 }, notes: 'soon' });
  alice.hear(mallory);
  t.deepEqual(alice.sees(), { tags: ['a'], status: 'executed' });
  t.deepEqual(whys(alice), ['undisputed', 'ahead']);
  const due = alice.read().recheckAtMs ?? 0;
  here.nowMs = due - 1;
  t.is(alice.sees()['status'], 'executed');
  say(t, alice, { status: 'simulated' });
  here.nowMs = due;
  t.deepEqual(alice.sees()['tags'], []);
  t.is(alice.sees()['status'], 'ghost', 'the later stamp of two that did not know of each other');
  say(t, alice, { status: 'reverted' });
  t.is(alice.sees()['status'], 'reverted', 'what is said now comes after all that is read now');
  t.is(alice.read().recheckAtMs, undefined);
});

test('tags: adding wins over taking away at the same time, and what was seen can be taken away', (t) => {
  const { town: here, people } = town({ members: { tags: ['old'] } });
  const [alice, bob, carol] = people;
  say(t, alice, { tags: ['old', 'x'] });
  here.meet();
  say(t, alice, { tags: ['x'] });
  say(t, bob, { tags: ['old', 'x', 'y'] });
  say(t, carol, { tags: ['old'] });
  here.meet();
  t.deepEqual(alice.sees()['tags'], ['y'], 'nobody added x again, and old was taken away');
  say(t, alice, { tags: [] });
  say(t, alice, { tags: ['y'] });
  say(t, bob, { tags: [] });
  here.meet();
  for (const one of people)
    t.deepEqual(one.sees()['tags'], ['y'], 'bob had not seen that alice added it again');
  say(t, carol, { tags: [] });
  here.meet();
  for (const one of people) t.deepEqual(one.sees()['tags'], []);
});

test('identity: of several bodies the policy chooses one, and people may choose another', (t) => {
  const { town: here, people } = town({ otherwise: 'timestamp' });
  const [alice, bob, carol] = people;
  alice.bring(1);
  here.pass(5);
  bob.bring(2);
  here.meet();
  const bodyOf = (one: Citizen): string | undefined => one.read().body?.hash.slice(0, 2);
  for (const one of people) t.is(bodyOf(one), '02');
  here.rules = { otherwise: 'priority', priorities: [alice] };
  t.is(bodyOf(carol), '01');
  here.rules = { otherwise: 'manual' };
  t.is(bodyOf(carol), '02');
  t.deepEqual(carol.sees()['conflicted'], ['identity']);
  t.is(carol.resolve('identity', { choose: candidates(carol)[0] ?? '' }).kind, 'say');
  here.meet();
  for (const one of people) t.is(bodyOf(one), '01');
  t.deepEqual(openFields(alice), []);
  const [mine] = [...alice.bodies.keys()];
  carol.bodies.delete(mine ?? '');
  t.is(bodyOf(carol), '02', 'the chosen body is quarantined: the other is shown');
  bob.bring(3);
  here.meet();
  t.deepEqual(openFields(alice), ['identity'], 'a body that nobody had seen');
});

test('identity: one body, or the same content twice, is no conflict', (t) => {
  const { town: here, people } = town({ otherwise: 'manual' });
  people[0].bring(1);
  people[1].bring(1);
  here.meet();
  t.deepEqual(openFields(people[2]), []);
  t.is(people[2].read().body?.hash.slice(0, 2), '01');
});

test('an annotation may come before its span', (t) => {
  const { people } = town();
  say(t, people[0], { status: 'ghost', tags: ['x'], metadata: { a: 1 } });
  t.is(people[0].read().body, undefined);
  t.deepEqual(people[0].sees(), { status: 'ghost', tags: ['x'], metadata: { a: 1 } });
});

test('a policy is that of the field, of all metadata, of everything, or the one otherwise', (t) => {
  const policies = new Map<string, ConflictPolicy>([
    ['status', 'manual'],
    ['metadata.*', 'priority'],
    ['metadata.a', 'manual'],
  ]);
  t.is(policyFor(policies, 'status', 'timestamp'), 'manual');
  t.is(policyFor(policies, 'metadata.a', 'timestamp'), 'manual');
  t.is(policyFor(policies, 'metadata.b', 'timestamp'), 'priority');
  t.is(policyFor(policies, 'processed', 'timestamp'), 'timestamp');
  t.is(policyFor(new Map([...policies, ['*', 'priority']]), 'processed', 'timestamp'), 'priority');
});
