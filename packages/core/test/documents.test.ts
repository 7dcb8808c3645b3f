/** Registers, sets and logs of notes in other services' Automerge documents. */

import test from 'ava';
import * as Automerge from '@automerge/automerge';
import { AddWinsSet, NoteLog, Register, type DocumentClaim } from '../dist/documents/index.js';

type Ticket = { title: string; state: Record<string, unknown> };
type Doc = Automerge.Doc<Ticket>;

const [ALICE, BOB, CAROL] = ['aa', 'bb', 'cc'] as const;

/** The same ticket with three people, and a clock that all of them read. */
function tickets(): {
  readonly docs: readonly [Doc, Doc, Doc];
  readonly clock: { nowMs: number };
  readonly now: () => number;
} {
  const clock = { nowMs: 1_800_000_000_000 };
  const first = Automerge.from<Ticket>({ title: 'it is broken', state: {} }, { actor: ALICE });
  const of = (actor: string): Doc => Automerge.clone(first, { actor });
  return { docs: [first, of(BOB), of(CAROL)], clock, now: () => clock.nowMs };
}

function merged(...docs: readonly Doc[]): Doc {
  const [first, ...others] = docs;
  if (first === undefined) throw new Error('nothing to merge');
  return others.reduce((all, one) => Automerge.merge(all, one), Automerge.clone(first, { actor: 'dd' }));
}

test('a register in a document is read the same wherever it is merged', (t) => {
  for (const at of [[], ['state']]) {
    const { docs, clock, now } = tickets();
    const status = new Register<string>('status', { now, at });
    const alice = status.set(docs[0], 'open');
    clock.nowMs += 5;
    const bob = status.set(docs[1], 'closed');
    for (const all of [merged(alice, bob), merged(bob, alice)]) {
      t.is(status.read(all).value, 'closed');
      t.deepEqual(
        status.read(all).candidates.map(({ value, actor }) => [value, actor]),
        [
          ['open', ALICE],
          ['closed', BOB],
        ],
      );
      t.false(status.read(all).open);
      t.is(status.read(status.set(all, 'open')).candidates.length, 1);
    }
  }
});

test('a register has the policy that its service gives it', (t) => {
  const { docs, clock, now } = tickets();
  const priority = new Register<number>('level', {
    now,
    policy: 'priority',
    priorities: [CAROL, ALICE],
  });
  const highest = (claims: readonly DocumentClaim[]): DocumentClaim | undefined =>
    claims.toSorted((a, b) => Number(b.json) - Number(a.json))[0];
  const most = new Register<number>('level', { now, policy: highest });
  const parted = docs.map((doc, i) => {
    clock.nowMs += 5;
    return priority.set(doc, [1, 3, 2][i] ?? 0);
  });
  const all = merged(...parted);
  t.is(priority.read(all).value, 2);
  t.is(most.read(all).value, 3);
  t.is(new Register<number>('level', { now }).read(all).value, 2);
  t.is(new Register<number>('level', { now, policy: () => undefined }).read(all).open, true);
});

test('manual: a register waits for a decision, and reopens for what that had not seen', (t) => {
  const { docs, now } = tickets();
  const status = new Register<string>('status', { now, policy: 'manual' });
  const [alice, bob, carol] = [status.set(docs[0], 'a'), status.set(docs[1], 'b'), status.set(docs[2], 'c')];
  const open = merged(alice, bob);
  t.true(status.read(open).open);
  t.throws(() => status.set(open, 'x'), { code: 'conflict_open' });
  const decided = status.resolve(open, 'b', 'we talked');
  t.deepEqual(
    [status.read(decided).value, status.read(decided).open, status.read(decided).candidates.length],
    ['b', false, 1],
  );
  t.is(status.read(status.set(decided, 'x')).value, 'x');
  const again = merged(decided, carol);
  t.true(status.read(again).open);
  t.false(status.read(status.resolve(again, 'c')).open);
});

test('a set keeps what is added while it is taken away', (t) => {
  const { docs, now } = tickets();
  const labels = new AddWinsSet('labels', { now });
  const both = labels.add(labels.add(docs[0], 'urgent'), 'billing');
  t.deepEqual([...labels.read(both)], ['billing', 'urgent']);
  t.is(labels.add(both, 'urgent'), both);
  const [bob, carol] = [merged(docs[1], both), merged(docs[2], both)];
  const again = labels.add(labels.remove(Automerge.clone(bob, { actor: BOB }), 'urgent'), 'urgent');
  const without = labels.remove(labels.remove(Automerge.clone(carol, { actor: CAROL }), 'urgent'), 'billing');
  t.deepEqual([...labels.read(without)], []);
  t.deepEqual([...labels.read(merged(again, without))], ['urgent']);
});

test('notes are read in one order by everybody', (t) => {
  const { docs, clock, now } = tickets();
  const log = new NoteLog('notes', { now });
  const alice = log.append(docs[0], 'first');
  clock.nowMs += 5;
  const bob = log.append(log.append(docs[1], 'second'), 'third');
  clock.nowMs += 5;
  const both = log.append(merged(alice, bob), 'fourth');
  const texts = log.read(merged(bob, alice, both)).map(({ text }) => text);
  t.deepEqual(texts, ['first', 'second', 'third', 'fourth']);
  t.is(log.read(both).at(-1)?.actor, 'dd');
});

test('names are kept apart, and what else is in the document is passed over', (t) => {
  const { docs, clock, now } = tickets();
  const [status, other] = [new Register<string>('status', { now }), new Register<string>('other', { now })];
  let doc = other.set(status.set(docs[0], 'open'), 'x');
  const saids = [
    '{',
    '[]',
    '{"kind":"set"}',
    '{"about":"","kind":"set","json":1,"stamp":[-1,0],"supersedes":[]}',
  ];
  doc = Automerge.change(doc, (draft) => {
    const members = draft as unknown as Record<string, unknown>;
    for (const [i, said] of saids.entries())
      members[`status/zz/${i}`] = { said: new Automerge.ImmutableString(said) };
    members['status/zz/text'] = 'closed';
    members['status/zz/none'] = {};
  });
  t.is(status.read(doc).value, 'open');
  t.is(other.read(doc).value, 'x');
  t.is(status.read(docs[1]).value, undefined);
  t.throws(() => new Register('status', { now, at: ['gone'] }).set(doc, 'x'), { code: 'bad_request' });
  const late = new Register<string>('status', { now: () => clock.nowMs + 120_000 });
  const ahead = late.set(merged(docs[1]), 'later');
  t.is(status.read(merged(doc, ahead)).value, 'open', 'its time has not come');
});
