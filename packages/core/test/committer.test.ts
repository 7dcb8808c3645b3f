/** R7 and the commit: what the gate lets through is durable, and a fork is kept with what proves it. */

import test from 'ava';
import { equalBytes } from '../dist/bytes.js';
import { decodeCbor, isCborList } from '../dist/cbor.js';
import { headerOfAccepted, splitEntry } from '../dist/entry.js';
import type { GateOutcome } from '../dist/gate.js';
import { Committer } from '../dist/shell/committer.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { Log } from '../dist/store/log.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import { alice, bob, carol, hashOf, NOON_MS, seeded, span, tools, Writer } from './forge.js';

const FORK_RECORD = 3;

/** Carol's node, which takes what it is brought. */
class CarolsNode {
  readonly #disk = new MemoryDisk();
  readonly #index = new MemoryIndex();
  #table = new HoldingsTable([]);
  #store: LogStore | undefined;
  #committer: Committer | undefined;

  /** Starts, or starts again on the same disk. */
  async start(): Promise<void> {
    await this.#committer?.close();
    await this.#store?.close();
    const { index } = this.#index.reopen();
    this.#store = await LogStore.open({ disk: this.#disk, index, tools, random: seeded(1) });
    this.#table = new HoldingsTable(this.#store.feeds());
    const clock = { now: () => NOON_MS, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
    this.#committer = new Committer({
      storage: this.#store,
      table: this.#table,
      tools,
      clock,
      keyPair: carol,
      onCommit: () => undefined,
    });
  }

  async take(...entries: readonly { readonly bytes: Uint8Array }[]): Promise<readonly GateOutcome[]> {
    if (this.#committer === undefined) throw new Error('not started');
    const bytes = entries.map((entry) => entry.bytes);
    return (await this.#committer.gate(bytes, () => true)).outcomes;
  }

  get feeds(): readonly { readonly forkedAt: number | undefined; readonly last: number | undefined }[] {
    return [...this.#table.feeds()].map(({ forkedAt, ranges }) => ({ forkedAt, last: ranges.at(-1)?.to }));
  }

  /** The proofs of forks that are on the disk. */
  async proofs(): Promise<readonly (readonly Uint8Array[])[]> {
    const log = await Log.open(this.#disk, tools.crypto);
    const { records } = await log.readFrom(0, 100_000_000);
    return records
      .filter((record) => record.kind === FORK_RECORD)
      .map((record) => {
        const fields = decodeCbor(record.payload);
        const proof = isCborList(fields) ? fields[2] : undefined;
        return isCborList(proof) ? proof.filter((item) => item instanceof Uint8Array) : [];
      });
  }
}

const kinds = (outcomes: readonly GateOutcome[]): readonly string[] =>
  outcomes.map((outcome) => outcome.kind);

/** Whether signed entries contradict one another: the same place with another hash, or a neighbour that names another. */
function proves(proof: readonly Uint8Array[]): boolean {
  const entries = proof.map((bytes) => {
    const parts = splitEntry(bytes);
    const header = parts === undefined ? undefined : headerOfAccepted(parts);
    if (header === undefined) throw new Error('a proof is made of entries');
    return { header, hash: hashOf(bytes) };
  });
  return entries.some((a) =>
    entries.some(
      (b) =>
        (a.header.seq === b.header.seq && !equalBytes(a.hash, b.hash)) ||
        (a.header.seq + 1 === b.header.seq &&
          b.header.prev !== undefined &&
          !equalBytes(b.header.prev, a.hash)),
    ),
  );
}

test('fork: another entry at a held place is kept with the one that is held, and outlives a restart', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  await node.take(writer.write(), writer.write());
  const other = new Writer(alice, { history: writer.written.slice(0, 1) }).write({ spans: [span(9)] });
  t.deepEqual(kinds(await node.take(other)), ['fork']);
  t.deepEqual(node.feeds, [{ forkedAt: 2, last: 2 }]);
  const proofs = await node.proofs();
  t.is(proofs.length, 1);
  t.true(proofs.every(proves));
  await node.start();
  t.deepEqual(node.feeds, [{ forkedAt: 2, last: 2 }]);
  t.deepEqual(kinds(await node.take(writer.write())), ['not_yet'], 'nothing is taken from there on');
});

test('fork: an entry that follows on another branch is kept with the one it should follow on', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  await node.take(writer.write(), writer.write());
  const branch = new Writer(alice, { history: writer.written.slice(0, 1) });
  branch.write({ spans: [span(9)] });
  t.deepEqual(kinds(await node.take(branch.write())), ['fork']);
  t.deepEqual(node.feeds, [{ forkedAt: 2, last: 2 }], 'it commits to another second entry');
  t.deepEqual((await node.proofs()).map(proves), [true]);
});

test('fork: an entry that would close a gap between two branches is kept with the one that contradicts it', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  const first = writer.write();
  writer.write();
  await node.take(first, writer.write({ doc: 3 }));
  const other = new Writer(alice, { history: [first] }).write({ spans: [span(9)] });
  t.deepEqual(kinds(await node.take(other)), ['fork']);
  t.deepEqual((await node.proofs()).map(proves), [true]);
});

test('fork: both branches in one frame are told apart', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  const first = writer.write();
  const other = new Writer(alice, { history: [first] }).write({ spans: [span(9)] });
  t.deepEqual(kinds(await node.take(first, writer.write(), other)), ['accepted', 'accepted', 'fork']);
  t.deepEqual((await node.proofs()).map(proves), [true]);
});

test('fork: the same evidence again is not kept again', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  await node.take(writer.write(), writer.write());
  const other = new Writer(alice, { history: writer.written.slice(0, 1) }).write({ spans: [span(9)] });
  await node.take(other);
  await node.take(other, other);
  t.is((await node.proofs()).length, 1);
});

test('fork: what the origin did not sign is a fault, and is not kept', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  await node.take(writer.write(), writer.write());
  const forged = new Writer(alice, { history: writer.written.slice(0, 1) }).draft({
    spans: [span(9)],
    signer: bob,
  });
  t.deepEqual(kinds(await node.take(forged)), ['fault']);
  t.deepEqual(node.feeds, [{ forkedAt: undefined, last: 2 }]);
  t.deepEqual(await node.proofs(), []);
});

test('a frame is taken up to its first fault, and what came before it is durable', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  const [first, second] = [writer.write(), writer.write()];
  const forged = writer.draft({ signer: bob });
  t.deepEqual(kinds(await node.take(first, second, forged, writer.write())), [
    'accepted',
    'accepted',
    'fault',
  ]);
  await node.start();
  t.deepEqual(node.feeds, [{ forkedAt: undefined, last: 2 }]);
});

test('a fork of one feed leaves the others alone', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const [writer, honest] = [new Writer(alice), new Writer(bob)];
  await node.take(writer.write(), writer.write(), honest.write());
  const other = new Writer(alice, { history: writer.written.slice(0, 1) }).write({ spans: [span(9)] });
  t.deepEqual(kinds(await node.take(other, honest.write())), ['fork', 'accepted']);
});

test('a caller that comes back however many turns after its answer is answered again', async (t) => {
  const node = new CarolsNode();
  await node.start();
  const writer = new Writer(alice);
  for (let turns = 0; turns < 30; turns++) {
    t.deepEqual(kinds(await node.take(writer.write())), ['accepted']);
    for (let i = 0; i < turns; i++) await Promise.resolve();
  }
});
