/** What the store holds of annotations: found by span, bounded for each feed, barred and uncovered with it, and contested where origins meet. */

import test from 'ava';
import type { Assertion } from '../dist/assertion.js';
import { toHex } from '../dist/bytes.js';
import { annotationsScope } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import type { Storage } from '../dist/storage.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acceptedEntry, acme, alice, bob, epoch, seeded, span, tools, Writer, type Forged } from './forge.js';

const ID = span(1).id;
const OTHER = span(2).id;
const CONFIG = new Uint8Array(32);

class Shelf {
  store: LogStore;
  readonly #disk: MemoryDisk;
  #index: MemoryIndex;

  private constructor(store: LogStore, disk: MemoryDisk, index: MemoryIndex) {
    this.store = store;
    this.#disk = disk;
    this.#index = index;
  }

  static async open(): Promise<Shelf> {
    const [disk, index] = [new MemoryDisk(), new MemoryIndex()];
    return new Shelf(await openStore(disk, index), disk, index);
  }

  async put(...entries: readonly Forged[]): Promise<void> {
    await this.store.commit(entries.map((entry) => ({ kind: 'entry', entry: acceptedEntry(entry) })));
  }

  /** From the log alone. */
  async rebuilt(): Promise<void> {
    this.#index = new MemoryIndex();
    await this.restarted();
  }

