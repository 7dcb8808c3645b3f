// Ordered stores: the contract on LevelDB and in memory, what damage does to the one and a crash to the other.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { numberKey } from '../dist/bytes.js';
import { openLevelIndex } from '../dist/node/level-index.js';
import type { KeyValue, Random } from '../dist/ports.js';
import { keyValueContract } from '../dist/testing/index-contract.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';

const ALL = { from: '', to: '\xff\xff', limit: Infinity };

const freshDirectory = (): string => mkdtempSync(join(tmpdir(), 'logline-index-'));

function directoryFor(t: ExecutionContext): string {
  const directory = freshDirectory();
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

for (const { title, run } of keyValueContract(async () => {
  const directory = freshDirectory();
  let { index } = await openLevelIndex(directory);
  return {
    index,
    reopen: async () => ({ index } = await openLevelIndex(directory)).index,
    async dispose() {
      await index.close();
      rmSync(directory, { recursive: true });
    },
  };
})) {
  test(`LevelDB: ${title}`, async (t) => {
    await t.notThrowsAsync(run());
  });
}

for (const { title, run } of keyValueContract(async () => {
  const index = new MemoryIndex();
  return { index, reopen: async () => index.reopen().index, dispose: () => index.close() };
})) {
  test(`a store in memory: ${title}`, async (t) => {
    await t.notThrowsAsync(run());
  });
}

// LevelDB and damage.

test('an index says whether it had to be made anew', async (t) => {
  const path = join(directoryFor(t), 'not', 'yet', 'there');
  const first = await openLevelIndex(path);
  t.true(first.fresh);
  await first.index.write(new Map([['a', Uint8Array.of(1)]]));
  await first.index.close();
  const second = await openLevelIndex(path);
  t.false(second.fresh);
  t.deepEqual(second.index.get('a'), Uint8Array.of(1));
  await second.index.close();
});

test('two openings of one index at once are refused, and the first is unharmed', async (t) => {
  const path = directoryFor(t);
  const { index } = await openLevelIndex(path);
  await index.write(new Map([['a', Uint8Array.of(1)]]));
  await t.throwsAsync(openLevelIndex(path), {
    code: 'bad_configuration',
    message: /open in another process/,
  });
  writeFileSync(join(path, 'DAMAGED'), '');
  await t.throwsAsync(openLevelIndex(path), { code: 'bad_configuration' });
  t.deepEqual(index.get('a'), Uint8Array.of(1));
  await index.close();
});

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'CURRENT is gone': (path) => rmSync(join(path, 'CURRENT')),
  'CURRENT is empty': (path) => writeFileSync(join(path, 'CURRENT'), ''),
  'the manifest is gone': (path) => eachFile(path, /^MANIFEST/, (file) => rmSync(file)),
  'the manifest is empty': (path) => eachFile(path, /^MANIFEST/, (file) => writeFileSync(file, '')),
  'a bit of the manifest flipped': (path) =>
    eachFile(path, /^MANIFEST/, (file) => writeFileSync(file, readFileSync(file).fill(255, 20, 21))),
  'a table is gone': (path) => eachFile(path, /\.ldb$/, (file) => rmSync(file)),
  'reading met damage before': (path) => writeFileSync(join(path, 'DAMAGED'), ''),
};

for (const [damage, apply] of Object.entries(DAMAGES)) {
  test(`an index is empty and usable after its damage: ${damage}`, async (t) => {
    const path = await filledIndex(t, 6);
    apply(path);
    const { index, fresh } = await openLevelIndex(path);
    t.true(fresh);
    t.deepEqual(await index.scan(ALL), []);
    await index.write(new Map([['a', Uint8Array.of(1)]]));
    await index.close();
    const again = await openLevelIndex(path);
    t.false(again.fresh);
    t.deepEqual(again.index.get('a'), Uint8Array.of(1));
    await again.index.close();
  });
}

test('damage that shows only when a row is read makes the next start rebuild the index', async (t) => {
  const path = await filledIndex(t, 6);
  eachFile(path, /\.ldb$/, (file) => {
    // In the middle, behind the marks that opening reads.
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(255, bytes.length >> 1, (bytes.length >> 1) + 10_000));
  });
  const { index } = await openLevelIndex(path);
  await t.throwsAsync(index.scan(ALL), { code: 'damaged', message: /restart the node/ });
  await index.close();
  const again = await openLevelIndex(path);
  t.true(again.fresh);
  await again.index.close();
});

test('a store that lost a batch and kept a newer one is made anew, for a hole is worse than nothing', async (t) => {
  const whole = await filledIndex(t, 1, 12);
  let holes = 0;
  for (let block = 0; block < 20; block++) {
    const path = join(directoryFor(t), 'index');
    cpSync(whole, path, { recursive: true });
    eachFile(path, /\.log$/, (file) => {
      // As a power cut leaves it when a later page was written first.
      const bytes = readFileSync(file);
      bytes.fill(0, block * 32_768, (block + 1) * 32_768);
      writeFileSync(file, bytes);
    });
    const { index, fresh } = await openLevelIndex(path);
    const numbers = (await index.scan(ALL)).map(([key]) => key.charCodeAt(0));
    const batches = new Set(numbers);
    t.deepEqual(
      [...batches],
      Array.from({ length: batches.size }, (_, i) => i),
    );
    if (fresh) holes++;
    await index.close();
  }
  t.true(holes > 5);
});

