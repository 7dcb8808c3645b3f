/** A node set back to an old copy of its data directory: the commonest way to fork a history, and here none (T25). */

import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { append, countSpans, establishTrust, figure, has, readAll, type TestSpan } from './support/rest.js';
import { ServerProcess, tempDir } from './support/server-process.js';
import { storedFeeds } from './support/stored-feeds.js';
import { spanNumber } from './support/writer.js';

const HEAL = { timeoutMs: 30_000 };
/** Spans before the copy, between the copy and the crash, and after the restart. */
const COUNTS = { before: 120, lost: 160, after: 40 };

test('a node restored from an old copy of its directory writes on at once, gets its lost tail back and forks nothing', async (t) => {
  t.timeout(120_000);
  const folder = await tempDir(t);
  const dataDir = (name: string): string => join(folder, name);
  const start = (name: string): Promise<ServerProcess> =>
    ServerProcess.start(t, { name, dataDir: dataDir(name) });
  const [alice, bob, carol] = [await start('alice'), await start('bob'), await start('carol')];
  await establishTrust(alice, bob);
  await establishTrust(alice, carol);
  await establishTrust(bob, carol);

  const spans = Array.from({ length: COUNTS.before + COUNTS.lost + COUNTS.after }, (_, i) =>
    spanNumber(t.title, i),
  );
  const before = spans.slice(0, COUNTS.before);
  const lost = spans.slice(COUNTS.before, COUNTS.before + COUNTS.lost);
  const after = spans.slice(COUNTS.before + COUNTS.lost);

  const entriesBefore = await appendInPieces(alice, before);
  await copyWhileItRuns(dataDir('alice'), dataDir('copy'));
  const entriesLost = await appendInPieces(alice, lost);
  await eventually(
    'bob has it all',
    async () => (await countSpans(bob)) === before.length + lost.length,
    HEAL,
  );
  await alice.kill();
  await rename(dataDir('alice'), dataDir('lost'));
  await rename(dataDir('copy'), dataDir('alice'));

  const restored = await start('alice');
  t.is(restored.fingerprint, alice.fingerprint, 'it is the same node');
  await append(restored, after.slice(0, 1));
  t.true(await has(restored, after[0]?.id ?? ''), 'it writes on at once');
  await appendInPieces(restored, after.slice(1));

  const nodes = { restored, bob, carol };
  const ids = spans.map(({ id }) => id);
  for (const [name, node] of Object.entries(nodes)) {
    await eventually(`${name} has every span`, async () => (await countSpans(node)) === spans.length, HEAL);
    // The spans were made in the order of their timestamps.
    t.deepEqual(
      (await readAll(node)).map(({ id }) => id),
      ids,
      name,
    );
    t.deepEqual(node.told('feed_forked'), [], name);
    t.deepEqual(node.told('entry_refused'), [], name);
    t.is(await figure(node, 'federation_store_read_only'), 0);
  }

  const received = await figure(restored, 'federation_entries_gated_total');
  t.true(
    received >= entriesLost,
    `the lost tail of ${entriesLost} entries came from the peers (${received})`,
  );

  for (const node of Object.values(nodes)) t.is(await node.stop(), 0);
  await checkFeeds(t, { dataDir, entriesAtCrash: entriesBefore + entriesLost });
});

/** Alone, in pairs, in batches, one request after the other; resolves to the number of entries that makes. */
async function appendInPieces(server: ServerProcess, spans: readonly TestSpan[]): Promise<number> {
  let entries = 0;
  for (let at = 0, size = 1; at < spans.length; at += size, size = (size % 7) + 1) {
    await append(server, spans.slice(at, at + size));
    entries++;
  }
  return entries;
}

/** As an operator copies: file by file while the node works, without asking it. */
async function copyWhileItRuns(from: string, to: string): Promise<void> {
  await eventually('the directory is copied', async () => {
    // A file may go away between the listing and the reading: then again from the start.
    await rm(to, { recursive: true, force: true });
    await cp(from, to, { recursive: true });
    return true;
  });
}

/** The feed that the lost process wrote ends where it ended, everywhere, and what came later is in a feed of its own. */
async function checkFeeds(
  t: ExecutionContext,
  has: { readonly dataDir: (name: string) => string; readonly entriesAtCrash: number },
): Promise<void> {
  const held = await storedFeeds(has.dataDir('bob'));
  t.deepEqual(await storedFeeds(has.dataDir('alice')), held, 'alice and bob hold the same');
  t.deepEqual(await storedFeeds(has.dataDir('carol')), held, 'carol and bob hold the same');
  t.true(held.every(({ forkedAt }) => forkedAt === undefined));
  const [lost, ...others] = await storedFeeds(has.dataDir('lost'));
  t.deepEqual(others, [], 'the lost process wrote one feed');
  t.regex(lost?.ranges.join() ?? '', new RegExp(`^1-${has.entriesAtCrash} `));
  t.deepEqual(
    held.find(({ key }) => key === lost?.key),
    lost,
    'not one entry more or less, and none replaced',
  );
  t.is(held.length, 2, 'the restored process began a feed of its own');
}
