/** One tenant's timeline: append, get, query, follow, and the document behind it. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import { LoglineError } from '../errors.js';
import { splitFeedKey } from '../feed.js';
import { timelineScope, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import {
  matchesFilter,
  pageCursor,
  readArrivalCursor,
  readPageCursor,
  writeArrivalCursor,
  type SpanPage,
  type SpanQuery,
} from '../query.js';
import { formatSpanId, parseSpanId, type Span } from '../span.js';
import type { Arrival, Storage, TimelineRow } from '../storage.js';
import type { TimelineDocument } from '../document.js';
import { isSameContent } from './append-plan.js';
import type { AppendReport, SpanInput } from './appender.js';
import type { HoldingsTable } from './holdings-table.js';

/** What a follower is told. After `reset` its cursor came from another store: it starts again from the beginning. */
export type FollowEvent =
  | { readonly kind: 'span'; readonly span: Uint8Array; readonly id: string; readonly cursor: string }
  | { readonly kind: 'reset'; readonly cursor: string };

export interface FollowOptions {
  /** A cursor from an earlier event; `'start'` for everything; without it only what comes from now on. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

/** As much of the platform's AbortSignal as the pure core may know. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface TimelineWorld {
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly append: (tenant: TenantId, spans: readonly SpanInput[]) => Promise<AppendReport>;
  /** How many commits there have been. */
  readonly commits: () => number;
  /** Resolves at the next commit, or when `signal` aborts or the node closes. */
  readonly nextCommit: (signal: AbortSignalLike | undefined) => Promise<void>;
  readonly isClosed: () => boolean;
}

const SCAN_ROWS = 256;
const FOLLOW_BYTES = 512 * 1024;
const DOCUMENT_BYTES = 64 * 1024 * 1024;

export class Timeline {
  readonly tenant: TenantId;
  readonly #world: TimelineWorld;

  constructor(tenant: TenantId, world: TimelineWorld) {
    this.tenant = tenant;
    this.#world = world;
  }

  /** Appends spans: objects, or their JSON as bytes, which is then kept byte for byte. Resolves when they are durable here. */
  append(spans: readonly SpanInput[]): Promise<AppendReport> {
    return this.#world.append(this.tenant, spans);
  }

