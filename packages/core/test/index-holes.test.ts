// A power cut may take a batch of the index from under newer ones: that is noticed, on LevelDB and in a model of it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { BatchMarks, type BatchMark } from '../dist/node/batch-marks.js';
import { openLevelIndex } from '../dist/node/level-index.js';

const ALL = { from: '', to: '\xff\xff', limit: Infinity };
/** Those of LevelDB's log. */
const BLOCK_BYTES = 32_768;
const BUFFER_BYTES = 100;

test('a batch lost from under one that is larger than all write buffers is missed', async (t) => {
  const path = directoryFor(t);
  const { index } = await openLevelIndex(path);
  await index.write(new Map([['first', new Uint8Array(4 * BLOCK_BYTES).fill(1)]]));
  await index.write(new Map([['second', new Uint8Array(600 * BLOCK_BYTES).fill(2)]]));
  await index.close();
  for (const name of readdirSync(path).filter((name) => name.endsWith('.log'))) {
    const bytes = readFileSync(join(path, name));
    writeFileSync(join(path, name), bytes.fill(0, BLOCK_BYTES, 2 * BLOCK_BYTES));
  }
  const again = await openLevelIndex(path);
  t.true(again.fresh);
  t.deepEqual(await again.index.scan(ALL), []);
  await again.index.close();
});

test('opening reads as few marks after many starts as after few', async (t) => {
  const path = directoryFor(t);
  for (let start = 0; start < 20; start++) {
    const { index, fresh } = await openLevelIndex(path);
    t.is(fresh, start === 0);
    await index.write(new Map([['key', Uint8Array.of(start)]]));
    await index.close();
  }
  const database = new ClassicLevel(path);
  const marks = await database.keys({ gte: 'm', lt: 'n' }).all();
  await database.close();
  t.true(marks.length > 0 && marks.length <= 2, `${marks.length} marks`);
});

interface Written {
  readonly mark: BatchMark;
  readonly bytes: number;
}

/** LevelDB as far as it matters here: a buffer that fills, one that is written away, and what is synced. */
class ModelStore {
  readonly synced: Written[] = [];
  leaving: Written[] = [];
  filling: Written[] = [];

  write(batch: Written): void {
    if (this.filling.reduce((sum, { bytes }) => sum + bytes, 0) > BUFFER_BYTES) {
      this.synced.push(...this.leaving);
      this.leaving = this.filling;
      this.filling = [];
    }
    this.filling.push(batch);
  }

  /** What opening finds, given which of the batches that are not synced survived. */
  found(survives: (i: number) => boolean): Written[] {
    return [...this.synced, ...[...this.leaving, ...this.filling].filter((_, i) => survives(i))];
  }
}

function marksOf(batches: readonly Written[]): (readonly [string, string])[] {
  const rows = new Map<string, string>();
  for (const { mark } of batches) {
    for (const settled of mark.settled) rows.delete(settled);
    rows.set(mark.key, mark.value);
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('of batches of any size, a lost one is missed if and only if a newer one was kept', (t) => {
  const outcomes = { whole: 0, holes: 0, settled: 0 };
  const size = fc.oneof(fc.nat(30), fc.nat(BUFFER_BYTES), fc.nat(10 * BUFFER_BYTES));
  const life = fc.record({
    sizes: fc.array(size, { minLength: 1, maxLength: 40 }),
    lost: fc.array(fc.nat(), { maxLength: 3 }),
  });
  const property = fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => {
    let marks = BatchMarks.none(BUFFER_BYTES);
    let before: readonly Written[] = [];
    for (const { sizes, lost } of lives) {
      const store = new ModelStore();
      store.synced.push(...before);
      for (const bytes of sizes) {
        const mark = marks.next(bytes);
        outcomes.settled += mark.settled.length;
        // What a buffer holds takes more room than its bytes.
        store.write({ mark, bytes: bytes + 1 });
      }
      const unsynced = store.leaving.length + store.filling.length;
      const gone = new Set(lost.map((i) => i % unsynced));
      const found = store.found((i) => !gone.has(i));
      if (found.length === 0) return;
      const isSuffix = [...gone].every((i) => i >= unsynced - gone.size);
      const read = BatchMarks.read(marksOf(found), BUFFER_BYTES);
      t.is(read !== undefined, isSuffix);
      outcomes[isSuffix ? 'whole' : 'holes']++;
      if (read === undefined) return;
      marks = read;
      before = found;
    }
  });
  fc.assert(property, { numRuns: 1000 });
  for (const [outcome, count] of Object.entries(outcomes)) t.true(count > 100, outcome);
});

function directoryFor(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'logline-index-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
