/** What the store keeps at hand: feeds, tenants, facts and runs. Brought forward record by record, saved with each batch of rows. */

import { decodeCbor, encodeCbor, isCborList, isCount } from '../cbor.js';
import { EPOCH_BYTES } from '../entry.js';
import { LoglineError } from '../errors.js';
import { emptyFeed, extendFeed, splitFeedKey, type Feed, type FeedKey } from '../feed.js';
import { parseTenant, type TenantId } from '../identity.js';
import type { Text } from '../ports.js';
import type { AcceptedEntry } from '../storage.js';
import type { LogMark } from './log.js';
import type { RowIndex } from './row-index.js';
import * as rows from './rows.js';

interface TenantCount {
  readonly ordinal: number;
  spans: number;
}

export class Catalog {
  readonly feeds: Feed[] = [];
  readonly facts = new Map<string, Uint8Array>();
  entries = 0;
  /** The last record of the log that everything here and in the rows covers. */
  mark: LogMark | undefined;
  readonly #index: RowIndex;
  readonly #text: Text;
  readonly #ordinals = new Map<FeedKey, number>();
  readonly #tenants = new Map<TenantId, TenantCount>();
  /** Where each run began to write, ascending. */
  readonly #runs: { readonly position: number; readonly run: Uint8Array }[] = [];
  readonly #changedFeeds = new Set<number>();
  readonly #changedTenants = new Set<TenantId>();

  constructor(index: RowIndex, text: Text) {
    this.#index = index;
    this.#text = text;
  }

  /** The position in the log up to which everything has been applied. */
  get reached(): number {
    return this.mark?.end ?? 0;
  }

  /** Loads what the last batch saved. False where there is none, it is of another version, or it contradicts itself. */
  async load(): Promise<boolean> {
    const checkpoint = rows.readCheckpoint(this.#index.get(rows.CHECKPOINT_KEY));
    if (checkpoint === undefined) return false;
    for (const [key, value] of await this.#all('f')) {
      const feed = rows.readFeed(value);
      if (feed === undefined || rows.ordinalOfKey(key) !== this.feeds.length) return false;
      this.#ordinals.set(feed.key, this.feeds.length);
      this.feeds.push(feed);
    }
    for (const [key, value] of await this.#all('n')) {
      const row = decodeCbor(value);
      const [name, spans] = isCborList(row) ? row : [];
      const tenant = typeof name === 'string' ? parseTenant(name) : undefined;
      if (tenant === undefined || !isCount(spans) || rows.ordinalOfKey(key) !== this.#tenants.size)
        return false;
      this.#tenants.set(tenant, { ordinal: this.#tenants.size, spans });
    }
    for (const [key, value] of await this.#all('l')) {
      this.facts.set(this.#text.decode(rows.nameOfFactKey(key)) ?? '', value);
    }
    for (const [key, run] of await this.#all('r'))
      this.#runs.push({ position: rows.positionOfRunKey(key), run });
    this.entries = checkpoint.entries;
    this.mark = checkpoint.mark;
    return true;
  }

  /** Forgets everything: the log is about to be read from its beginning. */
  async startOver(): Promise<void> {
    this.feeds.length = 0;
    this.facts.clear();
    this.entries = 0;
    this.mark = undefined;
    this.#ordinals.clear();
    this.#tenants.clear();
    this.#runs.length = 0;
    this.#changedFeeds.clear();
    this.#changedTenants.clear();
    await this.#index.clear();
  }

  /** Writes the rows that changed and the checkpoint, with all other rows that wait, in one batch. */
  async save(): Promise<void> {
    await this.#index.flush(() => this.#changes());
  }

  #changes(): ReadonlyMap<string, Uint8Array> {
    const batch = new Map<string, Uint8Array>();
    for (const ordinal of this.#changedFeeds) {
      const feed = this.feeds[ordinal];
      if (feed !== undefined) batch.set(rows.feedRowKey(ordinal), rows.writeFeed(feed));
    }
    for (const tenant of this.#changedTenants) {
      const count = this.#tenants.get(tenant);
      if (count !== undefined) batch.set(rows.tenantRowKey(count.ordinal), encodeCbor([tenant, count.spans]));
    }
    this.#changedFeeds.clear();
    this.#changedTenants.clear();
    const { mark, entries } = this;
    if (mark === undefined) return batch;
    const checkpoint = rows.writeCheckpoint({ version: rows.INDEX_VERSION, entries, mark });
    return batch.set(rows.CHECKPOINT_KEY, checkpoint);
  }

  /** The number under which a feed stands in the rows; a new one is made for a new feed. */
  ordinalOf(key: FeedKey): number {
    const known = this.#ordinals.get(key);
    if (known !== undefined) return known;
    const ordinal = this.feeds.length;
    this.#ordinals.set(key, ordinal);
    this.feeds.push(emptyFeed(key));
    return ordinal;
  }

  knownOrdinal(key: FeedKey): number | undefined {
    return this.#ordinals.get(key);
  }

  feedAt(ordinal: number): Feed {
    const feed = this.feeds[ordinal];
    if (feed !== undefined) return feed;
    throw new LoglineError(
      'damaged',
      'the index names a feed that it does not list: stop the node, remove its index folder and start again',
    );
  }

  originAt(ordinal: number): Uint8Array {
    return splitFeedKey(this.feedAt(ordinal).key)?.origin ?? new Uint8Array(0);
  }

  /** Brings the entry's feed forward; returns its number. */
  addEntry(entry: AcceptedEntry): number {
    const ordinal = this.ordinalOf(entry.key);
    const feed = this.feedAt(ordinal);
    this.feeds[ordinal] = extendFeed(feed, entry);
    this.#changedFeeds.add(ordinal);
    this.entries++;
    return ordinal;
  }

  addFork(key: FeedKey, seq: number): void {
    const ordinal = this.ordinalOf(key);
    const feed = this.feedAt(ordinal);
    this.feeds[ordinal] = { ...feed, forkedAt: Math.min(seq, feed.forkedAt ?? seq) };
    this.#changedFeeds.add(ordinal);
  }

  addFact(name: string, value: Uint8Array): void {
    this.facts.set(name, value);
    this.#index.set(rows.factRowKey(this.#text.encode(name)), value);
  }

  addRun(position: number, run: Uint8Array): void {
    this.#runs.push({ position, run });
    this.#index.set(rows.runRowKey(position), run);
  }

  /** The run that wrote at a position; zeros where nothing has been written yet. */
  runAt(position: number): Uint8Array {
    return this.#runs.findLast((one) => one.position <= position)?.run ?? new Uint8Array(EPOCH_BYTES);
  }

  /** The latest run that has written, and where it began to. */
  get lastRun(): { readonly position: number; readonly run: Uint8Array } | undefined {
    return this.#runs.at(-1);
  }

  tenantOrdinal(tenant: TenantId): number | undefined {
    return this.#tenants.get(tenant)?.ordinal;
  }

  /** The count of a tenant's spans, to be raised by the caller as it adds them. */
  countOf(tenant: TenantId): TenantCount {
    this.#changedTenants.add(tenant);
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const made = { ordinal: this.#tenants.size, spans: 0 };
    this.#tenants.set(tenant, made);
    return made;
  }

  counts(): ReadonlyMap<TenantId, number> {
    return new Map([...this.#tenants].map(([tenant, count]) => [tenant, count.spans]));
  }

  async #all(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return this.#index.scan({ from: prefix, to: rows.endOfPrefix(prefix), limit: Number.MAX_SAFE_INTEGER });
  }
}
