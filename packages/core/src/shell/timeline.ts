/** One tenant's timeline: append, get, query, follow, and the document behind it. */

import { annotateSpan, annotatedMembers } from '../annotation-view.js';
import type { AnnotationRules } from '../annotation.js';
import { LoglineError } from '../errors.js';
import { scopeOfFeed } from '../feed.js';
import { acceptedRanges } from '../holdings.js';
import { timelineScope, type TenantId } from '../identity.js';
import type { JsonObject } from '../json.js';
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
import { parseSpanId, type Span } from '../span.js';
import type { ArrivalCursor, TimelineRow } from '../storage.js';
import type { TimelineDocument } from '../document.js';
import {
  Annotator,
  type AnnotatedSpan,
  type AnnotateOptions,
  type Decision,
  type ReadingDigest,
  type SpanHistory,
} from './annotator.js';
import type { AppendReport, SpanInput } from './appender.js';
import {
  BEGINNING,
  Follower,
  type AbortSignalLike,
  type FollowerWorld,
  type FollowEvent,
} from './follower.js';
import type { ConflictPage, ConflictQuery } from './conflict-book.js';
import type { Conflict } from './conflicts.js';
import type { HoldingsTable } from './holdings-table.js';

export type { AbortSignalLike, FollowEvent };

export interface FollowOptions {
  /** A cursor from an earlier event; `'start'` for everything; without it only what comes from now on. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

export interface TimelineWorld extends FollowerWorld {
  readonly table: HoldingsTable;
  readonly append: (tenant: TenantId, spans: readonly SpanInput[]) => Promise<AppendReport>;
}

const SCAN_ROWS = 256;
const PAGE_BYTES = 512 * 1024;
const DOCUMENT_BYTES = 64 * 1024 * 1024;

export class Timeline {
  readonly tenant: TenantId;
  readonly #world: TimelineWorld;
  readonly #annotator: Annotator;

  constructor(tenant: TenantId, world: TimelineWorld) {
    this.tenant = tenant;
    this.#world = world;
    this.#annotator = new Annotator(tenant, world.annotations);
  }

  /** Appends spans: objects, or their JSON as bytes, which is then kept byte for byte. Resolves when they are durable here. */
  append(spans: readonly SpanInput[]): Promise<AppendReport> {
    return this.#world.append(this.tenant, spans);
  }

