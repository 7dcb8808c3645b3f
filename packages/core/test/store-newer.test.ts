/** A log that a newer version wrote: an older one says so, and never that the data is to be thrown away. */

import test from 'ava';
import { encodeCbor } from '../dist/cbor.js';
import { Log } from '../dist/store/log.js';
import { RECORD_KIND } from '../dist/store/records.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { epoch, seeded, tools } from './forge.js';

/** A disk whose log holds a process start and one more record. */
async function diskWith(kind: number, payload: Uint8Array): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const log = await Log.open(disk, tools.crypto);
  await log.append([
    { kind: RECORD_KIND.run, payload: epoch(1) },
    { kind, payload },
  ]);
  await log.close();
  return disk;
}

const open = (disk: MemoryDisk): Promise<LogStore> =>
  LogStore.open({ disk, index: new MemoryIndex(), tools, random: seeded(1) });

test('a record of a kind that only a newer version knows is told as such, and the log stays as it is', async (t) => {
  const newest = Math.max(...Object.values(RECORD_KIND));
  for (const kind of [newest + 1, 255]) {
    const disk = await diskWith(kind, encodeCbor(['what', 'ever']));
    const before = disk.snapshot();
    const error = await t.throwsAsync(open(disk), { code: 'bad_configuration' });
    t.regex(error?.message ?? '', /a newer version wrote: start that version again/);
    t.deepEqual(disk.snapshot(), before);
  }
});

test('a record of a known kind that makes no sense is damage, whichever kind it is', async (t) => {
  const senseless = [encodeCbor(['x']), encodeCbor(1), Uint8Array.of(255), Uint8Array.of(0x5b, 255, 255)];
  for (const kind of Object.values(RECORD_KIND)) {
    if (kind === RECORD_KIND.run) continue;
    for (const payload of senseless)
      await t.throwsAsync(open(await diskWith(kind, payload)), { code: 'damaged' }, `kind ${kind}`);
  }
});
