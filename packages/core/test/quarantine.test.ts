/** What lies at or above a bar is kept, and neither read, counted, told nor served; it comes back when the bar is moved up. */

import test from 'ava';
import fc from 'fast-check';
import { equalBytes } from '../dist/bytes.js';
import { acceptedRanges } from '../dist/holdings.js';
import { LoglineError } from '../dist/errors.js';
import { spansBehindBar } from '../dist/shell/behind-bar.js';
import { BarredNode, keyOf } from './barred-node.js';
import { alice, bob, carol, span, uuid, Writer, type Forged } from './forge.js';

/** Entries of one span each, under these numbers, all in one feed. */
function entries(writer: Writer, numbers: readonly number[], title = 'span'): readonly Forged[] {
  return numbers.map((n) => writer.write({ spans: [span(n, { title: `${title} ${n}` })] }));
}

async function nodeWith(...forged: readonly Forged[]): Promise<BarredNode> {
  const node = await BarredNode.start();
  await node.take(...forged);
  return node;
}

const numbers = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const titles = (list: readonly number[], title = 'span'): readonly string[] =>
  list.map((n) => `${title} ${n}`);

test('from its bar on a feed is not read, not counted and not told, and all of it is listed', async (t) => {
  const forged = entries(new Writer(alice), numbers(1, 6));
  const node = await nodeWith(...forged, ...entries(new Writer(bob), [7]));
  const [first] = forged;
  if (first === undefined) return t.fail();
  const key = keyOf(first);
  await node.bar(key, 4);
  t.deepEqual(await node.reading(), titles([1, 2, 3, 7]));
  t.is(node.count, 4);
  t.false(node.timeline().has(uuid(4)));
  t.is(await node.timeline().get(uuid(5)), undefined);
  t.deepEqual(
    node.told().find((feed) => feed.key === key),
    {
      key,
      ranges: [{ from: 1, to: 3, hash: forged[2]?.hash ?? new Uint8Array(0) }],
      stop: { from: 4, isForked: false },
    },
  );
  t.deepEqual(await node.store.quarantined(), [
    { key, from: 4, to: 6, entries: 3, spans: 3, reason: 'revoked', provisional: false },
  ]);
  t.is(Object.keys(await node.timeline().document()).length, 4);
  await node.close();
});

for (const rebuilt of [false, true]) {
  test(`bars outlive a restart ${rebuilt ? 'without the index' : 'with the index'}`, async (t) => {
    const forged = entries(new Writer(alice), numbers(1, 6));
    const other = entries(new Writer(bob), numbers(7, 9));
    const node = await nodeWith(...forged, ...other);
    const [key, lifted] = [forged[0], other[0]].map((entry) => keyOf(entry ?? t.fail()));
    if (key === undefined || lifted === undefined) return t.fail();
    await node.bar(key, 3, { provisional: true });
    await node.bar(key, 5, { reason: 'rotated' });
    await node.bar(lifted, 1);
    await node.bar(lifted, undefined);
    const seen = async (): Promise<unknown> => [
      node.feeds,
      node.told(),
      node.count,
      await node.store.quarantined(),
      await node.reading(),
      await node.events('start').then((events) => events.map((event) => event.kind)),
    ];
    const before = await seen();
    t.deepEqual(node.feed(key).bar, { from: 5, reason: 'rotated', provisional: false });
    t.deepEqual(await node.reading(), titles([1, 2, 3, 4, 7, 8, 9]));
    await node.restart({ rebuilt });
    t.deepEqual(await seen(), before);
    t.deepEqual(await node.take(forged[5] ?? t.fail()), ['not_yet']);
    await node.close();
  });
}

