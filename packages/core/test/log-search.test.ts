/** What a start looks for behind a hole in its log: a later append, at a cost that no entry's content can drive up. */

import test from 'ava';
import fc from 'fast-check';
import { concatBytes } from '../dist/bytes.js';
import type { Crypto } from '../dist/ports.js';
import { Log } from '../dist/store/log.js';
import { PartSums } from '../dist/store/part-sums.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { seeded, tools } from './forge.js';

const NAME = 'log-0000000000000000';
const MIB = 1024 * 1024;

/** Numbers that are small wherever one begins to read: each byte of it looks like the head of a long record. */
const pretenders = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => +(i % 4 === 1));

function diskWith(bytes: Uint8Array): MemoryDisk {
  const disk = new MemoryDisk();
  disk.restore(new Map([[NAME, bytes]]));
  return disk;
}

/** A log of one append, a hole of so many bytes of pretenders, and an append behind it. */
async function withHole(holeBytes: number): Promise<{ readonly bytes: Uint8Array; readonly second: number }> {
  const disk = new MemoryDisk();
  const log = await Log.open(disk, tools.crypto);
  await log.append([{ kind: 1, payload: seeded(1).bytes(500) }]);
  const end = log.end;
  // In records of the size that is read back at most, and all of them overwritten.
  for (let left = holeBytes; left > 0; left -= MIB)
    await log.append([{ kind: 1, payload: new Uint8Array(Math.min(left, MIB)).fill(1) }]);
  const second = log.end;
  await log.append([{ kind: 1, payload: seeded(2).bytes(700) }]);
  await log.close();
  const bytes = (disk.snapshot().get(NAME) ?? new Uint8Array(0)).slice();
  bytes.set(pretenders(second - end), end);
  return { bytes, second };
}

test('the sum of a part, behind anything, is what CRC-32 says of both together', (t) => {
  const bytes = fc.uint8Array({ maxLength: 6000 });
  const property = fc.property(bytes, bytes, fc.nat(), fc.nat(), (before, all, a, b) => {
    const [from = 0, to = 0] = [a % (all.length + 1), b % (all.length + 1)].sort((x, y) => x - y);
    const expected = tools.crypto.crc32(before, all.subarray(from, to));
    t.is(new PartSums(all).after(tools.crypto.crc32(before), from, to), expected);
  });
  fc.assert(property, { numRuns: 300 });
});

test('torn: a tail that pretends to begin a record at every byte is summed a few times, and not once a byte', async (t) => {
  let summed = 0;
  const crypto: Crypto = {
    ...tools.crypto,
    crc32(...parts) {
      summed += parts.reduce((sum, part) => sum + part.length, 0);
      return tools.crypto.crc32(...parts);
    },
  };
  const tail = pretenders(MIB / 4);
  const log = await Log.open(diskWith(tail), crypto);
  t.is(log.opening.tornBytes, tail.length);
  t.is(log.end, 0);
  t.true(summed <= 10 * tail.length, `${summed} bytes were summed for ${tail.length}`);
});

test('damaged: an append behind pretenders is found, however far behind the hole it stands', async (t) => {
  // With the heads of its two records, one is as long as what is searched at a time, and one a byte longer.
  for (const holeBytes of [100, 2 * MIB - 26, 2 * MIB - 25, 3 * MIB]) {
    const { bytes, second } = await withHole(holeBytes);
    await t.throwsAsync(Log.open(diskWith(bytes), tools.crypto), { code: 'damaged' }, `hole of ${holeBytes}`);
    const log = await Log.open(diskWith(bytes.slice(0, second)), tools.crypto);
    t.is(log.end, 513, 'and without it the tail is torn');
    const flipped = concatBytes([bytes.subarray(0, -1), Uint8Array.of((bytes.at(-1) ?? 0) ^ 1)]);
    t.is((await Log.open(diskWith(flipped), tools.crypto)).end, 513, 'one that is not whole tells nothing');
  }
});
