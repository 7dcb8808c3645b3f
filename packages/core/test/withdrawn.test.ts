/** Followers are told what a bar withdraws and what a moved bar restores, wherever their cursor stands. */

import test from 'ava';
import fc from 'fast-check';
import type { FollowEvent } from '../dist/shell/timeline.js';
import { BarredNode, inShort, keyOf, titleOf } from './barred-node.js';
import { alice, bob, carol, span, uuid, Writer, type Forged } from './forge.js';

/** An entry of spans with these numbers, each with the title `<who><number>`. */
function write(writer: Writer, who: string, ...numbers: readonly number[]): Forged {
  return writer.write({ spans: numbers.map((n) => span(n, { title: `${who}${n}` })) });
}

/** A reader that keeps every body it was given, until its id is withdrawn. */
class Keeper {
  readonly bodies = new Map<string, Set<string>>();
  cursor: string;

  constructor(cursor = 'start') {
    this.cursor = cursor;
  }

  take(events: readonly FollowEvent[]): void {
    for (const event of events) {
      this.cursor = event.cursor;
      if (event.kind === 'reset') this.bodies.clear();
      else if (event.kind === 'withdrawn') this.bodies.delete(event.id);
      else if (event.kind === 'span' || event.kind === 'restored')
        this.bodies.set(event.id, (this.bodies.get(event.id) ?? new Set()).add(titleOf(event.span)));
    }
  }

  get all(): readonly string[] {
    return [...this.bodies].flatMap(([id, titles]) => [...titles].map((title) => `${id} ${title}`)).sort();
  }
}

async function nodeWith(...forged: readonly Forged[]): Promise<BarredNode> {
  const node = await BarredNode.start();
  for (const one of forged) await node.take(one);
  return node;
}

test('a follower behind a bar is told of each span that it withdraws, and of none that came later', async (t) => {
  const [a, b] = [new Writer(alice), new Writer(bob)];
  const [a1, a2, b1] = [write(a, 'a', 1), write(a, 'a', 2, 3), write(b, 'b', 4)];
  const node = await nodeWith(a1, a2, b1);
  const old = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.bar(keyOf(a1), 2);
  await node.take(write(b, 'b', 5));
  t.deepEqual(inShort(await node.events(old)), ['-2', '-3', '+b5']);
  t.deepEqual(
    inShort(await node.events('start')),
    ['+a1', '+b4', '-2', '-3', '+b5'],
    'what is quarantined is skipped',
  );
  await node.restart({ rebuilt: true });
  t.deepEqual(inShort(await node.events(old)), ['-2', '-3', '+b5'], 'after a restart without the index');
  await node.close();
});

test('a bar that moves up restores what lies below it, in order of its feed, and lifting it the rest', async (t) => {
  const a = new Writer(alice);
  const forged = [write(a, 'a', 9), write(a, 'a', 3, 7), write(a, 'a', 1), write(a, 'a', 2)];
  const node = await nodeWith(...forged);
  const key = keyOf(forged[0] ?? t.fail());
  const start = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  const keeper = new Keeper(start);
  const seen = async (from: number | undefined): Promise<readonly string[]> => {
    await node.bar(key, from);
    const events = await node.events(keeper.cursor);
    keeper.take(events);
    return inShort(events);
  };
  t.deepEqual(await seen(1), ['-9', '-3', '-7', '-1', '-2']);
  // What was told last of a bar is told again behind its cursor: one more time harms nobody.
  t.deepEqual((await seen(3)).slice(-3), ['*a9', '*a3', '*a7']);
  t.deepEqual((await seen(undefined)).slice(-2), ['*a1', '*a2']);
  t.deepEqual(
    inShort(await node.events(start)),
    ['*a9', '*a3', '*a7', '*a1', '*a2'],
    'nothing is withdrawn by now',
  );
  await node.bar(key, 2);
  const late = inShort(await node.events(start));
  t.deepEqual(
    late,
    ['-3', '-7', '-1', '-2', '*a9', '-3', '-7', '-1', '-2'],
    'what is barred again is not read',
  );
  await node.close();
});

test('a bar that names another reason, and one above all that is held, tells nobody anything', async (t) => {
  const a1 = write(new Writer(alice), 'a', 1);
  const node = await nodeWith(a1);
  const cursor = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.bar(keyOf(a1), 5, { provisional: true });
  await node.bar(keyOf(a1), 5, { reason: 'rotated' });
  t.deepEqual(await node.events(cursor), []);
  await node.close();
});

test('what came after a bar had gone is neither withdrawn nor restored by it', async (t) => {
  const a = new Writer(alice);
  const a1 = write(a, 'a', 1);
  const node = await nodeWith(a1);
  const cursor = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.bar(keyOf(a1), 2);
  await node.bar(keyOf(a1), undefined);
  await node.take(write(a, 'a', 2));
  t.deepEqual(inShort(await node.events(cursor)), ['+a2']);
  await node.close();
});