  /** With the rows out of memory. */
  async restarted(): Promise<void> {
    await this.store.close();
    this.#index.reopen();
    this.store = await openStore(this.#disk, this.#index);
  }

  async bar(entry: Forged, from: number | undefined): Promise<void> {
    const bar = from === undefined ? undefined : { from, reason: 'revoked' as const, provisional: false };
    const withheld = { clip: undefined, entries: 0, spans: 0 };
    const { key } = acceptedEntry(entry);
    await this.store.commit([{ kind: 'bar', key, bar, withheld }]);
  }

  async about(id = ID): Promise<readonly string[]> {
    const placed = await this.store.annotations.about(acme, id);
    return placed.map(({ assertion }) => `${assertion.field} ${assertion.value}`).sort();
  }
}

function openStore(disk: MemoryDisk, index: MemoryIndex): Promise<LogStore> {
  return LogStore.open({ disk, index, tools, random: seeded(1) });
}

function annotator(keyPair = alice, run = 1): Writer {
  return new Writer(keyPair, { scope: annotationsScope(acme), epoch: epoch(run) });
}

function set(field: string, value: string, id = ID): Assertion {
  return { span: id, op: 'set', field: `metadata.${field}`, value: JSON.stringify(value), supersedes: [] };
}

function tag(value: string): Assertion {
  return { span: ID, op: 'add', field: 'tags', value, supersedes: [] };
}

test('what is said of a span is found at once, after a restart, and from the log alone', async (t) => {
  const shelf = await Shelf.open();
  const a = annotator();
  const first = a.write({ assertions: [set('a', '1'), set('b', '2', OTHER)] });
  const second = annotator(bob).write({ assertions: [tag('hot')], stamp: { ms: 77, count: 3 } });
  await shelf.put(first, second);
  for (const look of [() => Promise.resolve(), () => shelf.restarted(), () => shelf.rebuilt()]) {
    await look();
    t.deepEqual(await shelf.about(), ['metadata.a "1"', 'tags hot']);
    t.deepEqual(await shelf.about(OTHER), ['metadata.b "2"']);
    const placed = await shelf.store.annotations.about(acme, ID);
    t.like(
      placed.find(({ assertion }) => assertion.field === 'tags'),
      { origin: bob.publicKey, epoch: epoch(1), seq: 1, stamp: { ms: 77, count: 3 } },
    );
    const refs = placed.map(({ ref }) => `${toHex(ref.hash)}.${ref.index}`);
    t.deepEqual(refs.sort(), [first, second].map(({ hash }) => `${toHex(hash)}.0`).sort());
    t.true(shelf.store.annotations.has(acme, OTHER));
    t.false(shelf.store.annotations.has(acme, span(3).id));
    t.deepEqual([...shelf.store.counts()], [], 'a tenant without spans is none that readers know of');
  }
});

test('a bar takes what lies behind it, uncovers what it had replaced, and gives it back when it is lifted', async (t) => {
  const shelf = await Shelf.open();
  const a = annotator();
  const entries = ['1', '2', '3'].map((value) => a.write({ assertions: [set('a', value)] }));
  await shelf.put(...entries);
  const [entry = t.fail()] = entries;
  await shelf.bar(entry, 3);
  t.deepEqual(await shelf.about(), ['metadata.a "1"', 'metadata.a "2"']);
  await shelf.restarted();
  await shelf.bar(entry, 1);
  t.deepEqual(await shelf.about(), []);
  await shelf.rebuilt();
  t.deepEqual(await shelf.about(), []);
  await shelf.bar(entry, undefined);
  t.is((await shelf.about()).length, 3);
});

test('of one feed about one field the latest count, whatever else it says, and of another feed all the same', async (t) => {
  const shelf = await Shelf.open();
  const many = LIMITS.assertionsPerField * 9;
  const a = annotator();
  const said = a.write({ assertions: [set('state', 'done')] });
  const counted = Array.from({ length: many }, (_, n) => a.write({ assertions: [set('count', `${n}`)] }));
  await shelf.put(said, ...counted, annotator(bob).write({ assertions: [set('count', 'bob')] }));
  await shelf.put(annotator(alice, 2).write({ assertions: [set('count', 'again')] }));
  const about = await shelf.about();
  t.is(about.length, LIMITS.assertionsPerField + 3);
  t.true(about.includes('metadata.state "done"'));
  t.true(about.includes(`metadata.count "${many - 1}"`));
  t.false(about.includes(`metadata.count "${many - 1 - LIMITS.assertionsPerField}"`));
  t.true(about.includes('metadata.count "bob"'));
  t.true(about.includes('metadata.count "again"'));
  // Behind a bar older ones count again, as if the rest had never come.
  await shelf.bar(said, 11);
  t.is((await shelf.about()).length, 9 + 3);
  await shelf.restarted();
  t.is((await shelf.about()).length, 9 + 3);
});

test('however many fields and tags one feed speaks of, what others say is found, and what it said before its bar', async (t) => {
  const shelf = await Shelf.open();
  const flood = annotator(alice);
  const honest = flood.write({ assertions: [set('mine', 'x')] });
  const tags = Array.from({ length: 9 }, (_, i) =>
    flood.write({ assertions: Array.from({ length: 200 }, (_, n) => tag(`${i}-${n}`)) }),
  );
  await shelf.put(honest, ...tags, annotator(bob).write({ assertions: [set('mine', 'y')] }));
  const about = await shelf.about();
  t.is(about.length, LIMITS.assertedFields + 1);
  t.true(about.includes('metadata.mine "y"'));
  await shelf.bar(honest, 2);
  t.deepEqual(await shelf.about(), ['metadata.mine "x"', 'metadata.mine "y"']);
});

test('a field is contested once two origins speak of it, and looked at again with each word more', async (t) => {
  const shelf = await Shelf.open();
  const [a, b] = [annotator(), annotator(bob)];
  await shelf.put(
    a.write({ assertions: [set('a', '1'), tag('x')] }),
    a.write({ assertions: [set('a', '2')] }),
  );
  await shelf.put(
    annotator(alice, 2).write({ assertions: [set('a', '3')] }),
    b.write({ assertions: [tag('x')] }),
  );
  t.deepEqual(await contested(shelf.store), []);
  await shelf.put(b.write({ assertions: [set('a', '4'), set('b', '4')] }));
  t.deepEqual(await contested(shelf.store), [['metadata.a', 1, undefined]]);
  t.deepEqual(
    shelf.store.annotations.takeTouched()?.map(({ field }) => field),
    ['metadata.a'],
  );
  t.deepEqual(shelf.store.annotations.takeTouched(), []);
  const place = { tenant: acme, span: ID, field: 'metadata.a' };
  const verdict = { state: 'open', config: CONFIG, touches: 1, sinceMs: 3, recheckAtMs: 5 } as const;
  t.is(shelf.store.annotations.keepVerdict(place, verdict), undefined);
  await shelf.put(a.write({ assertions: [set('a', '5')] }));
  t.deepEqual(await contested(shelf.store), [['metadata.a', 2, 'open']]);
  t.deepEqual(shelf.store.annotations.keepVerdict(place, { ...verdict, touches: 2 }), verdict);
  await shelf.rebuilt();
  t.deepEqual(
    await contested(shelf.store),
    [['metadata.a', 2, undefined]],
    'what was found is not in the log',
  );
});

test('bodies of two origins under one id are contested, those of one are not', async (t) => {
  const shelf = await Shelf.open();
  const a = new Writer(alice);
  await shelf.put(a.write({ spans: [span(1)] }), a.write({ spans: [span(1, { title: 'again' }), span(2)] }));
  t.deepEqual(await contested(shelf.store), []);
  await shelf.put(new Writer(bob).write({ spans: [span(1, { title: 'bob' })] }));
  t.deepEqual(await contested(shelf.store), [['identity', 1, undefined]]);
});

test('contested fields come in pages, and those of one span alone where it is named', async (t) => {
  const shelf = await Shelf.open();
  for (const writer of [annotator(), annotator(bob)]) {
    const assertions = [1, 2, 3, 4, 5].flatMap((n) => ['a', 'b'].map((field) => set(field, 'x', span(n).id)));
    await shelf.put(writer.write({ assertions }));
  }
  const { annotations } = shelf.store;
  const first = await annotations.contested(acme, { limit: 3 });
  const rest = await annotations.contested(acme, { limit: 99, after: first.at(-1) });
  const places = [...first, ...rest].map((row) => row.span + row.field);
  t.is(first.length, 3);
  t.is(new Set(places).size, 10);
  t.deepEqual(
    (await annotations.contested(acme, { limit: 9, span: OTHER })).map((row) => row.span),
    [OTHER, OTHER],
  );
});

async function contested(
  store: Storage,
): Promise<readonly (readonly [string, number, string | undefined])[]> {
  const rows = await store.annotations.contested(acme, { limit: 10 });
  return rows.map(({ field, touches, verdict }) => [field, touches, verdict?.state]);
}
