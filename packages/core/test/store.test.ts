/** The store: one contract over every disk and index, and the same readings whatever became of the index. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { encodeCbor } from '../dist/cbor.js';
import { LoglineError } from '../dist/errors.js';
import { openDirectoryDisk } from '../dist/node/directory-disk.js';
import { openLevelIndex } from '../dist/node/level-index.js';
import { createRandom } from '../dist/node/system.js';
import type { ArrivalCursor, Storage, StoreRecord } from '../dist/storage.js';
import { INDEX_VERSION } from '../dist/store/rows.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, type DiskSnapshot } from '../dist/testing/memory-disk.js';
import { MemoryIndex, type IndexSnapshot } from '../dist/testing/memory-index.js';
import { storageContract, type StorageUnderTest } from '../dist/testing/storage-contract.js';
import { acceptedEntry, acme, alice, bob, span, tools, Writer } from './forge.js';

const random = createRandom();
/** Small enough that a few commits fill several files. */
const SMALL_FILE = 2000;

async function inMemory(options: { readonly logFileBytes?: number } = {}): Promise<StorageUnderTest> {
  const [disk, index] = [new MemoryDisk(), new MemoryIndex()];
  const open = async (): Promise<Storage> =>
    LogStore.open({ disk, index: index.reopen().index, tools, random, ...options });
  return { storage: await open(), reopen: open, dispose: async () => {} };
}

