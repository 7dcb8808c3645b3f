/** The storage port over a log and its derived index: durable before readable, readable before acknowledged. */

import { equalBytes, numberKey } from '../bytes.js';
import { decodeCbor, encodeCbor, isCborList } from '../cbor.js';
import { EPOCH_BYTES } from '../entry.js';
import { LoglineError, messageOf } from '../errors.js';
import { emptyFeed, extendFeed, growSegment, splitFeedKey, type Feed, type FeedKey } from '../feed.js';
import { tenantOfTimeline, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Disk, KeyValue, Random, Tools } from '../ports.js';
import type { Span, SpanId } from '../span.js';
import type {
  AcceptedEntry,
  Arrival,
  ArrivalCursor,
  SpanVariant,
  Storage,
  StorageFigures,
  StoredEntry,
  StoreRecord,
  TimelineRow,
} from '../storage.js';
import { describeEntry } from './describe.js';
import { Log, type LogRecord } from './log.js';
import { RowIndex } from './row-index.js';
import * as rows from './rows.js';
import { SpanCache } from './span-cache.js';

const KIND = { entry: 1, fact: 2, fork: 3, run: 4 } as const;
const CATCH_UP_BYTES = 1024 * 1024;

interface TenantCount {
  readonly ordinal: number;
  spans: number;
}

export interface StoreOptions {
  readonly disk: Disk;
  readonly index: KeyValue;
  readonly tools: Tools;
  readonly random: Random;
  /** Called while the index catches up with the log, with positions in bytes. */
  readonly onProgress?: (reached: number, end: number) => void;
}

