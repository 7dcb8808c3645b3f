/** The storage port over a log and its derived index: durable before readable, readable before acknowledged. */

import { equalBytes } from '../bytes.js';
import { EPOCH_BYTES } from '../entry.js';
import { LoglineError, messageOf } from '../errors.js';
import { withFork, type Feed, type FeedKey } from '../feed.js';
import { tenantOfTimeline, type TenantId } from '../identity.js';
import type { Clock, Disk, KeyValue, Random, Tools } from '../ports.js';
import type { Span, SpanId } from '../span.js';
import type {
  AcceptedEntry,
  Arrival,
  ArrivalCursor,
  Quarantined,
  Shift,
  SpanVariant,
  Storage,
  StorageFigures,
  StoredEntry,
  StoreRecord,
  Tally,
  TimelineRow,
} from '../storage.js';
import { AssertionIndex } from './assertion-index.js';
import { Catalog } from './catalog.js';
import { EntryReader } from './entry-reader.js';
import { Log, markOf, type LogRecord } from './log.js';
import { damagedAt, decodeRecord, encodeRecord, notUnderstood, RECORD_KIND } from './records.js';
import { withheldByFork } from './old-fork.js';
import { RowIndex } from './row-index.js';
import * as rows from './rows.js';
import { SpanCache } from './span-cache.js';
import { spanKeysOf } from './span-keys.js';
import { bestFirst } from './variants.js';

const CATCH_UP_BYTES = 1024 * 1024;
const SHIFTING: ReadonlySet<number> = new Set([RECORD_KIND.fork, RECORD_KIND.bar]);

export interface StoreOptions {
  readonly disk: Disk;
  readonly index: KeyValue;
  readonly tools: Tools;
  readonly random: Random;
  /** Tells which stamps lie ahead, where an id has too many bodies; without it none does. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
  /** When to begin another log file; see `LIMITS.logFileBytes`. */
  readonly logFileBytes?: number | undefined;
  /** Called while the index catches up with the log, with positions in bytes. */
  readonly onProgress?: (reached: number, end: number) => void;
}

export class LogStore implements Storage {
  readonly run: Uint8Array;
  readonly annotations: AssertionIndex;
  /** Bytes cut from the end of the log at opening: an append that was never acknowledged. */
  readonly tornBytes: number;
  readonly #log: Log;
  readonly #index: RowIndex;
  readonly #catalog: Catalog;
  readonly #tools: Tools;
  readonly #reader: EntryReader;
  readonly #cache: SpanCache;
  readonly #clock: Pick<Clock, 'now'> | undefined;
  #readOnly: string | undefined;

  private constructor(log: Log, index: RowIndex, catalog: Catalog, options: StoreOptions) {
    this.#log = log;
    this.#index = index;
    this.#catalog = catalog;
    this.#tools = options.tools;
    this.annotations = new AssertionIndex(index, catalog, options.tools);
    this.#reader = new EntryReader(log, index, catalog);
    this.#cache = new SpanCache(options.tools);
    this.#clock = options.clock;
    this.run = options.random.bytes(EPOCH_BYTES);
    this.tornBytes = log.opening.tornBytes;
  }

  /** Opens the store; the index is caught up from the log, or built anew where it is absent or not of this log. */
  static async open(options: StoreOptions): Promise<LogStore> {
    const index = new RowIndex(options.index);
    const catalog = new Catalog(index, options.tools.text);
    const isLoaded = await catalog.load();
    const log = await Log.open(options.disk, options.tools.crypto, {
      mark: isLoaded ? catalog.mark : undefined,
      fileBytes: options.logFileBytes,
    });
    // An index of another history, or ahead of this one, is worth nothing: a copy was restored, or a file exchanged.
    if (!log.opening.knowsMark || !(await holdsLastRun(log, catalog))) await catalog.startOver();
    const store = new LogStore(log, index, catalog, options);
    await store.#catchUp(options.onProgress);
    return store;
  }

  feeds(): readonly Feed[] {
    return this.#catalog.feeds;
  }

  facts(): ReadonlyMap<string, Uint8Array> {
    return this.#catalog.facts;
  }

  counts(): ReadonlyMap<TenantId, number> {
    return this.#catalog.counts();
  }