test('an entry at or above the bar is not stored, whether its place is held or not', async (t) => {
  const writer = new Writer(alice);
  const forged = entries(writer, numbers(1, 4));
  const node = await nodeWith(...forged.slice(0, 3));
  const [, , third, fourth] = forged;
  if (third === undefined || fourth === undefined) return t.fail();
  await node.bar(keyOf(third), 3);
  const { entries: held } = node.store.figures();
  const other = new Writer(alice, { history: forged.slice(0, 2) }).draft({ spans: [span(99)] });
  t.deepEqual(await node.take(third, fourth, other), ['not_yet', 'not_yet', 'not_yet']);
  t.is(node.store.figures().entries, held);
  t.is(node.feed(keyOf(third)).forkedAt, undefined);
  await node.bar(keyOf(third), 4);
  t.deepEqual(await node.take(third, fourth), ['held', 'not_yet']);
  await node.bar(keyOf(third), undefined);
  t.deepEqual(await node.take(fourth), ['accepted']);
  await node.close();
});

test('pages pass over quarantined spans, however many lie between', async (t) => {
  const kept = entries(new Writer(alice), [1, 600, 1200]);
  const fallen = new Writer(bob);
  const many = fallen.write({ spans: numbers(2, 599).map((n) => span(n)) });
  const more = fallen.write({ spans: numbers(601, 1199).map((n) => span(n)) });
  const node = await nodeWith(...kept, many, more);
  t.is((await node.reading(1)).length, 1200);
  await node.bar(keyOf(many), 1);
  for (const limit of [1, 2, 3, 1000])
    t.deepEqual(await node.reading(limit), titles([1, 600, 1200]), `${limit}`);
  await node.bar(keyOf(many), 2);
  for (const limit of [1, 7, 600]) t.deepEqual(await node.reading(limit), titles([...numbers(1, 600), 1200]));
  await node.close();
});

test('of an id held in an accepted and in a quarantined body only the accepted one is read', async (t) => {
  const early = { ms: 1, count: 0 };
  const good = new Writer(alice).write({ spans: [span(1, { title: 'good' })], stamp: early });
  const bad = new Writer(bob).write({
    spans: [span(1, { title: 'bad', timestamp: '2030-01-01T00:00:00Z' })],
  });
  const node = await nodeWith(good, bad);
  t.deepEqual(await node.reading(), ['bad']);
  await node.bar(keyOf(bad), 1);
  t.deepEqual(await node.reading(), ['good']);
  t.true(node.timeline().has(uuid(1)));
  await node.bar(keyOf(good), 1);
  t.deepEqual(await node.reading(), []);
  t.deepEqual([...node.store.counts()], [], 'the tenant looks like one that nothing is known of');
  await node.bar(keyOf(bad), undefined);
  t.deepEqual(await node.reading(), ['bad']);
  await node.close();
});

test('a span whose id is only in quarantine is new to its writers, and counted', async (t) => {
  const [bad] = entries(new Writer(bob), [1, 2], 'bad');
  const node = await nodeWith(bad ?? t.fail());
  t.deepEqual(await node.append(span(1)), ['conflict']);
  await node.bar(keyOf(bad ?? t.fail()), 1);
  t.deepEqual(await node.append(span(1, { title: 'bad 1' }), span(2)), ['conflict', 'accepted']);
  await node.close();
  const fresh = await nodeWith(bad ?? t.fail());
  await fresh.bar(keyOf(bad ?? t.fail()), 1);
  t.is(fresh.count, 0);
  t.deepEqual(await fresh.append(span(1, { title: 'bad 1' })), ['accepted'], 'the same content too');
  t.is(fresh.count, 1);
  t.deepEqual(await fresh.reading(), ['bad 1']);
  await fresh.close();
});

test('a lower fork counts before a higher bar, and a lower bar before a higher fork', async (t) => {
  const forged = entries(new Writer(alice), numbers(1, 6));
  const branch = new Writer(alice, { history: forged.slice(0, 3) }).write({ spans: [span(99)] });
  const node = await nodeWith(...forged);
  const key = keyOf(branch);
  await node.bar(key, 6);
  t.deepEqual(await node.take(branch), ['fork']);
  t.deepEqual(await node.reading(), titles([1, 2, 3]));
  t.is(node.told()[0]?.ranges[0]?.to, 3);
  t.deepEqual(node.told()[0]?.stop, { from: 4, isForked: true });
  await node.bar(key, 2);
  t.deepEqual(await node.reading(), titles([1]));
  t.deepEqual(node.told()[0]?.stop, { from: 2, isForked: false });
  t.is((await node.store.quarantined())[0]?.spans, 5);
  await node.bar(key, undefined);
  t.deepEqual(await node.reading(), titles([1, 2, 3]), 'the fork is its own fact');
  t.deepEqual(
    (await node.store.quarantined()).map(({ from, to, reason, spans }) => ({ from, to, reason, spans })),
    [{ from: 4, to: 6, reason: 'forked', spans: 3 }],
  );
  const proof = await node.store.forkProof(key);
  t.deepEqual(
    proof.map((bytes) => [...bytes]),
    [forged[3], branch].map((one) => [...(one?.bytes ?? [])]),
  );
  await node.close();
});

