/** The bodies that the store tells apart under one id: the same whatever came first, and no stamp pushes honest ones out. */

import test from 'ava';
import { LIMITS } from '../dist/limits.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acme, acceptedEntry, alice, bob, NOON_MS, seeded, span, tools, Writer } from './forge.js';

const YEAR_9999_MS = 253_402_300_799_999;
const ID = span(1).id;
const HORIZON_MS = NOON_MS + LIMITS.clockSkewMs;

type Entry = ReturnType<Writer['write']>;

function bodies(writer: Writer, stampsMs: readonly number[]): readonly Entry[] {
  return stampsMs.map((ms) =>
    writer.write({ spans: [span(1, { title: `signed at ${ms}` })], stamp: { ms, count: 0 } }),
  );
}

function stamps(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** The stamps of the bodies that a store at noon keeps, in its order. */
async function keptStamps(...entries: readonly Entry[]): Promise<readonly number[]> {
  const store = await LogStore.open({
    disk: new MemoryDisk(),
    index: new MemoryIndex(),
    tools,
    random: seeded(1),
    clock: { now: () => NOON_MS },
  });
  for (const entry of entries) await store.commit([{ kind: 'entry', entry: acceptedEntry(entry) }]);
  const kept = store.variants(acme, ID).map((variant) => variant.header.stamp.ms);
  await store.close();
  return kept;
}

test('of more bodies than are told apart those with the latest stamps are kept, in any order of arrival', async (t) => {
  const most = LIMITS.spanVariants;
  const entries = bodies(new Writer(alice), stamps(NOON_MS - 1000, most + 6));
  const latest = stamps(NOON_MS - 1000, most + 6)
    .slice(6)
    .reverse();
  t.deepEqual(await keptStamps(...entries), latest);
  t.deepEqual(await keptStamps(...[...entries].reverse()), latest);
});

test('bodies signed in the future push out no honest one, whichever came first', async (t) => {
  const honest = bodies(new Writer(alice), [NOON_MS - 2, NOON_MS - 1, HORIZON_MS]);
  const ahead = bodies(new Writer(bob), stamps(YEAR_9999_MS - 100, LIMITS.spanVariants + 6));
  for (const order of [
    [...honest, ...ahead],
    [...ahead, ...honest],
  ]) {
    const kept = await keptStamps(...order);
    t.is(kept.length, LIMITS.spanVariants);
    t.deepEqual(kept.slice(-3), [HORIZON_MS, NOON_MS - 1, NOON_MS - 2]);
    t.is(kept.at(-4), YEAR_9999_MS - 100, 'of those ahead, the ones whose time comes first');
  }
});

test('many bodies of one origin push out none of another, in any order of arrival', async (t) => {
  const most = LIMITS.spanVariants;
  const honest = bodies(new Writer(alice), [NOON_MS - 9000, NOON_MS - 8000]);
  const many = bodies(new Writer(bob), stamps(NOON_MS - 1000, most + 9));
  const latest = [...stamps(NOON_MS - 1000, most + 9)].reverse();
  for (const order of [
    [...honest, ...many],
    [...many, ...honest],
    [...many.slice(0, 40), ...honest, ...many.slice(40)],
  ])
    t.deepEqual(await keptStamps(...order), [...latest.slice(0, most - 2), NOON_MS - 8000, NOON_MS - 9000]);
});