  async commit(records: readonly StoreRecord[]): Promise<readonly number[]> {
    if (this.#readOnly !== undefined) {
      throw new LoglineError(
        'read_only',
        `storage is read-only since a failed write (${this.#readOnly}): mend the disk, then restart the node`,
      );
    }
    if (records.length === 0) {
      this.#index.forgetAhead();
      return [];
    }
    const toLog = records.map((record) => encodeRecord(record, this.#tools));
    const { lastRun } = this.#catalog;
    const isFirst = lastRun === undefined || !equalBytes(lastRun.run, this.run);
    if (isFirst) toLog.unshift({ kind: RECORD_KIND.run, payload: this.run });
    // While the disk writes, the ids are looked up: what is there under them decides what is written of them.
    const [positions] = await Promise.all([
      this.#append(toLog),
      this.#index.lookAhead(spanKeysOf(records, this.#catalog)),
    ]);
    if (isFirst) this.#catalog.addRun(positions[0] ?? 0, this.run);
    const own = isFirst ? positions.slice(1) : positions;
    for (const [i, record] of records.entries()) this.#apply(record, own[i] ?? 0);
    this.#index.forgetAhead();
    this.#catalog.mark = this.#log.mark;
    await this.#saveIfFull();
    return own;
  }

  async anticipate(tenant: TenantId, ids: readonly SpanId[]): Promise<void> {
    const ordinal = this.#catalog.tenantOrdinal(tenant);
    if (ordinal !== undefined) await this.#index.lookAhead(ids.map((id) => rows.spanRowKey(ordinal, id)));
  }

  entries(
    key: FeedKey,
    range: { readonly from: number; readonly to: number; readonly bytesMost: number },
  ): Promise<readonly StoredEntry[]> {
    return this.#reader.entries(key, range);
  }

  tally(key: FeedKey, from: number): Promise<Tally> {
    return this.#reader.tally(key, from);
  }

  quarantined(): Promise<readonly Quarantined[]> {
    return Promise.resolve(this.#catalog.quarantined());
  }

  async forkProof(key: FeedKey): Promise<readonly Uint8Array[]> {
    const position = this.#catalog.forkPosition(key);
    if (position === undefined) return [];
    const record = await this.#log.read(position);
    const fork = record === undefined ? undefined : decodeRecord(record, this.#tools);
    if (fork?.kind !== 'fork') throw damagedAt(position);
    return fork.proof;
  }

  variants(tenant: TenantId, id: SpanId): readonly SpanVariant[] {
    const ordinal = this.#catalog.tenantOrdinal(tenant);
    const value = ordinal === undefined ? undefined : this.#index.get(rows.spanRowKey(ordinal, id));
    if (value === undefined) return [];
    const accepted = rows
      .readVariants(value)
      .filter((row) => !this.#catalog.isQuarantined(row.feed, row.seq));
    return accepted.map((row) => ({
      arrival: row.arrival,
      key: this.#catalog.feedAt(row.feed).key,
      origin: this.#catalog.originAt(row.feed),
      header: { stamp: { ms: row.ms, count: row.count }, seq: row.seq },
    }));
  }

  async span(arrival: Arrival): Promise<Span> {
    const { position } = arrival;
    const span = await this.#cache.span(arrival, async () => (await this.#reader.entryAt(position)).bytes);
    if (span === undefined) throw damagedAt(position);
    return span;
  }

  async rows(
    tenant: TenantId,
    range: { readonly from: string; readonly to: string; readonly limit: number },
  ): Promise<readonly TimelineRow[]> {
    const ordinal = this.#catalog.tenantOrdinal(tenant);
    if (ordinal === undefined) return [];
    const prefix = rows.timeRowPrefix(ordinal);
    const to = range.to === '' ? rows.endOfPrefix(prefix) : prefix + range.to;
    const page = await this.#index.scan({ from: prefix + range.from, to, limit: range.limit });
    return page.map(([key, value]) => rows.timelineRowOf(key, value));
  }

  async arrivals(
    position: number,
    bytesMost: number,
  ): Promise<{
    readonly entries: readonly StoredEntry[];
    readonly shifts: readonly Shift[];
    readonly next: number;
  }> {
    // Never past what has been applied: a record is durable before it is readable.
    const { reached } = this.#catalog;
    if (position >= reached) return { entries: [], shifts: [], next: position };
    const { records, next } = await this.#log.readFrom(position, bytesMost);
    const applied = records.filter((record) => record.end <= reached);
    if (applied.length === 0) throw damagedAt(position);
    const entries = applied
      .filter((record) => record.kind === RECORD_KIND.entry)
      .map((record) => ({ position: record.position, bytes: record.payload }));
    const shifts = applied
      .filter(({ kind }) => SHIFTING.has(kind))
      .flatMap((record) => this.#catalog.shiftAt(record.position) ?? []);
    return { entries, shifts, next: Math.min(next, applied.at(-1)?.end ?? next) };
  }

  end(): ArrivalCursor {
    return this.cursorAt({ position: this.#catalog.reached, index: 0 });
  }

  cursorAt(arrival: Arrival): ArrivalCursor {
    return { run: this.#runBefore(arrival), ...arrival };
  }

  async knowsCursor(cursor: ArrivalCursor): Promise<boolean> {
    const { position, index, run } = cursor;
    const { reached } = this.#catalog;
    if (position > reached || !equalBytes(this.#runBefore(cursor), run)) return false;
    return (position === reached && index === 0) || (await this.#log.read(position)) !== undefined;
  }

  figures(): StorageFigures {
    return { logBytes: this.#log.end, entries: this.#catalog.entries, readOnly: this.#readOnly };
  }

  async close(): Promise<void> {
    if (this.#readOnly === undefined) await this.#catalog.save();
    await this.#index.close();
    await this.#log.close();
  }

  /** The run that wrote what lies just before a place: whoever is there has seen that, and nothing of what follows. */
  #runBefore({ position, index }: Arrival): Uint8Array {
    return this.#catalog.runAt(index === 0 ? position - 1 : position);
  }

  async #append(
    records: readonly { readonly kind: number; readonly payload: Uint8Array }[],
  ): Promise<readonly number[]> {
    try {
      return await this.#log.append(records);
    } catch (error) {
      // What a failed write or sync left on the disk is unknown: nothing more is promised until a restart looks.
      this.#readOnly = messageOf(error);
      if (error instanceof LoglineError) throw error;
      throw new LoglineError('disk_failed', messageOf(error), { cause: error });
    }
  }

  #apply(record: StoreRecord, position: number): void {
    switch (record.kind) {
      case 'entry':
        return this.#applyEntry(record.entry, position);
      case 'fact':
        return this.#catalog.addFact(record.name, record.value);
      case 'fork':
        return this.#catalog.addFork(record, position);
      case 'bar':
        return this.#catalog.addBar(record, position);
      default:
        return record satisfies never;
    }
  }

  #applyEntry(entry: AcceptedEntry, position: number): void {
    const feed = this.#catalog.addEntry(entry);
    const { scope, seq, stamp } = entry.header;
    this.#index.set(rows.entryRowKey(feed, seq), rows.writeEntryRow(position, entry.spans.length));
    if (entry.assertions.length > 0) return this.annotations.add(entry, feed);
    this.#cache.put(position, entry.spans);
    const tenant = tenantOfTimeline(scope);
    if (tenant === undefined) return;
    const isBarred = this.#catalog.isQuarantined(feed, seq);
    const count = this.#catalog.countOf(tenant);
    const prefix = rows.timeRowPrefix(count.ordinal);
    for (const [index, span] of entry.spans.entries()) {
      const arrival = { position, index };
      const key = rows.spanRowKey(count.ordinal, span.id);
      const held = this.#index.get(key);
      const row = { arrival, feed, seq, ms: stamp.ms, count: stamp.count };
      const bodies = held === undefined ? [] : rows.readVariants(held);
      // A quarantined span counts as stored and as withheld; one beside quarantined bodies alone is new to its readers.
      if (isBarred || bodies.every((body) => this.#catalog.isQuarantined(body.feed, body.seq))) count.spans++;
      if (bodies.length > 0 && this.#isRivalled(bodies, feed)) this.annotations.addRival(tenant, span.id);
      const kept = bodies.length === 0 ? [row] : bestFirst([...bodies, row], this.#catalog, this.#clock);
      this.#index.set(key, rows.writeVariants(kept));
      this.#index.set(prefix + span.instant + span.id, rows.writeArrival(arrival));
    }
  }

  /** Whether some of the bodies are of another origin than a feed. */
  #isRivalled(bodies: readonly rows.VariantRow[], feed: number): boolean {
    const origin = this.#catalog.originAt(feed);
    return bodies.some((body) => !equalBytes(this.#catalog.originAt(body.feed), origin));
  }

  async #saveIfFull(): Promise<void> {
    if (!this.#index.isFull) return;
    const wasSaving = this.#index.isFlushing;
    const saved = this.#catalog.save().catch((error: unknown) => {
      this.#readOnly = `index: ${messageOf(error)}`;
    });
    // Appends go on while one batch is written; a second full one waits for it, which bounds memory.
    if (wasSaving) await saved;
  }

  async #catchUp(onProgress?: (reached: number, end: number) => void): Promise<void> {
    const catalog = this.#catalog;
    while (catalog.reached < this.#log.end) {
      const { records, next } = await this.#log.readFrom(catalog.reached, CATCH_UP_BYTES);
      if (next === catalog.reached) throw damagedAt(next);
      for (const record of records) await this.#replay(record);
      catalog.mark = markOf(records.at(-1));
      if (this.#index.isFull) await catalog.save();
      onProgress?.(next, this.#log.end);
    }
  }

  async #replay(record: LogRecord): Promise<void> {
    if (record.kind === RECORD_KIND.run) return this.#catalog.addRun(record.position, record.payload);
    const decoded = decodeRecord(record, this.#tools);
    if (decoded === undefined) throw notUnderstood(record);
    if (decoded.kind !== 'fork') return this.#apply(decoded, record.position);
    const forked = withFork(this.#catalog.feedOf(decoded.key), decoded.seq, undefined);
    const withheld = decoded.withheld ?? (await withheldByFork(forked, this.#reader));
    this.#apply({ ...decoded, withheld }, record.position);
  }
}

/** Histories part where another run begins to write, at random bytes: two may end in one and the same record behind that. */
async function holdsLastRun(log: Log, { lastRun }: Catalog): Promise<boolean> {
  const record = lastRun === undefined ? undefined : await log.read(lastRun.position);
  return lastRun !== undefined && record?.kind === RECORD_KIND.run && equalBytes(record.payload, lastRun.run);
}
