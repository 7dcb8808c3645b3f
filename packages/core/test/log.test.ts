/** The log: a torn tail is cut, what was acknowledged is never, and a misplaced or damaged record is none. */

import test, { type ExecutionContext } from 'ava';
import { concatBytes } from '../dist/bytes.js';
import { LoglineError } from '../dist/errors.js';
import { Log, type LogOptions } from '../dist/store/log.js';
import { MemoryDisk, type DiskSnapshot } from '../dist/testing/memory-disk.js';
import { seeded, tools } from './forge.js';

const FIRST = 'log-0000000000000000';
const HEAD_BYTES = 13;

const open = (disk: MemoryDisk, options?: LogOptions): Promise<Log> => Log.open(disk, tools.crypto, options);
const payload = (n: number, bytes = 40): Uint8Array => seeded(n).bytes(bytes);
const record = (n: number, bytes?: number): { readonly kind: number; readonly payload: Uint8Array } => ({
  kind: n % 4,
  payload: payload(n, bytes),
});

/** A disk with these files. */
function diskWith(files: DiskSnapshot): MemoryDisk {
  const disk = new MemoryDisk();
  disk.restore(files);
  return disk;
}

/** All payloads from the beginning, read in pieces of so many bytes. */
async function payloadsOf(log: Log, bytesMost = 1): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (let position = 0; ;) {
    const { records, next } = await log.readFrom(position, bytesMost);
    found.push(...records.map((one) => one.payload));
    if (next === position) return found;
    position = next;
  }
}

/** The bytes of a log with two acknowledged appends, and where the second one begins. */
async function twoAppends(): Promise<{ readonly bytes: Uint8Array; readonly second: number }> {
  const disk = new MemoryDisk();
  const log = await open(disk);
  await log.append([record(1), record(2)]);
  const second = log.end;
  await log.append([record(3), record(4), record(5)]);
  await log.close();
  return { bytes: disk.snapshot().get(FIRST) ?? new Uint8Array(0), second };
}

async function refusesAsDamaged(t: ExecutionContext, disk: MemoryDisk, what: string): Promise<void> {
  const error = await t.throwsAsync(open(disk), { instanceOf: LoglineError }, what);
  t.is(error?.code, 'damaged', what);
}

test('records are read as they were appended, in pieces of any size', async (t) => {
  const disk = new MemoryDisk();
  const log = await open(disk);
  const sizes = [1, 12, 13, 14, 5000, 70_000, 3, 600_000];
  const positions = await log.append(sizes.map((size, i) => record(i + 1, size)));
  const more = await log.append([record(9)]);
  const expected = [...sizes.map((size, i) => payload(i + 1, size)), payload(9)];
  for (const bytesMost of [1, 100, 1_000_000]) t.deepEqual(await payloadsOf(log, bytesMost), expected);
  for (const [i, position] of [...positions, ...more].entries()) {
    const found = await log.read(position);
    t.deepEqual(found?.payload, expected[i]);
    t.is(found?.group, i < sizes.length ? 0 : more[0]);
  }
  t.is((await log.readFrom(log.end, 100)).next, log.end);
  t.is(await log.read(1), undefined, 'inside a record there is none');
});

test('torn: an append that stops at any byte is cut off, and nothing before it', async (t) => {
  const { bytes, second } = await twoAppends();
  for (let cut = second; cut <= bytes.length; cut++) {
    const disk = diskWith(new Map([[FIRST, bytes.slice(0, cut)]]));
    const log = await open(disk);
    const whole = (await payloadsOf(log)).length;
    const size = HEAD_BYTES + 40;
    t.is(whole, 2 + Math.floor((cut - second) / size), `cut at ${cut}`);
    t.is(log.opening.tornBytes, (cut - second) % size);
    await log.append([record(9)]);
    await log.close();
    const again = await open(disk);
    t.deepEqual((await payloadsOf(again)).at(-1), payload(9), 'and it goes on');
    t.is(again.opening.tornBytes, 0);
  }
});

test('torn: a tail of zeros or noise is cut off', async (t) => {
  const { bytes, second } = await twoAppends();
  for (const [what, tail] of [
    ['zeros', new Uint8Array(5000)],
    ['noise', seeded(9).bytes(5000)],
    ['all ones', new Uint8Array(5000).fill(255)],
    ['a copy of an earlier record', bytes.slice(0, HEAD_BYTES + 40)],
  ] as const) {
    const log = await open(diskWith(new Map([[FIRST, concatBytes([bytes.slice(0, second), tail])]])));
    t.is((await payloadsOf(log)).length, 2, what);
    t.is(log.end, second, what);
  }
});

test('torn: later pieces of the same append may be whole, and are cut off with it', async (t) => {
  const { bytes, second } = await twoAppends();
  for (let at = second; at < second + HEAD_BYTES + 40; at++) {
    const log = await open(diskWith(new Map([[FIRST, bytes.with(at, (bytes[at] ?? 0) ^ 0x10)]])));
    t.is((await payloadsOf(log)).length, 2, `byte ${at}`);
  }
});

test('damaged: a bit flipped in an append that another one followed is refused, never cut', async (t) => {
  const { bytes, second } = await twoAppends();
  for (let at = 0; at < second; at++) {
    const flipped = bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 8)));
    await refusesAsDamaged(t, diskWith(new Map([[FIRST, flipped]])), `byte ${at}`);
  }
});

