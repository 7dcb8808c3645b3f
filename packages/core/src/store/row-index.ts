/** The index as the store sees it: rows in memory until there are enough of them for one batch to the key-value store. */

import { LIMITS } from '../limits.js';
import type { Key, KeyValue } from '../ports.js';

type Rows = Map<Key, Uint8Array | undefined>;
/** Keys from which on a look ahead pays. */
const LOOK_AHEAD_LEAST = 8;

type Groups = Map<Key, Set<Key>>;

export class RowIndex {
  readonly #store: KeyValue;
  /** Not yet handed over. */
  #fresh: Rows = new Map();
  #freshBytes = 0;
  /** Handed over, not yet in the store. */
  #leaving: Rows = new Map();
  /** Keys of both by the group that they were set in. */
  #freshGroups: Groups = new Map();
  #leavingGroups: Groups = new Map();
  /** What the store holds, or does not, under keys that were looked up ahead and have not been set since. */
  readonly #ahead: Rows = new Map();
  #flushing: Promise<void> | undefined;
  #flushes = 0;

  constructor(store: KeyValue) {
    this.#store = store;
  }

  get(key: Key): Uint8Array | undefined {
    if (this.#fresh.has(key)) return this.#fresh.get(key);
    if (this.#leaving.has(key)) return this.#leaving.get(key);
    if (this.#ahead.has(key)) return this.#ahead.get(key);
    return this.#store.get(key);
  }

  /** Looks up many keys at once, so that `get` finds them at hand until `forgetAhead`. */
  async lookAhead(keys: readonly Key[]): Promise<void> {
    const wanted = keys.filter(
      (key) => !this.#fresh.has(key) && !this.#leaving.has(key) && !this.#ahead.has(key),
    );
    // A few are read sooner one by one than by another thread.
    if (wanted.length < LOOK_AHEAD_LEAST) return;
    const flushes = this.#flushes;
    const values = await this.#store.getMany(wanted);
    // Rows that were handed over meanwhile may be newer than what was read.
    if (this.#flushes !== flushes) return;
    for (const [i, key] of wanted.entries()) this.#ahead.set(key, values[i]);
  }

  forgetAhead(): void {
    this.#ahead.clear();
  }

  set(key: Key, value: Uint8Array): void {
    this.#ahead.delete(key);
    this.#fresh.set(key, value);
    this.#freshBytes += value.length;
  }

  /** Sets a row of a group: all whose keys begin with `group` are set so, and found without a look at any others. */
  setIn(group: Key, key: Key, value: Uint8Array): void {
    this.set(key, value);
    const keys = this.#freshGroups.get(group);
    if (keys === undefined) this.#freshGroups.set(group, new Set([key]));
    else keys.add(key);
  }

  /** Whether enough rows wait for a batch. */
  get isFull(): boolean {
    return this.#fresh.size >= LIMITS.indexRows || this.#freshBytes >= LIMITS.indexRowBytes;
  }

  /** Rows with `from <= key < to`, ascending. `group`: the one that all of them were set in, if they were. */
  async scan(
    range: { readonly from: Key; readonly to: Key; readonly limit: number },
    group?: Key,
  ): Promise<readonly (readonly [Key, Uint8Array])[]> {
    // Taken before the wait: a batch that lands meanwhile is then in both, never in neither.
    const recent = new Map<Key, Uint8Array | undefined>();
    const isWithin = (key: Key): boolean => key >= range.from && key < range.to;
    if (group === undefined) {
      for (const rows of [this.#leaving, this.#fresh])
        for (const [key, value] of rows) if (isWithin(key)) recent.set(key, value);
    } else {
      for (const groups of [this.#leavingGroups, this.#freshGroups])
        for (const key of groups.get(group) ?? []) if (isWithin(key)) recent.set(key, this.get(key));
    }
    const stored = await this.#store.scan(range);
    if (recent.size === 0) return stored;
    const merged: (readonly [Key, Uint8Array])[] = stored.filter(([key]) => !recent.has(key));
    for (const [key, value] of recent) if (value !== undefined) merged.push([key, value]);
    merged.sort(([a], [b]) => (a < b ? -1 : 1));
    // Beyond a full stored page only the recent rows are known: what lies there belongs to the next page.
    const horizon = stored.length === range.limit ? stored.at(-1)?.[0] : undefined;
    return merged.filter(([key]) => horizon === undefined || key <= horizon).slice(0, range.limit);
  }

  /**
   * Hands all fresh rows and the checkpoint over in one batch. One batch at a time: a second call waits for the first,
   * and only then is the checkpoint made, so that it says no less than the rows beside it.
   */
  async flush(checkpoint: () => ReadonlyMap<Key, Uint8Array>): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    for (const [key, value] of checkpoint()) this.#fresh.set(key, value);
    this.#leaving = this.#fresh;
    this.#leavingGroups = this.#freshGroups;
    this.#fresh = new Map();
    this.#freshGroups = new Map();
    this.#freshBytes = 0;
    this.#flushes++;
    // Not sorted here: the store orders them anyway, and on another thread.
    this.#flushing = this.#store.write(this.#leaving).then(() => {
      this.#leaving = new Map();
      this.#leavingGroups = new Map();
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  get isFlushing(): boolean {
    return this.#flushing !== undefined;
  }

  async clear(): Promise<void> {
    await this.#flushing;
    this.#flushes++;
    this.#ahead.clear();
    this.#fresh.clear();
    this.#freshGroups.clear();
    this.#freshBytes = 0;
    await this.#store.clear();
  }

  async close(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    await this.#store.close();
  }
}
