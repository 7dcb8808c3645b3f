/** What the store keeps at hand: feeds, tenants, facts and runs. Brought forward record by record, saved with each batch of rows. */

import { decodeCbor, encodeCbor, isCborList, isCount } from '../cbor.js';
import { EPOCH_BYTES } from '../entry.js';
import { LoglineError } from '../errors.js';
import {
  barredFrom,
  emptyFeed,
  extendFeed,
  quarantineOf,
  scopeOfFeed,
  splitFeedKey,
  withBar,
  withFork,
  type Bar,
  type Feed,
  type FeedKey,
} from '../feed.js';
import { parseTenant, tenantOfTimeline, type TenantId } from '../identity.js';
import type { Text } from '../ports.js';
import type { AcceptedEntry, Quarantined, Shift, Tally, Withheld } from '../storage.js';
import type { LogMark } from './log.js';
import type { RowIndex } from './row-index.js';
import * as rows from './rows.js';

interface TenantCount {
  readonly ordinal: number;
  /** Ids stored. */
  spans: number;
  /** Spans quarantined. */
  withheld: number;
}

const NOTHING: Tally = { entries: 0, spans: 0 };

export class Catalog {
  readonly feeds: Feed[] = [];
  readonly facts = new Map<string, Uint8Array>();
  entries = 0;
  /** The last record of the log that everything here and in the rows covers. */
  mark: LogMark | undefined;
  readonly #index: RowIndex;
  readonly #text: Text;
  readonly #ordinals = new Map<FeedKey, number>();
  /** What is quarantined, of the feeds with a bar. */
  readonly #withheld = new Map<number, Tally>();
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
      const row = rows.readFeed(value);
      const ordinal = this.feeds.length;
      if (row === undefined || rows.ordinalOfKey(key) !== ordinal) return false;
      this.#ordinals.set(row.feed.key, ordinal);
      if (quarantineOf(row.feed) !== undefined) this.#withheld.set(ordinal, row.withheld);
      this.feeds.push(row.feed);
    }
    for (const [key, value] of await this.#all('n')) {
      const row = decodeCbor(value);
      const [name, spans, withheld] = isCborList(row) ? row : [];
      const tenant = typeof name === 'string' ? parseTenant(name) : undefined;
      const isInOrder = rows.ordinalOfKey(key) === this.#tenants.size;
      if (tenant === undefined || !isCount(spans) || !isCount(withheld) || !isInOrder) return false;
      this.#tenants.set(tenant, { ordinal: this.#tenants.size, spans, withheld });
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
    this.#withheld.clear();
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
      const withheld = this.withheldOf(ordinal);
      if (feed !== undefined) batch.set(rows.feedRowKey(ordinal), rows.writeFeed({ feed, withheld }));
    }
    for (const tenant of this.#changedTenants) {
      const count = this.#tenants.get(tenant);
      if (count === undefined) continue;
      batch.set(rows.tenantRowKey(count.ordinal), encodeCbor([tenant, count.spans, count.withheld]));
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

  /** As it is held; an empty one where nothing is. */
  feedOf(key: FeedKey): Feed {
    const ordinal = this.#ordinals.get(key);
    return ordinal === undefined ? emptyFeed(key) : this.feedAt(ordinal);
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
    if (entry.header.seq >= barredFrom(feed)) {
      const { entries, spans } = this.withheldOf(ordinal);
      this.#withhold(ordinal, { entries: entries + 1, spans: spans + entry.spans.length });
    }
    this.entries++;
    return ordinal;
  }

  /** Of several forks of a feed the lowest counts, with its proof. */
  addFork(
    fork: { readonly key: FeedKey; readonly seq: number; readonly withheld: Withheld },
    position: number,
  ): void {
    const ordinal = this.ordinalOf(fork.key);
    const feed = this.feedAt(ordinal);
    if (feed.forkedAt !== undefined && feed.forkedAt <= fork.seq) return;
    this.#index.set(rows.forkRowKey(ordinal), rows.writePosition(position));
    this.#shift(ordinal, withFork(feed, fork.seq, fork.withheld.clip), { ...fork, position });
  }

  addBar(
    barred: { readonly key: FeedKey; readonly bar: Bar | undefined; readonly withheld: Withheld },
    position: number,
  ): void {
    const ordinal = this.ordinalOf(barred.key);
    const feed = withBar(this.feedAt(ordinal), barred.bar, barred.withheld.clip);
    this.#shift(ordinal, feed, { ...barred, position });
  }

  #shift(
    ordinal: number,
    feed: Feed,
    { withheld, position }: { readonly withheld: Withheld; readonly position: number },
  ): void {
    const [was, now] = [barredFrom(this.feedAt(ordinal)), barredFrom(feed)];
    if (was !== now) this.#index.set(rows.shiftRowKey(position), rows.writeShift(ordinal, { was, now }));
    this.#withhold(ordinal, now === Number.POSITIVE_INFINITY ? NOTHING : withheld);
    this.feeds[ordinal] = feed;
  }

  /** Notes how much of a feed is quarantined. */
  #withhold(ordinal: number, { entries, spans }: Tally): void {
    const tenant = tenantOfTimeline(scopeOfFeed(this.feedAt(ordinal).key));
    const more = spans - this.withheldOf(ordinal).spans;
    if (tenant !== undefined && more !== 0) this.countOf(tenant).withheld += more;
    if (entries === 0) this.#withheld.delete(ordinal);
    else this.#withheld.set(ordinal, { entries, spans });
    this.#changedFeeds.add(ordinal);
  }

  withheldOf(ordinal: number): Tally {
    return this.#withheld.get(ordinal) ?? NOTHING;
  }

  /** Whether an entry of a feed is quarantined. */
  isQuarantined(ordinal: number, seq: number): boolean {
    return seq >= barredFrom(this.feedAt(ordinal));
  }

  quarantined(): readonly Quarantined[] {
    return this.feeds.flatMap((feed, ordinal) => {
      const bar = quarantineOf(feed);
      if (bar === undefined) return [];
      const to = Math.max(bar.from - 1, feed.ranges.at(-1)?.to ?? 0);
      return [{ key: feed.key, to, ...bar, ...this.withheldOf(ordinal) }];
    });
  }

  /** Where the record with the proof of a feed's fork stands. */
  forkPosition(key: FeedKey): number | undefined {
    const ordinal = this.#ordinals.get(key);
    const value = ordinal === undefined ? undefined : this.#index.get(rows.forkRowKey(ordinal));
    return value === undefined ? undefined : rows.readPosition(value);
  }

  /** What a record changed of a feed's bar, if it did. */
  shiftAt(position: number): Shift | undefined {
    const shift = rows.readShift(this.#index.get(rows.shiftRowKey(position)));
    return shift && { position, key: this.feedAt(shift.feed).key, was: shift.was, now: shift.now };
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
    const made = { ordinal: this.#tenants.size, spans: 0, withheld: 0 };
    this.#tenants.set(tenant, made);
    return made;
  }

  /** A tenant of which everything is quarantined looks like one that nothing is known of. */
  counts(): ReadonlyMap<TenantId, number> {
    const counts = [...this.#tenants].map(
      ([tenant, { spans, withheld }]) => [tenant, spans - withheld] as const,
    );
    return new Map(counts.filter(([, spans]) => spans > 0));
  }

  async #all(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return this.#index.scan({ from: prefix, to: rows.endOfPrefix(prefix), limit: Number.MAX_SAFE_INTEGER });
  }
}