  /** The span with an id (UUID text) as it was appended, or `undefined`. Of several bodies under one id, the one to show. */
  async get(id: string): Promise<Uint8Array | undefined> {
    const spanId = parseSpanId(id);
    if (spanId === undefined) return undefined;
    return (await this.#world.annotations.readings.body(this.tenant, spanId))?.bytes;
  }

  /** The span with all that is said of it; `undefined` where neither is here. */
  read(id: string): Promise<AnnotatedSpan | undefined> {
    return this.#annotator.read(id);
  }

  /** Everything that is said of a span, and why it counts or does not; `undefined` where nothing is here. */
  history(id: string): Promise<SpanHistory | undefined> {
    return this.#annotator.history(id);
  }

  /** Says something of a span: see `Annotator.annotate`. */
  annotate(id: string, patch: JsonObject, options?: AnnotateOptions): Promise<AnnotatedSpan> {
    return this.#annotator.annotate(id, patch, options);
  }

  /** Whether a span is here under this id (UUID text), durable and readable. */
  has(id: string): boolean {
    const spanId = parseSpanId(id);
    return spanId !== undefined && this.#world.storage.variants(this.tenant, spanId).length > 0;
  }

  /** What the reading of this tenant hangs on: equal on nodes that read all of its spans alike. */
  readingDigest(): ReadingDigest {
    return this.#world.annotations.digestOf(this.tenant);
  }

  /** What nodes are, or were, at odds about: see `Annotator`. */
  conflicts(query?: ConflictQuery): Promise<ConflictPage> {
    return this.#annotator.conflicts(query);
  }

  /** How many wait for a decision. */
  openConflicts(): number {
    return this.#annotator.openConflicts();
  }

  conflict(id: string): Promise<Conflict | undefined> {
    return this.#annotator.conflict(id);
  }

  /** Decides a conflict: see `Annotator.resolve`. */
  resolve(id: string, decision: Decision): Promise<Conflict> {
    return this.#annotator.resolve(id, decision);
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
    // One time and one set of rules for the whole page, so that no id is read by two of them.
    const rules = this.#world.annotations.readings.rulesOf(this.tenant);
    let bytes = 0;
    for (;;) {
      // Rows that show nothing are passed over by many at a time.
      const isSparse = isFiltered || looked > spans.length;
      const count = isSparse ? SCAN_ROWS : Math.min(limit - spans.length + 1, LIMITS.pageSpans);
      const rows = await this.#world.storage.rows(this.tenant, { from, to: query.until ?? '', limit: count });
      const shown = await Promise.all(rows.map((row) => this.#shown(row, rules, query)));
      for (const [i, row] of rows.entries()) {
        const span = shown[i];
        looked++;
        if (span !== undefined && (!isFiltered || matchesFilter(span.members, query.filter ?? {}))) {
          const isFull = spans.length === limit || bytes >= LIMITS.pageBytes;
          if (isFull) return { spans, nextCursor: cursorBefore(rows, i, from) };
          spans.push(span.bytes);
          bytes += span.bytes.length;
        }
        if (looked >= LIMITS.pageRows) return { spans, nextCursor: pageCursor(row.instant, row.id) };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < count) return { spans, nextCursor: null };
      from = `${last.instant}${last.id}\0`;
    }
  }

  /**
   * Spans in order of arrival, until the signal aborts or the node closes. Every accepted body comes exactly once per
   * cursor, however old its timestamp; what is withdrawn or restored later is told. Rejects with `bad_cursor`.
   */
  async *follow(options: FollowOptions = {}): AsyncGenerator<FollowEvent, void, void> {
    const cursor = this.#cursorOf(options.after);
    try {
      yield* new Follower(this.tenant, this.#world, options.signal).events(cursor, options.signal);
    } catch (error) {
      // A read that the closing store refused is the end of the stream, and not its failure.
      if (!this.#world.isClosed()) throw error;
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
      if (scopeOfFeed(feed.key) !== scope) continue;
      for (const range of acceptedRanges(feed)) {
        for (let from = range.from; from <= range.to;) {
          const page = await this.#world.storage.entries(feed.key, {
            from,
            to: range.to,
            bytesMost: PAGE_BYTES,
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

  /** The span of a row, unless another body under its id is the one to show, or all of them are quarantined. */
  async #shown(
    row: TimelineRow,
    rules: AnnotationRules,
    { annotated = false }: SpanQuery,
  ): Promise<Pick<Span, 'bytes' | 'members'> | undefined> {
    const { storage, annotations } = this.#world;
    const { readings, tools } = annotations;
    const variants = storage.variants(this.tenant, row.id);
    const isPlain = !annotated || readings.isPlain(this.tenant, row.id, variants);
    if (isPlain) {
      const span = await readings.body(this.tenant, row.id, rules);
      return span?.instant === row.instant ? span : undefined;
    }
    const { body, reading } = await readings.read(this.tenant, row.id, rules);
    if (body?.instant !== row.instant) return undefined;
    return {
      bytes: annotateSpan(body, reading, tools.text),
      members: { ...body.members, ...annotatedMembers(body.members, reading) },
    };
  }

  #cursorOf(after: string | undefined): ArrivalCursor {
    const { storage } = this.#world;
    if (after === undefined) return storage.end();
    if (after === 'start') return storage.cursorAt(BEGINNING);
    const cursor = readArrivalCursor(after);
    if (cursor !== undefined) return cursor;
    throw new LoglineError('bad_cursor', 'the cursor is not one that this stream sent');
  }
}

/** The cursor behind the row before `rows[i]`. */
function cursorBefore(rows: readonly TimelineRow[], i: number, from: string): string {
  const row = rows[i - 1];
  if (row !== undefined) return pageCursor(row.instant, row.id);
  // The page before ended at `from`, whose last character is the zero that was put behind the cursor's key.
  return pageCursor(from.slice(0, -17) as TimelineRow['instant'], from.slice(-17, -1) as TimelineRow['id']);
}