test('marks of batches do not pile up', async (t) => {
  const path = directoryFor(t);
  const { index } = await openLevelIndex(path);
  for (let i = 0; i < 30; i++) await index.write(new Map([['key', new Uint8Array(1024 * 1024).fill(i)]]));
  await index.close();
  const again = await openLevelIndex(path);
  t.false(again.fresh);
  t.is((await again.index.scan(ALL)).length, 1);
  await again.index.close();
});

// The crash of the model.

test('a crash takes the newest batches only, or all, and never what was settled', async (t) => {
  const outcomes = { some: 0, all: 0 };
  const batch = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.option(fc.nat(255)), {
    maxKeys: 4,
  });
  const plan = fc.record({
    before: fc.array(batch),
    after: fc.array(batch, { maxLength: 12 }),
    seed: fc.nat(),
  });
  const property = fc.asyncProperty(plan, async ({ before, after, seed }) => {
    const index = new MemoryIndex();
    for (const rows of before) await index.write(rowsOf(rows));
    index.settle();
    const states = [await contentOf(index)];
    for (const rows of after) {
      await index.write(rowsOf(rows));
      states.push(await contentOf(index));
    }
    index.crash({ random: seeded(seed) });
    const { fresh } = index.reopen();
    const left = await contentOf(index);
    if (index.faults.lostIndexes > 0) {
      t.true(fresh);
      t.is(left, '[]');
      outcomes.all++;
    } else {
      t.is(left, states[after.length - index.faults.lostBatches] ?? 'no such state');
      outcomes.some += index.faults.lostBatches;
    }
  });
  await fc.assert(property, { numRuns: 300 });
  t.true(outcomes.some > 0);
  t.true(outcomes.all > 0);
});

test('a backup of the store in memory is a copy', async (t) => {
  const index = new MemoryIndex();
  await index.write(new Map([['a', Uint8Array.of(1)]]));
  const backup = index.snapshot();
  await index.write(
    new Map([
      ['a', undefined],
      ['b', Uint8Array.of(2)],
    ]),
  );
  index.restore(backup);
  t.is(await contentOf(index), '[["a",[1]]]');
  index.restore(new Map());
  t.true(index.reopen().fresh);
});

test('both stores answer alike to any sequence of batches', async (t) => {
  const byteKey = fc.string({ unit: fc.constantFrom('\0', 'a', '\x7f', '\x80', '\xff'), maxLength: 3 });
  const rows = fc.array(fc.tuple(byteKey, fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined })));
  const range = fc.record({ from: byteKey, to: byteKey, limit: fc.nat(6), reverse: fc.boolean() });
  const { index: level } = await openLevelIndex(directoryFor(t));
  const memory = new MemoryIndex();
  const property = fc.asyncProperty(rows, range, async (batch, asked) => {
    for (const index of [level, memory]) await index.write(new Map(batch));
    t.deepEqual(await memory.scan(asked), await level.scan(asked));
    for (const [key] of batch) t.deepEqual(memory.get(key), level.get(key));
  });
  await fc.assert(property, { numRuns: 200 });
  await level.close();
});

/** An index whose rows begin with the number of their batch; with several rounds, most of them in tables. */
async function filledIndex(t: ExecutionContext, mebibytes: number, batches = 6): Promise<string> {
  const path = directoryFor(t);
  const { index } = await openLevelIndex(path);
  const random = seeded(1);
  for (let batch = 0; batch < batches; batch++) {
    const rows = new Map<string, Uint8Array>();
    const count = (mebibytes * 1024) / batches;
    for (let i = 0; i < count; i++) rows.set(numberKey(batch, 1) + numberKey(i, 3), random.bytes(1000));
    await index.write(rows);
  }
  await index.close();
  return path;
}

function eachFile(path: string, name: RegExp, change: (file: string) => void): void {
  const found = readdirSync(path).filter((file) => name.test(file));
  if (found.length === 0) throw new Error(`no file ${String(name)} in ${readdirSync(path).join(' ')}`);
  for (const file of found) change(join(path, file));
}

function rowsOf(values: Readonly<Record<string, number | null>>): Map<string, Uint8Array | undefined> {
  return new Map(
    Object.entries(values).map(([key, value]) => [key, value === null ? undefined : Uint8Array.of(value)]),
  );
}

async function contentOf(index: KeyValue): Promise<string> {
  return JSON.stringify((await index.scan(ALL)).map(([key, value]) => [key, [...value]]));
}

/** Bytes that follow from a seed alone (SplitMix32). */
function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) & 255;
  };
  return { bytes: (length) => Uint8Array.from({ length }, next) };
}
