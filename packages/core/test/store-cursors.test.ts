/** Places in the order of arrival: which ones a store knows again after a restart, a restore, or a lie. */

import test from 'ava';
import type { ArrivalCursor } from '../dist/storage.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acceptedEntry, alice, epoch, seeded, span, tools, Writer } from './forge.js';

/** A data directory in memory; each start is another run. */
class Directory {
  readonly disk = new MemoryDisk();
  readonly index = new MemoryIndex();
  #starts = 0;

  open(): Promise<LogStore> {
    const { index } = this.index.reopen();
    return LogStore.open({ disk: this.disk, index, tools, random: seeded(++this.#starts) });
  }

  /** One more start, which appends some spans as one entry and ends; returns what `look` sees before the end. */
  async append<T>(numbers: readonly number[], look: (store: LogStore, position: number) => T): Promise<T> {
    const store = await this.open();
    const writer = new Writer(alice, { epoch: epoch(this.#starts) });
    const forged = writer.write({ spans: numbers.map((n) => span(n)) });
    const [position = 0] = await store.commit([{ kind: 'entry', entry: acceptedEntry(forged) }]);
    const seen = look(store, position);
    await store.close();
    return seen;
  }
}

const end = (store: LogStore): ArrivalCursor => store.end();

test('the end of what was there is still known when a later run has written on from it', async (t) => {
  const directory = new Directory();
  await directory.append([1], end);
  const store = await directory.open();
  const cursor = store.end();
  t.true(await store.knowsCursor(cursor));
  await store.close();
  await directory.append([2], end);
  const later = await directory.open();
  t.true(await later.knowsCursor(cursor));
  await later.close();
});

test('the end of an empty store is known once something is there', async (t) => {
  const directory = new Directory();
  const store = await directory.open();
  const cursor = store.end();
  await store.close();
  await directory.append([1], end);
  const later = await directory.open();
  t.true(await later.knowsCursor(cursor));
  await later.close();
});

test('what a run wrote after the copy was made is unknown to the restored copy, its end is known', async (t) => {
  const directory = new Directory();
  const kept = await directory.append([1], end);
  const copy = { disk: directory.disk.snapshot(), index: directory.index.snapshot() };
  const lost = await directory.append([2], (store, position) => [
    store.cursorAt({ position, index: 1 }),
    store.end(),
  ]);
  directory.disk.restore(copy.disk);
  directory.index.restore(copy.index);
  await directory.append([3], end);
  const store = await directory.open();
  t.true(await store.knowsCursor(kept));
  for (const cursor of lost) t.false(await store.knowsCursor(cursor), `position ${cursor.position}`);
  await store.close();
});

test('places behind each span are known, and places that are no beginning of a record are not', async (t) => {
  const directory = new Directory();
  const places = await directory.append([1, 2, 3], (store, position) => ({
    position,
    reached: store.end().position,
    honest: [0, 1, 2, 3].map((index) => store.cursorAt({ position, index })),
  }));
  const store = await directory.open();
  for (const cursor of places.honest) t.true(await store.knowsCursor(cursor), `index ${cursor.index}`);
  for (let position = places.position + 1; position < places.reached; position++)
    t.false(await store.knowsCursor(store.cursorAt({ position, index: 0 })), `position ${position}`);
  t.false(await store.knowsCursor(store.cursorAt({ position: places.reached + 1, index: 0 })));
  await store.close();
});