async function inDirectory(): Promise<StorageUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'logline-store-'));
  const open = async (): Promise<Storage> => {
    const disk = await openDirectoryDisk(join(directory, 'log'));
    const { index } = await openLevelIndex(join(directory, 'index'));
    return LogStore.open({ disk, index, tools, random });
  };
  return {
    storage: await open(),
    reopen: open,
    dispose: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

for (const [where, make] of [
  ['in memory', inMemory],
  ['in memory, over several log files', () => inMemory({ logFileBytes: SMALL_FILE })],
  ['in a directory', inDirectory],
] as const) {
  for (const { title, run } of storageContract(make)) {
    test(`a store ${where}: ${title}`, async (t) => {
      await t.notThrowsAsync(run());
    });
  }
}

/** A machine whose disk and index can be exchanged while its node is down. */
class Machine {
  readonly disk = new MemoryDisk();
  readonly index = new MemoryIndex();
  readonly writers = [new Writer(alice), new Writer(bob)];
  #count = 0;

  open(): Promise<LogStore> {
    return LogStore.open({
      disk: this.disk,
      index: this.index.reopen().index,
      tools,
      random,
      logFileBytes: SMALL_FILE,
    });
  }

  /** Some more entries of both writers, and a fact. */
  async commit(store: Storage, entries = 3): Promise<void> {
    for (let i = 0; i < entries; i++) {
      const n = this.#count++;
      const writer = this.writers[n % 2] ?? this.writers[0];
      const entry = writer?.write({ spans: [span(n), span(1000 + n)] });
      if (entry === undefined) return;
      const records: StoreRecord[] = [{ kind: 'entry', entry: acceptedEntry(entry) }];
      await store.commit([...records, { kind: 'fact', name: 'n', value: Uint8Array.of(n) }]);
    }
  }

  /** Commits in one run, with the index saved at its end. */
  async run(entries: number): Promise<void> {
    const store = await this.open();
    await this.commit(store, entries);
    await store.close();
  }
}

/** Everything a reader may see. */
async function readings(store: LogStore): Promise<unknown> {
  const rows = await store.rows(acme, { from: '', to: '', limit: 10_000 });
  const spans = await Promise.all(rows.map((row) => store.span(row.arrival)));
  return {
    feeds: store.feeds(),
    facts: [...store.facts()],
    counts: [...store.counts()],
    spans: spans.map((one) => one.bytes),
    variants: rows.map((row) => store.variants(acme, row.id)),
    arrivals: (await store.arrivals(0, 10_000_000)).entries,
    entries: store.figures().entries,
  };
}

/** What the index may be like when the node starts again. */
const INDEXES: Readonly<Record<string, (history: readonly IndexSnapshot[]) => IndexSnapshot>> = {
  'as it was left': (history) => history[2] ?? new Map(),
  'one run behind': (history) => history[1] ?? new Map(),
  'two runs behind': (history) => history[0] ?? new Map(),
  absent: () => new Map(),
  'of another version': (history) => withCheckpoint(history[2], [99, 6, 0, 30, 5]),
  'without its checkpoint': (history) => without(history[2], 'c'),
  'with a checkpoint that is no CBOR': (history) =>
    new Map([...(history[2] ?? []), ['c', Uint8Array.of(255)]]),
  'with a checkpoint inside a record': (history) =>
    withCheckpoint(history[2], [INDEX_VERSION, 4, 1000, 1100, 7]),
  'with a checkpoint beyond the end': (history) =>
    withCheckpoint(history[2], [INDEX_VERSION, 4, 1_000_000, 1_000_100, 7]),
  'without one of its feeds': (history) => without(history[2], 'f\0\0\0\0'),
  'with a feed that is none': (history) => new Map([...(history[2] ?? []), ['f\0\0\0\0', Uint8Array.of(1)]]),
  'with a tenant that is none': (history) =>
    new Map([...(history[2] ?? []), ['n\0\0\0\0', Uint8Array.of(1)]]),
};

function withCheckpoint(snapshot: IndexSnapshot | undefined, fields: readonly number[]): IndexSnapshot {
  return new Map([...(snapshot ?? []), ['c', encodeCbor(fields)]]);
}

function without(snapshot: IndexSnapshot | undefined, key: string): IndexSnapshot {
  return new Map([...(snapshot ?? [])].filter(([other]) => other !== key));
}

for (const [what, change] of Object.entries(INDEXES)) {
  test(`an index ${what} makes no difference to what is read`, async (t) => {
    const machine = new Machine();
    const history: IndexSnapshot[] = [];
    for (const entries of [4, 5, 6]) {
      await machine.run(entries);
      history.push(machine.index.snapshot());
    }
    const before = await machine.open();
    const expected = await readings(before);
    await before.close();
    machine.index.restore(change(history));
    const store = await machine.open();
    t.deepEqual(await readings(store), expected);
    await machine.commit(store);
    t.is(store.counts().get(acme), 36);
    await store.close();
  });
}

test('an index ahead of a log that was restored makes no difference, though the log then grows beyond it', async (t) => {
  const machine = new Machine();
  await machine.run(3);
  const backup = machine.disk.snapshot();
  const written = machine.writers.map((writer) => [...writer.written]);
  await machine.run(3);
  const ahead = machine.index.snapshot();
  // The log is put back, and grows on with other entries until it is longer than the index remembers.
  machine.disk.restore(backup);
  machine.index.restore(new Map());
  machine.writers.splice(
    0,
    2,
    new Writer(alice, { history: written[0] ?? [] }),
    new Writer(bob, { history: written[1] ?? [] }),
  );
  await machine.run(6);
  const before = await machine.open();
  const expected = await readings(before);
  await before.close();
  machine.index.restore(ahead);
  const store = await machine.open();
  t.deepEqual(await readings(store), expected);
  await store.close();
});

function known(store: LogStore, cursors: readonly ArrivalCursor[]): Promise<readonly boolean[]> {
  return Promise.all(cursors.map((cursor) => store.knowsCursor(cursor)));
}

test('a restored copy knows the cursors that it wrote, and none of those that were lost', async (t) => {
  const machine = new Machine();
  await machine.run(3);
  const [disk, index]: [DiskSnapshot, IndexSnapshot] = [machine.disk.snapshot(), machine.index.snapshot()];
  const kept = await machine.open();
  const early = kept.cursorAt({ position: 0, index: 1 });
  const atBackup = kept.end();
  await machine.commit(kept);
  const lost = kept.end();
  t.deepEqual(await known(kept, [early, atBackup, lost]), [true, true, true]);
  await kept.close();

  machine.disk.restore(disk);
  machine.index.restore(index);
  const restored = await machine.open();
  t.deepEqual(await known(restored, [early, atBackup, lost]), [true, true, false]);
  // As long as before, but of another run: the places are the same, what stands there is not.
  machine.writers.splice(
    0,
    2,
    new Writer(alice, { epoch: restored.run }),
    new Writer(bob, { epoch: restored.run }),
  );
  await machine.commit(restored);
  await machine.commit(restored);
  t.true(restored.end().position > lost.position);
  t.deepEqual(await known(restored, [early, lost]), [true, false]);
  await restored.close();
});

for (const operation of ['append', 'sync'] as const) {
  test(`after a failed ${operation} nothing more is taken until a restart, and what was there is readable`, async (t) => {
    const machine = new Machine();
    const store = await machine.open();
    await machine.commit(store);
    const expected = await readings(store);
    const entry = acceptedEntry(new Writer(alice, { history: machine.writers[0]?.written ?? [] }).draft());
    machine.disk.failNext(operation, new Error('no space left'));
    const failed = await t.throwsAsync(store.commit([{ kind: 'entry', entry }]), {
      instanceOf: LoglineError,
    });
    t.is(failed?.code, 'disk_failed');
    t.deepEqual(await readings(store), expected, 'nothing that is not durable is readable');
    const refused = await t.throwsAsync(store.commit([{ kind: 'entry', entry }]), {
      instanceOf: LoglineError,
    });
    t.is(refused?.code, 'read_only');
    t.regex(store.figures().readOnly ?? '', /no space left/);
    await store.close();
    const again = await machine.open();
    t.is(again.figures().readOnly, undefined);
    t.true(again.figures().entries >= 3);
    await again.close();
  });
}

test('what was committed in one run is there after a crash, with whatever part of the index is left', async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const machine = new Machine();
    const store = await machine.open();
    await machine.commit(store, 4);
    const expected = await readings(store);
    machine.disk.crash({ random });
    machine.index.crash({ random });
    const again = await machine.open();
    t.deepEqual(await readings(again), expected);
    await again.close();
  }
});
