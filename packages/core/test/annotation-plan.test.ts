/** What a caller wants said of a span, what it comes to, and what is refused. */

import test from 'ava';
import { disagree, say, town } from './annotation-people.js';
import type { Citizen } from './annotation-town.js';

test('a merge patch says what it changes and nothing else', (t) => {
  const { people } = town({
    members: { title: 'x', status: 'executed', metadata: { a: 1, deep: { b: 2, c: 3 } }, tags: ['a'] },
  });
  const [alice] = people;
  const none = { kind: 'say', assertions: [], after: { ms: 0, count: 0 } } as const;
  t.deepEqual(alice.plan({ status: 'executed', tags: ['a'], metadata: { a: 1, gone: null } }), none);
  t.deepEqual(alice.plan({}), none);
  say(t, alice, {
    metadata: { deep: { b: null, d: 4 }, a: null, n: 5 },
    tags: ['b', 'a', 'b'],
    notes: ['1', '2'],
  });
  t.deepEqual(alice.sees()['metadata'], { deep: { c: 3, d: 4 }, n: 5 });
  t.deepEqual(alice.sees()['tags'], ['a', 'b']);
  t.is(alice.known.size, 6);
  t.deepEqual(alice.plan({ metadata: { a: null } }), none);
  say(t, alice, { metadata: { a: 7 } });
  t.deepEqual(alice.sees()['metadata'], { deep: { c: 3, d: 4 }, n: 5, a: 7 });
});

test('what cannot be annotated is refused by name, and nothing of the patch is said', (t) => {
  const { people } = town();
  const [alice] = people;
  const refused: readonly (readonly [Parameters<Citizen['say']>[0], RegExp])[] = [
    [{ title: 'other' }, /^title: not a member/],
    [{ node: 'bob', status: 'ghost' }, /^node: not a member/],
    [{ stamp: 1 }, /^stamp/],
    [{ 'metadata.a': 1 }, /^metadata.a: not a member/],
    [{ identity: 'x' }, /^identity/],
    [{ status: 'undone' }, /^status: expected one of/],
    [{ status: null }, /^status: expected one of/],
    [{ processed: 'yes' }, /^processed: expected true or false/],
    [{ metadata: [1] }, /^metadata: expected an object/],
    [{ metadata: { a: 'x'.repeat(9000) } }, /^metadata.a: 9002 characters/],
    [{ metadata: { ['k'.repeat(300)]: 1 } }, /^metadata: a name/],
    [{ metadata: { a: '\ud800' } }, /lone surrogate/],
    [{ tags: 'x' }, /^tags: expected a list/],
    [{ tags: [1] }, /^tags: expected a list/],
    [{ tags: ['x'.repeat(2000)] }, /^tags: expected texts of at most/],
    [{ notes: '' }, /^notes: expected a text/],
    [{ notes: { text: 'x', node: 'bob' } }, /^notes: expected a text/],
    [{ notes: Array.from({ length: 80 }, () => 'x'.repeat(4096)) }, /^assertions of \d+ bytes/],
    [{ tags: Array.from({ length: 300 }, (_, i) => String(i)) }, /^301 changes at once/],
  ];
  for (const [patch, why] of refused) {
    const plan = alice.say({ processed: true, ...patch });
    t.is(plan.kind, 'fault', JSON.stringify(patch));
    if (plan.kind === 'fault') t.regex(plan.reason, why);
  }
  t.is(alice.known.size, 0);
});

test('only a candidate can be chosen, a body only by choosing, and a value only of its type', (t) => {
  const { people } = disagree('manual');
  const [alice] = people;
  const refused = (decision: Parameters<Citizen['resolve']>[1], why: RegExp): void => {
    const plan = alice.resolve('status', decision);
    t.is(plan.kind, 'fault');
    if (plan.kind === 'fault') t.regex(plan.reason, why);
  };
  refused({ choose: `${'0'.repeat(64)}.0` }, /not one of the 2 candidates/);
  refused({ value: 'undone' }, /^status: expected one of/);
  t.is(alice.resolve('processed', { value: true }).kind, 'fault');
  alice.bring(1);
  people[1].bring(2);
  alice.hear(people[1]);
  const plan = alice.resolve('identity', { value: '01'.repeat(32) });
  t.is(plan.kind, 'fault');
});

test('a span keeps the bytes of all members that annotations do not change', (t) => {
  const { people } = town({ members: { id: 1, title: 'é', metadata: { a: 1 }, tags: ['x'] } });
  t.is(people[0].bytes(), '{"id":1,"title":"é","metadata":{"a":1},"tags":["x"]}');
  say(t, people[0], { metadata: { ['__proto__']: { b: 1 } }, processed: true });
  t.is(
    people[0].bytes(),
    '{"id":1,"title":"é","tags":["x"],"processed":true,"metadata":{"a":1,"__proto__":{"b":1}}}',
  );
});

test('a version changes with what is read, and is the same for the same reading', (t) => {
  const { town: here, people } = disagree('manual');
  const [alice, bob] = people;
  t.is(alice.version(), bob.version());
  const before = alice.version();
  say(t, alice, { notes: 'looked at it' });
  t.not(alice.version(), before);
  here.meet();
  t.is(alice.version(), bob.version());
  const open = bob.version();
  bob.resolve('status', { value: 'reverted' });
  t.not(bob.version(), open, 'the value is the same, and no longer for now');
});