export class LogStore implements Storage {
  readonly run: Uint8Array;
  /** Bytes cut from the end of the log at opening: an append that was never acknowledged. */
  readonly tornBytes: number;
  readonly #log: Log;
  readonly #index: RowIndex;
  readonly #tools: Tools;
  readonly #cache: SpanCache;
  readonly #feeds: { readonly byKey: Map<FeedKey, number>; readonly list: Feed[] } = {
    byKey: new Map(),
    list: [],
  };
  readonly #dirtyFeeds = new Set<number>();
  readonly #tenants = new Map<TenantId, TenantCount>();
  readonly #dirtyTenants = new Set<TenantId>();
  readonly #facts = new Map<string, Uint8Array>();
  /** Where each run began to write, ascending. */
  readonly #runs: { readonly position: number; readonly run: Uint8Array }[] = [];
  #entries = 0;
  #reached = 0;
  #readOnly: string | undefined;

  private constructor(log: Log, index: RowIndex, options: StoreOptions) {
    this.#log = log;
    this.#index = index;
    this.#tools = options.tools;
    this.#cache = new SpanCache(options.tools);
    this.run = options.random.bytes(EPOCH_BYTES);
    this.tornBytes = log.opening.tornBytes;
  }

  /** Opens the store; the index is caught up from the log, or built anew where it is absent, older or ahead. */
  static async open(options: StoreOptions): Promise<LogStore> {
    const index = new RowIndex(options.index);
    const checkpoint = rows.readCheckpoint(index.get(rows.CHECKPOINT_KEY));
    const log = await Log.open(options.disk, options.tools.crypto, checkpoint?.reached ?? 0);
    const store = new LogStore(log, index, options);
    const usable =
      checkpoint !== undefined && checkpoint.reached <= log.end && (await store.#load(checkpoint));
    if (!usable) await store.#startOver();
    await store.#catchUp(options.onProgress);
    return store;
  }

  feeds(): readonly Feed[] {
    return this.#feeds.list;
  }

  facts(): ReadonlyMap<string, Uint8Array> {
    return this.#facts;
  }

  counts(): ReadonlyMap<TenantId, number> {
    return new Map([...this.#tenants].map(([tenant, count]) => [tenant, count.spans]));
  }

  async commit(records: readonly StoreRecord[]): Promise<readonly number[]> {
    if (this.#readOnly !== undefined) {
      throw new LoglineError(
        'read_only',
        `storage is read-only since a failed write (${this.#readOnly}): mend the disk, then restart the node`,
      );
    }
    if (records.length === 0) return [];
    const isFirst = !this.#runs.some(({ run }) => equalBytes(run, this.run));
    const toLog = records.map((record) => encodeRecord(record, this.#tools));
    if (isFirst) toLog.unshift({ kind: KIND.run, payload: this.run });
    let positions: readonly number[];
    try {
      positions = await this.#log.append(toLog);
    } catch (error) {
      // What a failed write or sync left on the disk is unknown: nothing more is promised until a restart looks.
      this.#readOnly = messageOf(error);
      throw error instanceof LoglineError
        ? error
        : new LoglineError('disk_failed', messageOf(error), { cause: error });
    }
    if (isFirst) this.#applyRun(positions[0] ?? 0, this.run);
    const own = isFirst ? positions.slice(1) : positions;
    for (const [i, record] of records.entries()) this.#apply(record, own[i] ?? 0);
    this.#reached = this.#log.end;
    await this.#flushIfFull();
    return own;
  }

  async entries(
    key: FeedKey,
    range: { readonly from: number; readonly to: number; readonly bytesMost: number },
  ): Promise<readonly StoredEntry[]> {
    const feed = this.#feeds.byKey.get(key);
    if (feed === undefined) return [];
    const found: StoredEntry[] = [];
    let bytes = 0;
    let next = range.from;
    while (next <= range.to && bytes < range.bytesMost) {
      const page = await this.#index.scan({
        from: rows.entryRowKey(feed, next),
        to: rows.entryRowKey(feed, range.to + 1),
        limit: 256,
      });
      if (page.length === 0) break;
      for (const [rowKey, value] of page) {
        if (rowKey !== rows.entryRowKey(feed, next) || bytes >= range.bytesMost) return found;
        const entry = await this.#entryAt(rows.readPosition(value), range.bytesMost - bytes);
        found.push(entry);
        bytes += entry.bytes.length;
        next++;
      }
    }
    return found;
  }

  variants(tenant: TenantId, id: SpanId): readonly SpanVariant[] {
    const ordinal = this.#tenants.get(tenant)?.ordinal;
    const value = ordinal === undefined ? undefined : this.#index.get(rows.spanRowKey(ordinal, id));
    if (value === undefined) return [];
    return rows.readVariants(value).map((row) => ({
      arrival: row.arrival,
      origin: this.#originOf(row.feed),
      header: { stamp: { ms: row.ms, count: row.count }, seq: row.seq },
    }));
  }

  async span(arrival: Arrival): Promise<Span> {
    const spans = await this.#cache.spans(
      arrival.position,
      async () => (await this.#entryAt(arrival.position, 1)).bytes,
    );
    const span = spans[arrival.index];
    if (span === undefined) throw damaged(arrival.position);
    return span;
  }

  async rows(
    tenant: TenantId,
    range: { readonly from: string; readonly to: string; readonly limit: number },
  ): Promise<readonly TimelineRow[]> {
    const ordinal = this.#tenants.get(tenant)?.ordinal;
    if (ordinal === undefined) return [];
    const prefix = rows.timeRowPrefix(ordinal);
    const to = range.to === '' ? rows.endOfPrefix(prefix) : prefix + range.to;
    const page = await this.#index.scan({ from: prefix + range.from, to, limit: range.limit });
    return page.map(([key, value]) => rows.timelineRowOf(key, value));
  }

  async arrivals(
    position: number,
    bytesMost: number,
  ): Promise<{ readonly entries: readonly StoredEntry[]; readonly next: number }> {
    // Never past what has been applied: a record is durable before it is readable.
    if (position >= this.#reached) return { entries: [], next: position };
    const { records, next } = await this.#log.readFrom(position, bytesMost);
    const applied = records.filter((record) => record.end <= this.#reached);
    if (applied.length === 0) throw damaged(position);
    const entries = applied.filter((record) => record.kind === KIND.entry);
    return {
      entries: entries.map((record) => ({ position: record.position, bytes: record.payload })),
      next: Math.min(next, applied.at(-1)?.end ?? next),
    };
  }

  end(): ArrivalCursor {
    return this.cursorAt({ position: this.#reached, index: 0 });
  }

  cursorAt(arrival: Arrival): ArrivalCursor {
    const run =
      this.#runs.findLast(({ position }) => position <= arrival.position)?.run ?? new Uint8Array(EPOCH_BYTES);
    return { run, ...arrival };
  }

  knowsCursor(cursor: ArrivalCursor): boolean {
    return cursor.position <= this.#reached && equalBytes(this.cursorAt(cursor).run, cursor.run);
  }

  figures(): StorageFigures {
    return { logBytes: this.#log.end, entries: this.#entries, readOnly: this.#readOnly };
  }

  async close(): Promise<void> {
    if (this.#readOnly === undefined) await this.#index.flush(this.#checkpoint());
    await this.#index.close();
    await this.#log.close();
  }

  async #entryAt(position: number, bytesMost: number): Promise<StoredEntry> {
    const { records } = await this.#log.readFrom(position, Math.min(bytesMost, 4096));
    const record = records[0];
    if (record?.kind !== KIND.entry) throw damaged(position);
    return { position, bytes: record.payload };
  }

  #originOf(ordinal: number): Uint8Array {
    const feed = this.#feeds.list[ordinal];
    const parts = feed === undefined ? undefined : splitFeedKey(feed.key);
    if (parts === undefined)
      throw new LoglineError(
        'damaged',
        'the index names a feed that it does not list: stop the node, remove its index folder and start again',
      );
    return parts.origin;
  }

  #apply(record: StoreRecord, position: number): void {
    if (record.kind === 'entry') this.#applyEntry(record.entry, position);
    else if (record.kind === 'fact') this.#applyFact(record.name, record.value);
    else this.#applyFork(record.key, record.seq);
  }

  #applyEntry(entry: AcceptedEntry, position: number): void {
    const ordinal = this.#feedOrdinal(entry.key);
    const feed = this.#feeds.list[ordinal] ?? emptyFeed(entry.key);
    const before = feed.ranges.find((range) => range.to === entry.header.seq - 1);
    const segment = growSegment(before?.head.segment, { ...entry.header, changeBytes: entry.changeBytes });
    this.#feeds.list[ordinal] = extendFeed(feed, entry.header, {
      hash: entry.hash,
      changeHash: entry.changeHash,
      segment,
    });
    this.#dirtyFeeds.add(ordinal);
    this.#entries++;
    this.#index.set(rows.entryRowKey(ordinal, entry.header.seq), rows.writePosition(position));
    this.#cache.put(position, entry.spans);
    const tenant = tenantOfTimeline(entry.header.scope);
    if (tenant === undefined) return;
    const count = this.#tenantOf(tenant);
    const prefix = rows.timeRowPrefix(count.ordinal);
    const { ms, count: stampCount } = entry.header.stamp;
    for (const [index, span] of entry.spans.entries()) {
      const arrival = { position, index };
      const key = rows.spanRowKey(count.ordinal, span.id);
      const held = this.#index.get(key);
      const variants = held === undefined ? [] : rows.readVariants(held);
      if (held === undefined) count.spans++;
      const row = { arrival, feed: ordinal, seq: entry.header.seq, ms, count: stampCount };
      this.#index.set(key, rows.writeVariants(this.#bestVariants([...variants, row])));
      this.#index.set(prefix + span.instant + span.id, rows.writeArrival(arrival));
    }
    this.#dirtyTenants.add(tenant);
  }

  /** Latest stamp first; ties by origin, then by place in the feed: the same order on every node. */
  #bestVariants(variants: readonly rows.VariantRow[]): readonly rows.VariantRow[] {
    if (variants.length === 1) return variants;
    const order = (row: rows.VariantRow): string =>
      numberKey(row.ms, 6) +
      numberKey(row.count, 4) +
      (this.#feeds.list[row.feed]?.key ?? '') +
      numberKey(row.seq, 7) +
      numberKey(row.arrival.index, 2);
    const keyed = variants.map((row) => ({ row, order: order(row) }));
    keyed.sort((a, b) => (a.order < b.order ? 1 : -1));
    return keyed.slice(0, LIMITS.spanVariants).map(({ row }) => row);
  }

  #applyFact(name: string, value: Uint8Array): void {
    this.#facts.set(name, value);
    this.#index.set(rows.factRowKey(this.#tools.text.encode(name)), value);
  }

  #applyFork(key: FeedKey, seq: number): void {
    const ordinal = this.#feedOrdinal(key);
    const feed = this.#feeds.list[ordinal] ?? emptyFeed(key);
    this.#feeds.list[ordinal] = { ...feed, forkedAt: Math.min(seq, feed.forkedAt ?? seq) };
    this.#dirtyFeeds.add(ordinal);
  }

  #applyRun(position: number, run: Uint8Array): void {
    this.#runs.push({ position, run });
    this.#index.set(rows.runRowKey(position), run);
  }

  #feedOrdinal(key: FeedKey): number {
    const known = this.#feeds.byKey.get(key);
    if (known !== undefined) return known;
    const ordinal = this.#feeds.list.length;
    this.#feeds.byKey.set(key, ordinal);
    this.#feeds.list.push(emptyFeed(key));
    return ordinal;
  }

  #tenantOf(tenant: TenantId): TenantCount {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const made = { ordinal: this.#tenants.size, spans: 0 };
    this.#tenants.set(tenant, made);
    return made;
  }

  async #flushIfFull(): Promise<void> {
    if (!this.#index.isFull) return;
    const flushed = this.#index.flush(this.#checkpoint());
    // Appends go on while the batch is written; the next full batch waits, which bounds memory.
    flushed.catch((error: unknown) => (this.#readOnly = `index: ${messageOf(error)}`));
    if (this.#index.isFlushing && this.#index.isFull) await flushed;
  }

  #checkpoint(): ReadonlyMap<string, Uint8Array> {
    const batch = new Map<string, Uint8Array>();
    for (const ordinal of this.#dirtyFeeds) {
      const feed = this.#feeds.list[ordinal];
      if (feed !== undefined) batch.set(rows.feedRowKey(ordinal), rows.writeFeed(feed));
    }
    for (const tenant of this.#dirtyTenants) {
      const count = this.#tenants.get(tenant);
      if (count !== undefined) batch.set(rows.tenantRowKey(count.ordinal), encodeCbor([tenant, count.spans]));
    }
    this.#dirtyFeeds.clear();
    this.#dirtyTenants.clear();
    const checkpoint = { version: rows.INDEX_VERSION, reached: this.#reached, entries: this.#entries };
    return batch.set(rows.CHECKPOINT_KEY, rows.writeCheckpoint(checkpoint));
  }

  /** Loads what the index keeps at hand. False where it contradicts itself: it is then rebuilt. */
  async #load(checkpoint: rows.Checkpoint): Promise<boolean> {
    for (const [key, value] of await this.#all('f')) {
      const feed = rows.readFeed(value);
      if (feed === undefined || rows.ordinalOfKey(key) !== this.#feeds.list.length) return false;
      this.#feeds.byKey.set(feed.key, this.#feeds.list.length);
      this.#feeds.list.push(feed);
    }
    for (const [key, value] of await this.#all('n')) {
      const row = decodeCbor(value);
      if (!isCborList(row) || rows.ordinalOfKey(key) !== this.#tenants.size) return false;
      this.#tenants.set(String(row[0]) as TenantId, { ordinal: this.#tenants.size, spans: Number(row[1]) });
    }
    for (const [key, value] of await this.#all('l')) {
      this.#facts.set(this.#tools.text.decode(rows.nameOfFactKey(key)) ?? '', value);
    }
    for (const [key, run] of await this.#all('r'))
      this.#runs.push({ position: rows.positionOfRunKey(key), run });
    this.#entries = checkpoint.entries;
    this.#reached = checkpoint.reached;
    return true;
  }

  async #all(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return this.#index.scan({ from: prefix, to: rows.endOfPrefix(prefix), limit: Number.MAX_SAFE_INTEGER });
  }

  async #startOver(): Promise<void> {
    this.#feeds.byKey.clear();
    this.#feeds.list.length = 0;
    this.#tenants.clear();
    this.#facts.clear();
    this.#runs.length = 0;
    this.#entries = 0;
    this.#reached = 0;
    await this.#index.clear();
  }

  async #catchUp(onProgress?: (reached: number, end: number) => void): Promise<void> {
    while (this.#reached < this.#log.end) {
      const { records, next } = await this.#log.readFrom(this.#reached, CATCH_UP_BYTES);
      if (next === this.#reached) throw damaged(this.#reached);
      for (const record of records) this.#replay(record);
      this.#reached = next;
      if (this.#index.isFull) await this.#index.flush(this.#checkpoint());
      onProgress?.(next, this.#log.end);
    }
  }

  #replay(record: LogRecord): void {
    if (record.kind === KIND.run) return this.#applyRun(record.position, record.payload);
    const decoded = decodeRecord(record, this.#tools);
    if (decoded === undefined) throw damaged(record.position);
    this.#apply(decoded, record.position);
  }
}

function encodeRecord(
  record: StoreRecord,
  tools: Tools,
): { readonly kind: number; readonly payload: Uint8Array } {
  switch (record.kind) {
    case 'entry':
      return { kind: KIND.entry, payload: record.entry.bytes };
    case 'fact':
      return { kind: KIND.fact, payload: encodeCbor([record.name, record.value]) };
    case 'fork':
      return {
        kind: KIND.fork,
        payload: encodeCbor([tools.text.encode(record.key), record.seq, record.proof]),
      };
    default:
      return record satisfies never;
  }
}

function decodeRecord(record: LogRecord, tools: Tools): StoreRecord | undefined {
  if (record.kind === KIND.entry) {
    const entry = describeEntry(record.payload, tools);
    return entry === undefined ? undefined : { kind: 'entry', entry };
  }
  const list = decodeCbor(record.payload);
  if (!isCborList(list)) return undefined;
  const [first, second, third] = list;
  if (record.kind === KIND.fact && typeof first === 'string' && second instanceof Uint8Array) {
    return { kind: 'fact', name: first, value: second };
  }
  if (
    record.kind === KIND.fork &&
    first instanceof Uint8Array &&
    typeof second === 'number' &&
    isCborList(third)
  ) {
    const key = tools.text.decode(first);
    const proof = third.filter((item) => item instanceof Uint8Array);
    return key === undefined ? undefined : { kind: 'fork', key: key as FeedKey, seq: second, proof };
  }
  return undefined;
}

function damaged(position: number): LoglineError {
  return new LoglineError(
    'damaged',
    `the log does not hold a whole record at byte ${position}: check the disk, then restore the data directory from a copy or let the peers fill a new one`,
  );
}
