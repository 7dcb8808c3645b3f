/** What a commit may weigh, and whom it turns away. */

import test from 'ava';
import { Committer, type Committed } from '../dist/shell/committer.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { LIMITS } from '../dist/limits.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acme, alice, carol, NOON_MS, seeded, span, tools, Writer } from './forge.js';

/** A span that compresses to almost nothing. */
const BULKY = 'x'.repeat(200 * 1024);

async function open(
  disk = new MemoryDisk(),
): Promise<{ readonly committer: Committer; readonly commits: readonly Committed[] }> {
  const storage = await LogStore.open({ disk, index: new MemoryIndex(), tools, random: seeded(1) });
  const commits: Committed[] = [];
  const committer = new Committer({
    storage,
    table: new HoldingsTable(storage.feeds()),
    tools,
    clock: {
      now: () => NOON_MS,
      monotonic: () => 0,
      after: (_, run) => {
        const immediate = setImmediate(run);
        return { cancel: () => clearImmediate(immediate) };
      },
    },
    keyPair: carol,
    onCommit: (committed) => commits.push(committed),
  });
  return { committer, commits };
}

test('a frame of few bytes that holds many megabytes is taken in several commits, in order and whole', async (t) => {
  const { committer, commits } = await open();
  const writer = new Writer(alice);
  for (let i = 0; i < 60; i++) writer.write({ spans: [span(i, { data: BULKY })], doc: i + 1 });
  const frame = writer.written.map((entry) => entry.bytes);
  t.true(frame.reduce((sum, bytes) => sum + bytes.length, 0) < LIMITS.creditBytes / 16);
  const { outcomes } = await committer.gate(frame, () => true);
  t.deepEqual(new Set(outcomes.map((outcome) => outcome.kind)), new Set(['accepted']));
  t.is(outcomes.length, 60);
  t.true(commits.length > 2, `${commits.length} commits`);
  for (const { entries } of commits) {
    const bytes = entries.flatMap((entry) => entry.spans).reduce((sum, one) => sum + one.bytes.length, 0);
    t.true(bytes <= LIMITS.gateCommitBytes + LIMITS.batchBytes);
  }
  await committer.close();
});

test('a later frame of the same feed waits for the one before it, however many commits that takes', async (t) => {
  const { committer } = await open();
  const writer = new Writer(alice);
  for (let i = 0; i < 60; i++) writer.write({ spans: [span(i, { data: BULKY })], doc: i + 1 });
  const frame = writer.written.map((entry) => entry.bytes);
  const both = await Promise.all([
    committer.gate(frame.slice(0, 40), () => true),
    committer.gate(frame.slice(40), () => true),
  ]);
  t.deepEqual(
    both.map(({ outcomes }) => outcomes.filter((outcome) => outcome.kind === 'accepted').length),
    [40, 20],
  );
  await committer.close();
});

test('when too much waits, writers here are told to come back and peers are not', async (t) => {
  const disk = new MemoryDisk();
  const { committer } = await open(disk);
  disk.stall();
  const big = span(1, { data: BULKY });
  const waiting: Promise<unknown>[] = [];
  const refused: string[] = [];
  for (let i = 0; i < 400; i++) {
    waiting.push(
      committer
        .append(acme, [big])
        .catch((error: unknown) => refused.push(error instanceof Error ? error.message : '')),
    );
  }
  const writer = new Writer(alice);
  const gated = committer.gate([writer.write().bytes], () => true);
  await new Promise((resolve) => setImmediate(resolve));
  t.true(refused.length > 0);
  t.regex(refused[0] ?? '', /retry/);
  disk.resume();
  await Promise.all(waiting);
  t.is((await gated).outcomes[0]?.kind, 'accepted');
  await committer.close();
});

test('a retried request is a duplicate only with the content it came with first', async (t) => {
  const { committer } = await open();
  const first = span(1, { title: 'first', timestamp: '2025-10-03T22:00:00Z' });
  const again = span(1, { title: 'first', timestamp: '2025-10-03T22:00:01Z' });
  const other = span(1, { title: 'other', timestamp: '2025-10-03T22:00:00Z' });
  const filled = ['id', 'timestamp'];
  t.deepEqual((await committer.append(acme, [first], new Map([[first, filled]]))).outcomes, ['accepted']);
  t.deepEqual((await committer.append(acme, [again], new Map([[again, filled]]))).outcomes, ['duplicate']);
  t.deepEqual((await committer.append(acme, [other], new Map([[other, filled]]))).outcomes, ['mismatch']);
  t.deepEqual((await committer.append(acme, [other])).outcomes, ['conflict']);
  await committer.close();
});