test('withdrawing one of two bodies under an id leaves the follower with the other', async (t) => {
  const [a1, b1] = [write(new Writer(alice), 'a', 1), write(new Writer(bob), 'b', 1)];
  const node = await nodeWith(a1, b1);
  const cursor = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.bar(keyOf(b1), 1);
  t.deepEqual(inShort(await node.events(cursor)), ['-1', '*a1']);
  await node.close();
});

test('a span whose very content another origin holds too is not withdrawn', async (t) => {
  const [a1, b1] = [write(new Writer(alice), 'x', 1), write(new Writer(bob), 'x', 1)];
  const node = await nodeWith(a1, b1);
  t.deepEqual(inShort(await node.events('start')), ['+x1']);
  const cursor = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.bar(keyOf(a1), 1);
  t.deepEqual(inShort(await node.events(cursor)), ['+x1'], 'the body of the other comes in its own turn');
  await node.bar(keyOf(b1), 1);
  t.deepEqual(inShort(await node.events(cursor)), ['-1', '-1']);
  await node.close();
});

test('a follower goes on in the middle of what a bar withdraws', async (t) => {
  const a = new Writer(alice);
  const forged = [1, 2, 3, 4].map((n) => write(a, 'a', 2 * n, 2 * n + 1));
  const node = await nodeWith(...forged);
  const cursor = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.bar(keyOf(forged[0] ?? t.fail()), 1);
  const [all, first] = [inShort(await node.events(cursor)), await node.events(cursor, 5)];
  t.is(all.length, 8);
  const rest = inShort(await node.events(first.at(-1)?.cursor ?? ''));
  t.deepEqual(rest, all.slice(4), 'from the entry that was under way on');
  await node.close();
});

test('a fork withdraws from the first entry that differs on', async (t) => {
  const a = new Writer(alice);
  const forged = [write(a, 'a', 1), write(a, 'a', 2), write(a, 'a', 3)];
  const branch = write(new Writer(alice, { history: forged.slice(0, 1) }), 'x', 9);
  const node = await nodeWith(...forged);
  const cursor = (await node.events('start')).at(-1)?.cursor ?? t.fail();
  await node.take(branch);
  t.deepEqual(inShort(await node.events(cursor)), ['-2', '-3']);
  await node.close();
});

test('a follower that stopped behind a withdrawal has the other body, though the bar is lifted meanwhile', async (t) => {
  const [c, a] = [new Writer(carol), new Writer(alice)];
  const barred = c.write({ spans: [span(1, { title: 'c' })] });
  const node = await nodeWith(barred, a.write({ spans: [span(1, { title: 'a' })] }));
  const keeper = new Keeper();
  await node.bar(keyOf(barred), 1);
  keeper.take(await node.events(keeper.cursor, 2));
  t.deepEqual(keeper.all, []);
  await node.bar(keyOf(barred), undefined);
  keeper.take(await node.events(keeper.cursor));
  t.deepEqual(keeper.all, [`${uuid(1)} a`, `${uuid(1)} c`]);
  await node.close();
});

test('whoever follows, with whatever breaks, ends with exactly the accepted bodies', async (t) => {
  const people = [alice, bob, carol];
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        by: fc.nat(2),
        ids: fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }),
        same: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        bar: fc.nat(2),
        from: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ follow: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ rebuilt: fc.boolean() }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
      const node = await BarredNode.start();
      const writers = people.map((person) => new Writer(person));
      const bars = [1, 2, 3].map(() => Number.POSITIVE_INFINITY);
      const written: { readonly by: number; readonly seq: number; readonly bodies: readonly string[] }[] = [];
      const keeper = new Keeper();
      for (const one of steps) {
        if ('rebuilt' in one) await node.restart(one);
        else if ('follow' in one) keeper.take(await node.events(keeper.cursor, one.follow));
        else if ('bar' in one) {
          const writer = writers[one.bar];
          const [first] = writer?.written ?? [];
          if (first === undefined) continue;
          await node.bar(keyOf(first), one.from);
          bars[one.bar] = one.from ?? Number.POSITIVE_INFINITY;
        } else {
          const writer = writers[one.by];
          const ids = [...new Set(one.ids)];
          const title = (n: number): string => (one.same ? `same${n}` : `${one.by}${n}`);
          const draft = { spans: ids.map((n) => span(n, { title: title(n) })) };
          const entry = writer?.draft(draft) ?? t.fail();
          if ((await node.take(entry))[0] !== 'accepted') continue;
          writer?.write(draft);
          const bodies = ids.map((n) => `${uuid(n)} ${title(n)}`);
          written.push({ by: one.by, seq: entry.header.seq, bodies });
        }
      }
      keeper.take(await node.events(keeper.cursor));
      const accepted = written.filter(({ by, seq }) => seq < (bars[by] ?? 0)).flatMap(({ bodies }) => bodies);
      t.deepEqual(keeper.all, [...new Set(accepted)].sort());
      const ids = new Set(accepted.map((body) => body.slice(0, 36)));
      t.is((await node.reading()).length, ids.size);
      await node.close();
    }),
    { numRuns: 300 },
  );
});