test('what lies behind a fork can be read by its keeper, and appended again', async (t) => {
  const forged = entries(new Writer(alice), numbers(1, 5));
  const branch = new Writer(alice, { history: forged.slice(0, 2) }).write({ spans: [span(99)] });
  const node = await nodeWith(...forged);
  await node.take(branch);
  t.deepEqual(await node.reading(), titles([1, 2]));
  const behind = [];
  for await (const entry of spansBehindBar(node.feed(keyOf(branch)), node.store)) behind.push(entry);
  t.deepEqual(
    behind.map(({ seq }) => seq),
    [3, 4, 5],
  );
  const outcomes = await node.append(...behind.flatMap(({ spans }) => spans));
  t.deepEqual(outcomes, ['accepted', 'accepted', 'accepted']);
  t.deepEqual(await node.reading(), titles(numbers(1, 5)));
  t.is(node.count, 5);
  await node.close();
});

test('a node whose own feed has forked takes no new spans until it starts again', async (t) => {
  const node = await BarredNode.start();
  await node.append(span(1), span(2));
  const twin = new Writer(carol, { epoch: node.store.run });
  t.deepEqual(await node.take(twin.write({ spans: [span(9)] })), ['fork']);
  t.deepEqual(await node.reading(), []);
  const refused = await t.throwsAsync(node.append(span(1)), { instanceOf: LoglineError });
  t.is(refused?.code, 'read_only');
  t.regex(refused?.message ?? '', /restart this node/);
  await node.restart();
  t.deepEqual(await node.append(span(1), span(2)), ['accepted', 'accepted']);
  t.deepEqual(await node.reading(), titles([1, 2]));
  await node.close();
});

test('what is told of a barred feed ends below the bar with the hash that stands there, whatever came in which order', async (t) => {
  const writer = new Writer(alice);
  const forged = numbers(1, 5).map((n) => writer.write({ doc: n, spans: [span(n)] }));
  const step = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ bar: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }) }),
    fc.record({ restart: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const node = await BarredNode.start();
      const [first] = forged;
      const key = keyOf(first ?? t.fail());
      const held = new Set<number>();
      let bar = Number.POSITIVE_INFINITY;
      for (const one of steps) {
        if ('restart' in one) await node.restart({ rebuilt: one.restart });
        else if ('bar' in one) {
          await node.bar(key, one.bar);
          bar = one.bar ?? Number.POSITIVE_INFINITY;
        } else {
          const [kind] = await node.take(forged[one.take - 1] ?? t.fail());
          t.is(kind, one.take >= bar ? 'not_yet' : held.has(one.take) ? 'held' : 'accepted');
          if (kind === 'accepted') held.add(one.take);
        }
        const told = acceptedRanges(node.feed(key));
        const seqs = told.flatMap((range) => numbers(range.from, range.to));
        t.deepEqual(
          seqs,
          [...held].filter((seq) => seq < bar).sort((a, b) => a - b),
        );
        for (const { to, hash } of told) t.true(equalBytes(hash, forged[to - 1]?.hash ?? new Uint8Array(0)));
        t.is(node.count, seqs.length);
        t.deepEqual(await node.reading(), titles(seqs));
        const [listed] = await node.store.quarantined();
        t.is(listed?.entries ?? 0, held.size - seqs.length);
        t.is(listed?.spans ?? 0, held.size - seqs.length);
      }
      t.deepEqual(node.store.feeds(), node.feeds);
      await node.close();
    }),
    { numRuns: 200 },
  );
});
