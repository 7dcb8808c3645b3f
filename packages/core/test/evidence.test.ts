/** R7: the same place with another hash is evidence only if its origin signed it. */

import test, { type ExecutionContext } from 'ava';
import type { GateOutcome } from '../dist/gate.js';
import { Draft } from '../dist/shell/draft.js';
import { resolveHeld } from '../dist/shell/evidence.js';
import type { AcceptedEntry } from '../dist/storage.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { acceptedEntry, alice, bob, Keeper, seeded, span, tools, withSignature, Writer } from './forge.js';

type Held = Extract<GateOutcome, { readonly kind: 'held' }>;

/** What a node says of `bytes` that holds `entries`: in its store, or in the commit under way. */
async function judged(
  t: ExecutionContext,
  bytes: Uint8Array,
  held: { readonly entries: readonly AcceptedEntry[]; readonly in: 'store' | 'draft' },
): Promise<GateOutcome> {
  const keeper = new Keeper();
  for (const entry of held.entries) keeper.keep(entry);
  const outcome = keeper.judge(bytes);
  t.is(outcome.kind, 'held');
  const storage = await LogStore.open({
    disk: new MemoryDisk(),
    index: new MemoryIndex(),
    tools,
    random: seeded(1),
  });
  if (held.in === 'store')
    await storage.commit(held.entries.map((entry) => ({ kind: 'entry' as const, entry })));
  const table = new HoldingsTable(storage.feeds());
  const draft = new Draft(table);
  if (held.in === 'draft') for (const entry of held.entries) draft.add(entry);
  const resolved = await resolveHeld(outcome as Held, { draft, storage, tools });
  await storage.close();
  return resolved;
}

for (const where of ['store', 'draft'] as const) {
  test(`an entry that is in the ${where} already is a repetition, whatever its signature now says`, async (t) => {
    const writer = new Writer(alice);
    writer.write();
    const second = writer.write();
    const held = { entries: writer.written.map(acceptedEntry), in: where };
    t.is((await judged(t, second.bytes, held)).kind, 'held');
    const defaced = withSignature(second.bytes, () => new Uint8Array(64));
    t.is((await judged(t, defaced, held)).kind, 'held');
  });

  test(`another entry at a place that the ${where} holds, signed by its origin, is a fork`, async (t) => {
    const writer = new Writer(alice);
    writer.write();
    writer.write();
    const other = new Writer(alice, { history: writer.written.slice(0, 1) }).draft({ spans: [span(9)] });
    const held = { entries: writer.written.map(acceptedEntry), in: where };
    const outcome = await judged(t, other.bytes, held);
    t.deepEqual(outcome, {
      kind: 'fork',
      key: held.entries[1]?.key,
      seq: 2,
      bytes: other.bytes,
    } as GateOutcome);
  });

  test(`another entry at a place that the ${where} holds, not signed by its origin, is a fault`, async (t) => {
    const writer = new Writer(alice);
    writer.write();
    const held = { entries: writer.written.map(acceptedEntry), in: where };
    const forged = new Writer(alice).draft({ spans: [span(9)], signer: bob });
    const outcome = await judged(t, forged.bytes, held);
    t.is(outcome.kind === 'fault' ? outcome.check : outcome.kind, 'signature');
  });
}