test('damaged: a flipped bit is no record when it is read later', async (t) => {
  const { bytes } = await twoAppends();
  const whole = await open(diskWith(new Map([[FIRST, bytes]])));
  const { records } = await whole.readFrom(0, 100_000);
  const last = records.at(-1);
  for (let at = 0; at < HEAD_BYTES + 40; at++) {
    const flipped = bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 8)));
    // Behind a mark nothing is looked at when the log is opened.
    const log = await open(diskWith(new Map([[FIRST, flipped]])), { mark: last });
    t.true(log.opening.knowsMark);
    t.is(await log.read(0), undefined, `byte ${at}`);
  }
});

test('damaged: a file that is missing or cut in the middle of the log is refused', async (t) => {
  const disk = new MemoryDisk();
  const log = await open(disk, { fileBytes: 100 });
  for (let n = 1; n <= 9; n++) await log.append([record(n)]);
  await log.close();
  const files = [...disk.snapshot()].sort(([a], [b]) => (a < b ? -1 : 1));
  t.true(files.length >= 4);
  await refusesAsDamaged(t, diskWith(new Map(files.filter((_, i) => i !== 1))), 'missing');
  await refusesAsDamaged(
    t,
    diskWith(new Map(files.map(([name, bytes], i) => [name, i === 1 ? bytes.slice(0, -1) : bytes]))),
    'cut',
  );
});

test('several files read as one log, and only the last is cut', async (t) => {
  const disk = new MemoryDisk();
  let log = await open(disk, { fileBytes: 100 });
  const positions: number[] = [];
  for (let n = 1; n <= 9; n++) positions.push(...(await log.append([record(n)])));
  const expected = Array.from({ length: 9 }, (_, i) => payload(i + 1));
  for (const bytesMost of [1, 150, 1_000_000]) t.deepEqual(await payloadsOf(log, bytesMost), expected);
  for (const [i, position] of positions.entries())
    t.deepEqual((await log.read(position))?.payload, expected[i]);
  await log.close();
  const files = new Map(disk.snapshot());
  const [name, bytes] = [...files].sort(([a], [b]) => (a < b ? 1 : -1))[0] ?? ['', new Uint8Array(0)];
  const torn = diskWith(files.set(name, concatBytes([bytes, Uint8Array.of(1, 2, 3)])));
  log = await open(torn, { fileBytes: 100 });
  t.is(log.opening.tornBytes, 3);
  t.deepEqual(await payloadsOf(log), expected);
  t.deepEqual(await open(torn).then((again) => payloadsOf(again)), expected);
});

test('files that are not of the log are left alone', async (t) => {
  const disk = diskWith(
    new Map([
      ['log-x', Uint8Array.of(1)],
      ['LOCK', Uint8Array.of(2)],
      ['log-00000000000000001', Uint8Array.of(3)],
    ]),
  );
  const log = await open(disk);
  t.is(log.end, 0);
  await log.append([record(1)]);
  t.is(disk.snapshot().get('log-x')?.length, 1);
});

test('a mark is known by the log that made it, and by no other', async (t) => {
  const disk = new MemoryDisk();
  const log = await open(disk);
  t.is(log.mark, undefined);
  await log.append([record(1), record(2)]);
  const { mark } = log;
  await log.append([record(3)]);
  await log.close();
  const knows = async (on: MemoryDisk, options: LogOptions): Promise<boolean> =>
    (await open(on, options)).opening.knowsMark;
  t.true(await knows(disk, { mark }));
  t.false(await knows(disk, {}));
  t.false(await knows(new MemoryDisk(), { mark }));
  t.false(await knows(disk, { mark: mark && { ...mark, checksum: mark.checksum ^ 1 } }));
  t.false(await knows(disk, { mark: mark && { ...mark, end: mark.end + 1 } }));
  t.false(await knows(disk, { mark: mark && { ...mark, position: mark.position + 1 } }));
  t.false(await knows(disk, { mark: { position: 1e9, end: 1e9 + 50, checksum: 1 } }));
  // Another history of the same lengths.
  const other = new MemoryDisk();
  const branch = await open(other);
  await branch.append([record(1), record(7)]);
  await branch.close();
  t.false(await knows(other, { mark }));
});

test('torn: a mark of another history does not hide a torn tail, nor make one', async (t) => {
  const { bytes, second } = await twoAppends();
  const torn = new Map([[FIRST, bytes.slice(0, bytes.length - 5)]]);
  for (const mark of [
    { position: bytes.length - 1, end: bytes.length + 100, checksum: 1 },
    { position: second + 3, end: second + 20, checksum: 2 },
  ]) {
    const log = await open(diskWith(torn), { mark });
    t.is((await payloadsOf(log)).length, 4);
    t.is(log.opening.tornBytes, HEAD_BYTES + 40 - 5);
    t.is((await payloadsOf(await open(diskWith(new Map([[FIRST, bytes]])), { mark }))).length, 5);
  }
});

test('a record without bytes, or with more than are read back, is a defect of the caller', async (t) => {
  const log = await open(new MemoryDisk());
  await t.throwsAsync(log.append([{ kind: 1, payload: new Uint8Array(0) }]), { message: /invariant/ });
  await t.throwsAsync(log.append([{ kind: 1, payload: new Uint8Array(3_000_000) }]), {
    message: /invariant/,
  });
  t.is(log.end, 0);
});
