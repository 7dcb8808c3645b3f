/** A log with a fork from before there were bars opens like one with a fork of today. */

import test from 'ava';
import { encodeCbor } from '../dist/cbor.js';
import { feedKeyOf, type Feed } from '../dist/feed.js';
import type { Quarantined } from '../dist/storage.js';
import { Log } from '../dist/store/log.js';
import { RECORD_KIND } from '../dist/store/records.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acme, alice, epoch, seeded, span, tools, Writer } from './forge.js';

const writer = new Writer(alice);
const written = [1, 2, 3, 4].map((n) => writer.write({ spans: [span(n)] }));
const other = new Writer(alice, { history: written.slice(0, 2) }).draft({ spans: [span(9)] });
const [first] = written;
const key = feedKeyOf((first ?? other).header);

/** What a store says of the feed, where its log holds the fork at entry 3 like this. */
async function openedWith(fork: Uint8Array): Promise<{
  readonly feeds: readonly Feed[];
  readonly count: number | undefined;
  readonly quarantined: readonly Quarantined[];
  readonly proof: readonly Uint8Array[];
}> {
  const disk = new MemoryDisk();
  const log = await Log.open(disk, tools.crypto);
  await log.append([
    { kind: RECORD_KIND.run, payload: epoch(1) },
    ...written.map(({ bytes }) => ({ kind: RECORD_KIND.entry, payload: bytes })),
    { kind: RECORD_KIND.fork, payload: fork },
  ]);
  await log.close();
  const store = await LogStore.open({ disk, index: new MemoryIndex(), tools, random: seeded(1) });
  const seen = {
    feeds: store.feeds(),
    count: store.counts().get(acme),
    quarantined: await store.quarantined(),
    proof: await store.forkProof(key),
  };
  await store.close();
  return seen;
}

test('of a fork from before there were bars the store finds out what it withholds', async (t) => {
  const proof = [written[2]?.bytes ?? t.fail(), other.bytes];
  const name = tools.text.encode(key);
  const clip = written[1]?.hash ?? t.fail();
  const old = await openedWith(encodeCbor([name, 3, proof]));
  t.deepEqual(old, await openedWith(encodeCbor([name, 3, proof, [clip, 2, 2]])));
  t.is(old.count, 2);
  t.deepEqual(old.proof, proof);
});

test('a fork with some other lack is damage', async (t) => {
  const name = tools.text.encode(key);
  for (const fork of [
    [name, 3],
    [name, 3, [other.bytes], null],
    [name, 3, [other.bytes], [null, 1]],
  ])
    await t.throwsAsync(openedWith(encodeCbor(fork)), { code: 'damaged' });
});
