/** What a start finds written and reads out is durable from then on, whether or not the process before it could say so. */

import test from 'ava';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk } from '../dist/testing/memory-disk.js';
import { MemoryIndex } from '../dist/testing/memory-index.js';
import type { StoreRecord } from '../dist/storage.js';
import { acceptedEntry, acme, alice, epoch, seeded, span, tools, Writer } from './forge.js';

const SEEDS = 20;

/** A machine whose disk forgets in a power cut what was not synced. */
class Machine {
  readonly disk = new MemoryDisk();
  readonly #index = new MemoryIndex();
  #starts = 0;

  /** Every append begins another log file. */
  open(): Promise<LogStore> {
    const { index } = this.#index.reopen();
    const random = seeded(++this.#starts);
    return LogStore.open({ disk: this.disk, index, tools, random, logFileBytes: 1 });
  }

  cutPower(seed: number): void {
    const random = seeded(seed);
    this.disk.crash({ random });
    this.#index.crash({ random });
  }
}

function entryOf(start: number): StoreRecord {
  const forged = new Writer(alice, { epoch: epoch(start) }).write({ spans: [span(start)] });
  return { kind: 'entry', entry: acceptedEntry(forged) };
}

/** Alice's first append is durable; the sync of her second fails, and her process is started anew. */
async function afterFailedSync(machine: Machine): Promise<LogStore> {
  const store = await machine.open();
  await store.commit([entryOf(1)]);
  machine.disk.failNext('sync', new Error('asked for'));
  await store.commit([entryOf(2)]).catch(() => undefined);
  await store.close();
  return machine.open();
}

test('a span that a restarted store shows is there after a power cut', async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const machine = new Machine();
    const store = await afterFailedSync(machine);
    t.is(store.counts().get(acme), 2);
    machine.cutPower(seed);
    const again = await machine.open();
    t.is(again.counts().get(acme), 2, `seed ${seed}`);
    await again.close();
  }
});

test('a restarted store that writes on in another file opens after a power cut', async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const machine = new Machine();
    const store = await afterFailedSync(machine);
    await store.commit([entryOf(3)]);
    machine.cutPower(seed);
    const again = await machine.open();
    t.is(again.counts().get(acme), 3, `seed ${seed}`);
    await again.close();
  }
});
