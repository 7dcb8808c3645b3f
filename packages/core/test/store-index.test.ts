/** The index is derived: one that belongs to another history changes neither the log nor what is read from it. */

import test, { type ExecutionContext } from 'ava';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, type DiskSnapshot } from '../dist/testing/memory-disk.js';
import { MemoryIndex, type IndexSnapshot } from '../dist/testing/memory-index.js';
import { acme, acceptedEntry, alice, epoch, seeded, span, tools, uuid, Writer } from './forge.js';
import type { StoreRecord } from '../dist/storage.js';
import { parseSpanId } from '../dist/span.js';

interface Copy {
  readonly disk: DiskSnapshot;
  readonly index: IndexSnapshot;
}

/** A data directory in memory whose folders are copied and put back by hand. */
class Directory {
  readonly #disk = new MemoryDisk();
  readonly #index = new MemoryIndex();
  #starts = 0;

  open(): Promise<LogStore> {
    const { index } = this.#index.reopen();
    return LogStore.open({ disk: this.#disk, index, tools, random: seeded(++this.#starts) });
  }

  /** One start that commits records together, one append after the other, and ends in order. */
  async write(...appends: readonly (readonly StoreRecord[])[]): Promise<void> {
    const store = await this.open();
    for (const records of appends) await store.commit(records);
    await store.close();
  }

  get copy(): Copy {
    return { disk: this.#disk.snapshot(), index: this.#index.snapshot() };
  }

  putBack(copy: Partial<Copy>): void {
    if (copy.disk !== undefined) this.#disk.restore(copy.disk);
    if (copy.index !== undefined) this.#index.restore(copy.index);
  }

  /** Under which of the first ids a span is found, and its title. */
  async titles(most: number): Promise<readonly string[]> {
    const store = await this.open();
    const titles: string[] = [];
    for (let n = 1; n <= most; n++) {
      const id = parseSpanId(uuid(n));
      const [body] = id === undefined ? [] : store.variants(acme, id);
      if (body === undefined) continue;
      const { title } = (await store.span(body.arrival)).members;
      titles.push(`${n}: ${typeof title === 'string' ? title : ''}`);
    }
    await store.close();
    return titles;
  }
}

/** Entries of one process start of alice, one span each. */
function entriesOf(start: number, numbers: readonly number[], title = 'span'): readonly StoreRecord[] {
  const writer = new Writer(alice, { epoch: epoch(start) });
  return numbers.map((n) => {
    const forged = writer.write({ spans: [span(n, { title: `${title} ${n}` })] });
    return { kind: 'entry', entry: acceptedEntry(forged) };
  });
}

const fact: StoreRecord = { kind: 'fact', name: 'peer', value: Uint8Array.of(1) };

/** Monday's copy is put back and written on, and then the index of the history that was given up comes back as well. */
async function mixUp(
  lost: readonly (readonly StoreRecord[])[],
  real: readonly (readonly StoreRecord[])[],
): Promise<Directory> {
  const directory = new Directory();
  await directory.write(entriesOf(1, [1]));
  const monday = directory.copy;
  await directory.write(...lost);
  const tuesday = directory.copy;
  directory.putBack(monday);
  await directory.write(...real);
  directory.putBack({ index: tuesday.index });
  return directory;
}

async function readsAll(t: ExecutionContext, directory: Directory, titles: readonly string[]): Promise<void> {
  const before = directory.copy.disk;
  t.deepEqual(await directory.titles(9), titles);
  t.deepEqual(directory.copy.disk, before);
}

test('an index that ends inside an append of another history cuts nothing from the log', async (t) => {
  const directory = await mixUp([entriesOf(2, [2], 'lost and longer')], [entriesOf(3, [3, 4, 5])]);
  await readsAll(t, directory, ['1: span 1', '3: span 3', '4: span 4', '5: span 5']);
});

test('an index of another history is not believed where its records end at the same byte', async (t) => {
  const directory = await mixUp([entriesOf(2, [2, 3])], [entriesOf(3, [4, 5])]);
  await readsAll(t, directory, ['1: span 1', '4: span 4', '5: span 5']);
});

test('an index of another history is not believed for ending in the very same record', async (t) => {
  const directory = await mixUp([entriesOf(2, [2]), [fact]], [entriesOf(3, [3]), [fact]]);
  await readsAll(t, directory, ['1: span 1', '3: span 3']);
});

test('an index that is ahead of the log is built anew', async (t) => {
  const directory = new Directory();
  await directory.write(entriesOf(1, [1]));
  const { disk } = directory.copy;
  await directory.write(entriesOf(2, [2, 3]));
  directory.putBack({ disk });
  await readsAll(t, directory, ['1: span 1']);
});

test('an acknowledged record that was damaged at the end of the log is not cut off as a torn tail', async (t) => {
  const directory = new Directory();
  await directory.write(entriesOf(1, [1, 2]));
  const damaged = new Map(
    [...directory.copy.disk].map(([name, bytes]) => [name, bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1)]),
  );
  directory.putBack({ disk: damaged });
  await t.throwsAsync(directory.open(), { code: 'damaged', message: /restore the data directory/ });
  t.deepEqual(directory.copy.disk, damaged);
});
