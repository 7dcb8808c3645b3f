import test from 'ava';
import { compareStamps, type Stamp } from '../dist/clock.js';
import { headerOfAccepted, splitEntry } from '../dist/entry.js';
import { FederationNode } from '../dist/node.js';
import { createTools } from '../dist/node/system.js';
import type { Clock } from '../dist/ports.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, MemoryNetwork, SeededRandom } from '../dist/testing/index.js';

const NOON_MS = 1_759_492_800_000;
const TOOLS = createTools();

/** Appends one span on a machine whose wall clock stands at `nowMs`, and returns the stamp of its entry. */
async function appendAt(
  nowMs: number,
  machine: { disk: MemoryDisk; index: MemoryIndex; random: SeededRandom },
): Promise<Stamp> {
  const { disk, random } = machine;
  const clock: Clock = { now: () => nowMs, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
  const { index } = machine.index.reopen();
  const storage = await LogStore.open({ disk, index, tools: TOOLS, random });
  const keyPair = TOOLS.crypto.keyPair(new Uint8Array(32).fill(1));
  const transport = new MemoryNetwork({ clock, random }).transport({ address: 'alice', keyPair });
  await using node = await FederationNode.open({
    name: 'alice',
    keyPair,
    storage,
    transport,
    clock,
    random,
    tools: TOOLS,
  });
  await node.timeline('acme').append([{ logline_id: 'logline-id://person/alice', title: 'hello' }]);
  const own = storage.feeds().at(-1);
  if (own === undefined) throw new Error('nothing was written');
  const [entry] = await storage.entries(own.key, { from: 1, to: 1, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  if (header === undefined) throw new Error('the entry cannot be read');
  return header.stamp;
}

test('a node whose wall clock was set back by a little stamps on from where it was', async (t) => {
  const machine = { disk: new MemoryDisk(), index: new MemoryIndex(), random: new SeededRandom(1) };
  const before = await appendAt(NOON_MS, machine);
  const after = await appendAt(NOON_MS - 30_000, machine);
  t.deepEqual(before, { ms: NOON_MS, count: 0 });
  t.true(compareStamps(after, before) > 0);
  t.is(after.ms, NOON_MS);
});

test('a node whose wall clock had been far ahead does not carry that on', async (t) => {
  const machine = { disk: new MemoryDisk(), index: new MemoryIndex(), random: new SeededRandom(1) };
  await appendAt(NOON_MS + 86_400_000, machine);
  t.deepEqual(await appendAt(NOON_MS, machine), { ms: NOON_MS, count: 0 });
});
