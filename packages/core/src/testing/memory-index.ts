/** An index in memory that loses its newest batches in a crash, as an unsynced one on a disk does. */

import { LoglineError } from '../errors.js';
import type { Key, KeyValue, Random } from '../ports.js';
import { below } from './memory-disk.js';

type Rows = ReadonlyMap<Key, Uint8Array | undefined>;
type Row = readonly [Key, Uint8Array];

/** The rows of an index at one moment: a backup. */
export type IndexSnapshot = ReadonlyMap<Key, Uint8Array>;

/** A store in the background syncs its buffers one by one, so only so many batches are ever at risk. */
const BATCHES_AT_RISK = 16;
/** One crash in so many loses the index as a whole. */
const WHOLE_LOSS_ONE_IN = 8;

export class MemoryIndex implements KeyValue {
  #rows = new Map<Key, Uint8Array>();
  /** What each batch since `settle` replaced, oldest first. */
  #undo: Rows[] = [];
  /** Keys in order, some of them perhaps deleted, and those that came since. Merged when a scan needs them. */
  #sorted: Key[] = [];
  #unsorted = new Set<Key>();
  #isClosed = false;
  #isFresh = true;
  #lostBatches = 0;
  #lostIndexes = 0;

  /** Batches that crashes took one by one, and how often one took everything. */
  get faults(): { readonly lostBatches: number; readonly lostIndexes: number } {
    return { lostBatches: this.#lostBatches, lostIndexes: this.#lostIndexes };
  }

  get(key: Key): Uint8Array | undefined {
    this.#refuseIfClosed();
    return this.#rows.get(key)?.slice();
  }

  async getMany(keys: readonly Key[]): Promise<readonly (Uint8Array | undefined)[]> {
    return keys.map((key) => this.get(key));
  }

  async write(rows: Rows): Promise<void> {
    this.#refuseIfClosed();
    const replaced = new Map<Key, Uint8Array | undefined>();
    for (const [key, value] of rows) {
      replaced.set(key, this.#rows.get(key));
      this.#set(key, value?.slice());
    }
    this.#isFresh = false;
    this.#undo.push(replaced);
    if (this.#undo.length > BATCHES_AT_RISK) this.#undo.shift();
  }

  async scan(range: Parameters<KeyValue['scan']>[0]): Promise<readonly Row[]> {
    this.#refuseIfClosed();
    const { from, to, limit, reverse = false } = range;
    this.#sort();
    const found: Row[] = [];
    const first = this.#countBelow(from);
    const end = Math.max(first, this.#countBelow(to));
    for (let i = first; i < end && found.length < limit; i++) {
      const key = this.#sorted[reverse ? first + end - 1 - i : i] ?? '';
      const value = this.#rows.get(key);
      if (value !== undefined) found.push([key, value.slice()]);
    }
    return found;
  }

  async clear(): Promise<void> {
    this.#refuseIfClosed();
    this.#replace(new Map());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  /** Opens the same rows again after `close` or `crash`, as `openLevelIndex` does. */
  reopen(): { readonly index: KeyValue; readonly fresh: boolean } {
    this.#isClosed = false;
    return { index: this, fresh: this.#isFresh };
  }

  /** From here on a crash can no longer take what was written so far. */
  settle(): void {
    this.#undo = [];
  }

  /** Loses any number of the newest batches, or now and then everything. */
  crash({ random }: { readonly random: Random }): void {
    if (below(random, WHOLE_LOSS_ONE_IN) === 0) {
      this.#lostIndexes++;
      this.#replace(new Map());
      return;
    }
    const lost = below(random, this.#undo.length + 1);
    this.#lostBatches += lost;
    for (let i = 0; i < lost; i++) {
      for (const [key, value] of this.#undo.pop() ?? []) this.#set(key, value);
    }
    this.settle();
  }

  snapshot(): IndexSnapshot {
    return new Map(this.#rows);
  }

  /** Puts a backup in place of everything. */
  restore(snapshot: IndexSnapshot): void {
    this.#replace(new Map(snapshot));
    this.#isFresh = snapshot.size === 0;
  }

  #set(key: Key, value: Uint8Array | undefined): void {
    if (value === undefined) {
      this.#rows.delete(key);
      return;
    }
    if (!this.#rows.has(key)) this.#unsorted.add(key);
    this.#rows.set(key, value);
  }

  #replace(rows: Map<Key, Uint8Array>): void {
    this.#rows = rows;
    this.#undo = [];
    this.#sorted = [];
    this.#unsorted = new Set(rows.keys());
    this.#isFresh = true;
  }

  /** Merges what came since the last scan, which is less work than sorting everything. */
  #sort(): void {
    if (this.#unsorted.size === 0) return;
    const added = [...this.#unsorted].sort();
    const merged: Key[] = [];
    let next = 0;
    for (const key of this.#sorted) {
      for (let fresh = added[next]; fresh !== undefined && fresh < key; fresh = added[++next])
        merged.push(fresh);
      // A deleted key may have come back meanwhile, and is then in both.
      if (this.#rows.has(key) && key !== added[next]) merged.push(key);
    }
    this.#sorted = merged.concat(added.slice(next));
    this.#unsorted.clear();
  }

  #countBelow(bound: Key): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? '') < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new LoglineError('closed', 'the index is closed: open it again to use it');
  }
}