  /** The span with an id (UUID text) as JSON bytes, or `undefined`. Of several bodies under one id, the one with the latest stamp. */
  async get(id: string): Promise<Uint8Array | undefined> {
    const spanId = parseSpanId(id);
    const [best] = spanId === undefined ? [] : this.#world.storage.variants(this.tenant, spanId);
    return best === undefined ? undefined : (await this.#world.storage.span(best.arrival)).bytes;
  }

  /** Whether a span is here under this id (UUID text), durable and readable. */
  has(id: string): boolean {
    const spanId = parseSpanId(id);
    return spanId !== undefined && this.#world.storage.variants(this.tenant, spanId).length > 0;
  }

  /** A page in ascending reading order: the instant of `timestamp`, then id. Rejects with `bad_cursor`. */
  async query(query: SpanQuery): Promise<SpanPage> {
    const limit = Math.max(1, Math.min(query.limit ?? LIMITS.pageSpans, LIMITS.pageSpans));
    let from = query.since ?? '';
    if (query.cursor !== undefined) {
      const after = readPageCursor(query.cursor);
      if (after === undefined)
        throw new LoglineError('bad_cursor', 'the cursor is not one that this query returned');
      if (after > from) from = after;
    }
    const spans: Uint8Array[] = [];
    const isFiltered = Object.values(query.filter ?? {}).some((wanted) => wanted !== undefined);
    let looked = 0;
    for (;;) {
      const count = isFiltered ? SCAN_ROWS : Math.min(limit - spans.length + 1, LIMITS.pageSpans);
      const rows = await this.#world.storage.rows(this.tenant, { from, to: query.until ?? '', limit: count });
      const shown = await Promise.all(rows.map((row) => this.#shown(row)));
      for (const [i, row] of rows.entries()) {
        const span = shown[i];
        looked++;
        if (span !== undefined && matchesFilter(span.members, query.filter ?? {})) {
          if (spans.length === limit) return { spans, nextCursor: cursorBefore(rows, i, from) };
          spans.push(span.bytes);
        }
        if (looked >= LIMITS.pageRows) return { spans, nextCursor: pageCursor(row.instant, row.id) };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < count) return { spans, nextCursor: null };
      from = `${last.instant}${last.id}\0`;
    }
  }

  /** Spans in order of arrival, without end. Every stored body comes exactly once per cursor, however old its timestamp. */
  async *follow(options: FollowOptions = {}): AsyncGenerator<FollowEvent, void, void> {
    const { storage, commits, nextCommit, isClosed } = this.#world;
    const scope = timelineScope(this.tenant);
    const start = this.#startOf(options.after);
    let { position, index } = start.at;
    if (start.isReset)
      yield { kind: 'reset', cursor: writeArrivalCursor(storage.cursorAt({ position, index })) };
    while (!isAborted(options.signal) && !isClosed()) {
      const seen = commits();
      const { entries, next } = await storage.arrivals(position, FOLLOW_BYTES);
      for (const entry of entries) {
        const parts = splitEntry(entry.bytes);
        const header = parts === undefined ? undefined : headerOfAccepted(parts);
        if (header === undefined || header.scope !== scope) continue;
        for (let i = entry.position === position ? index : 0; i < header.count; i++) {
          const arrival = { position: entry.position, index: i };
          const span = await storage.span(arrival);
          if (await this.#isRepeat(span, arrival)) continue;
          const cursor = writeArrivalCursor(storage.cursorAt({ position: entry.position, index: i + 1 }));
          yield { kind: 'span', span: span.bytes, id: formatSpanId(span.id), cursor };
          if (isAborted(options.signal)) return;
        }
      }
      // Checked again without a wait in between: a commit during the read is not slept through.
      if (next === position && commits() === seen) await nextCommit(options.signal);
      position = next;
      index = 0;
    }
  }

  /** A cursor for `follow`: everything that is here now lies before it. */
  end(): string {
    return writeArrivalCursor(this.#world.storage.end());
  }

  /** R6: the Automerge document of everything accepted here, at most 64 MiB of entries; rejects with `too_large`. */
  async document(): Promise<TimelineDocument> {
    const { documentOf } = await import('../document.js');
    const scope = timelineScope(this.tenant);
    const entries: Uint8Array[] = [];
    let bytes = 0;
    for (const feed of this.#world.table.feeds()) {
      if (splitFeedKey(feed.key)?.scope !== scope) continue;
      for (const range of feed.ranges) {
        for (let from = range.from; from <= range.to;) {
          const page = await this.#world.storage.entries(feed.key, {
            from,
            to: range.to,
            bytesMost: FOLLOW_BYTES,
          });
          if (page.length === 0)
            throw new LoglineError('damaged', `entry ${from} of a feed cannot be read: check the disk`);
          for (const entry of page) bytes += entry.bytes.length;
          if (bytes > DOCUMENT_BYTES)
            throw new LoglineError(
              'too_large',
              'the timeline is too large for one document: use query or follow',
            );
          entries.push(...page.map((entry) => entry.bytes));
          from += page.length;
        }
      }
    }
    return documentOf(entries);
  }

  /** The span of a row, unless another body under its id is the one to show. */
  async #shown(row: TimelineRow): Promise<Span | undefined> {
    const { storage } = this.#world;
    const [best] = storage.variants(this.tenant, row.id);
    const at = best?.arrival ?? row.arrival;
    const span = await storage.span(at);
    return span.instant === row.instant ? span : undefined;
  }

  /** Whether the same body under the same id arrived earlier, in another entry. */
  async #isRepeat(span: Span, arrival: Arrival): Promise<boolean> {
    const variants = this.#world.storage.variants(this.tenant, span.id);
    if (variants.length < 2) return false;
    for (const variant of variants) {
      if (!isBefore(variant.arrival, arrival)) continue;
      if (isSameContent(await this.#world.storage.span(variant.arrival), span)) return true;
    }
    return false;
  }

  #startOf(after: string | undefined): { readonly at: Arrival; readonly isReset: boolean } {
    const { storage } = this.#world;
    if (after === undefined) return { at: storage.end(), isReset: false };
    if (after === 'start') return { at: { position: 0, index: 0 }, isReset: false };
    const cursor = readArrivalCursor(after);
    if (cursor === undefined)
      throw new LoglineError('bad_cursor', 'the cursor is not one that this stream sent');
    return storage.knowsCursor(cursor)
      ? { at: cursor, isReset: false }
      : { at: { position: 0, index: 0 }, isReset: true };
  }
}

function isAborted(signal: AbortSignalLike | undefined): boolean {
  return signal?.aborted === true;
}

function isBefore(a: Arrival, b: Arrival): boolean {
  return a.position < b.position || (a.position === b.position && a.index < b.index);
}

/** The cursor behind the row before `rows[i]`. */
function cursorBefore(rows: readonly TimelineRow[], i: number, from: string): string {
  const row = rows[i - 1];
  if (row !== undefined) return pageCursor(row.instant, row.id);
  // The page before ended at `from`, whose last character is the zero that was put behind the cursor's key.
  return pageCursor(from.slice(0, -17) as TimelineRow['instant'], from.slice(-17, -1) as TimelineRow['id']);
}
