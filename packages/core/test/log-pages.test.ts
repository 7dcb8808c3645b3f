/** What a power cut leaves of a log: pages of the append that no one was told of, in any choice, and all that was acknowledged. */

import test from 'ava';
import fc from 'fast-check';
import { Log } from '../dist/store/log.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { seeded, tools } from './forge.js';

const NAME = 'log-0000000000000000';
const PAGE_BYTES = 4096;
/** Smaller than a page, as large, and larger, so that whole records stand behind every page that may be lost. */
const SIZES = [900, 3000, 4083, 12_000, 200, 200, 9000, 700, 1500, 1500, 60];

const records = (from: number): { readonly kind: number; readonly payload: Uint8Array }[] =>
  SIZES.map((size, i) => ({ kind: 1, payload: seeded(from + i).bytes(size) }));

/** The log in `bytes` and what it holds, opened as after a power cut. */
async function openLog(
  bytes: Uint8Array,
): Promise<{ readonly log: Log; readonly held: readonly Uint8Array[] }> {
  const disk = new MemoryDisk();
  disk.restore(new Map([[NAME, bytes]]));
  const log = await Log.open(disk, tools.crypto);
  const held = (await log.readFrom(0, 10_000_000)).records.map(({ payload }) => payload);
  return { log, held };
}

test('torn: whichever pages of the last append are zeros, all before it is kept, and of it no record behind a lost page', async (t) => {
  const disk = new MemoryDisk();
  const written = await Log.open(disk, tools.crypto);
  const [first, second] = [records(100), records(200)];
  await written.append(first);
  const acknowledged = written.end;
  const positions = await written.append(second);
  const ends = [...positions.slice(1), written.end];
  await written.close();
  const whole = disk.snapshot().get(NAME) ?? new Uint8Array(0);
  const pages = Math.ceil(whole.length / PAGE_BYTES);
  const firstPage = Math.floor(acknowledged / PAGE_BYTES);
  const outcomes = { wholeBehind: 0, nothingKept: 0 };
  const page = fc.integer({ min: firstPage, max: pages - 1 });
  const property = fc.asyncProperty(fc.uniqueArray(page, { minLength: 1 }), async (lost) => {
    const bytes = whole.slice();
    for (const i of lost) bytes.fill(0, Math.max(acknowledged, i * PAGE_BYTES), (i + 1) * PAGE_BYTES);
    const hole = Math.max(acknowledged, Math.min(...lost) * PAGE_BYTES);
    const kept = ends.filter((end) => end <= hole).length;
    const { log, held } = await openLog(bytes);
    t.deepEqual(
      held,
      [...first, ...second.slice(0, kept)].map(({ payload }) => payload),
    );
    t.is(log.end, ends[kept - 1] ?? acknowledged);
    const isWhole = (i: number): boolean =>
      !lost.some((one) => one * PAGE_BYTES < (ends[i] ?? 0) && (one + 1) * PAGE_BYTES > (positions[i] ?? 0));
    if (positions.some((position, i) => position >= hole && isWhole(i))) outcomes.wholeBehind++;
    if (kept === 0) outcomes.nothingKept++;
    // What is appended next is not taken for a part of what was lost.
    const next = { kind: 2, payload: seeded(300).bytes(5000) };
    await log.append([next]);
    t.deepEqual((await log.readFrom(0, 10_000_000)).records.at(-1)?.payload, next.payload);
    t.is((await log.readFrom(0, 10_000_000)).records.length, first.length + kept + 1);
  });
  await fc.assert(property, { numRuns: 100 });
  t.true(outcomes.wholeBehind > 10, 'whole records stood behind a hole');
  t.true(outcomes.nothingKept > 10, 'the first page was lost');
});

test('damaged: a page of an acknowledged append that is zeros is refused, whichever pages of the last one were lost', async (t) => {
  const disk = new MemoryDisk();
  const written = await Log.open(disk, tools.crypto);
  await written.append(records(100));
  const acknowledged = written.end;
  await written.append(records(200));
  await written.close();
  const whole = disk.snapshot().get(NAME) ?? new Uint8Array(0);
  for (let i = 0; (i + 1) * PAGE_BYTES <= acknowledged; i++) {
    const bytes = whole.slice().fill(0, i * PAGE_BYTES, (i + 1) * PAGE_BYTES);
    // Some record of the last append is left, which tells that the one before it was durable.
    bytes.fill(0, whole.length - PAGE_BYTES);
    await t.throwsAsync(openLog(bytes), { code: 'damaged' }, `page ${i}`);
  }
});
