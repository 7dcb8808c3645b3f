/** Following a timeline: what is stored, in order of arrival, and what of it is withdrawn or restored meanwhile. */

import { headerOfAccepted, splitEntry, type Header } from '../entry.js';
import { barredFrom, feedKeyOf, scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import { annotationsScope, timelineScope, type TenantId } from '../identity.js';
import { writeArrivalCursor } from '../query.js';
import { formatSpanId, type Span, type SpanId } from '../span.js';
import type { Arrival, ArrivalCursor, Shift, SpanVariant, Storage, StoredEntry } from '../storage.js';
import { Annotator, type AnnotatedSpan, type AnnotatorWorld } from './annotator.js';
import { isSameContent } from './append-plan.js';
import type { Conflict } from './conflicts.js';
import { contentOf } from './entry-content.js';

/**
 * What a follower is told. After `reset` its cursor came from another store: it starts again from the beginning.
 * `withdrawn`: whatever came under this id is no longer accepted; bodies of others that are follow as `restored`, the one
 * to show last. A span may be withdrawn that was never sent, and restored that was not withdrawn.
 * `annotated`: something that is said of the span has come or gone, and so it is read now. `conflict`: nodes are at odds
 * about a field that was spoken of, or were, and so that stands now.
 */
export type FollowEvent =
  | { readonly kind: 'span'; readonly span: Uint8Array; readonly id: string; readonly cursor: string }
  | { readonly kind: 'withdrawn'; readonly id: string; readonly cursor: string }
  | { readonly kind: 'restored'; readonly span: Uint8Array; readonly id: string; readonly cursor: string }
  | ({ readonly kind: 'annotated'; readonly cursor: string } & AnnotatedSpan)
  | { readonly kind: 'conflict'; readonly conflict: Conflict; readonly cursor: string }
  | { readonly kind: 'reset'; readonly cursor: string };

/** As much of the platform's AbortSignal as the pure core may know. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface FollowerWorld {
  readonly storage: Storage;
  readonly table: { feed(key: FeedKey): Feed };
  /** How many commits there have been. */
  readonly commits: () => number;
  /** Resolves at the next commit, or when `signal` aborts or the node closes. */
  readonly nextCommit: (signal: AbortSignalLike | undefined) => Promise<void>;
  readonly isClosed: () => boolean;
  readonly annotations: AnnotatorWorld;
}

export const BEGINNING: Arrival = { position: 0, index: 0 };
const FOLLOW_BYTES = 512 * 1024;
const IDENTITY: ReadonlySet<string> = new Set(['identity']);

/** What an entry says of one span: the fields, and the place behind its last word on it. */
interface Subject {
  readonly span: SpanId;
  readonly fields: Set<string>;
  readonly end: number;
}

/** A cursor has two bytes for what it counts. */
const INDEX_MOST = 65_535;

export class Follower {
  readonly #tenant: TenantId;
  readonly #world: FollowerWorld;
  readonly #annotator: Annotator;
  readonly #isOver: () => boolean;

  constructor(tenant: TenantId, world: FollowerWorld, signal: AbortSignalLike | undefined) {
    this.#tenant = tenant;
    this.#world = world;
    this.#annotator = new Annotator(tenant, world.annotations);
    this.#isOver = () => signal?.aborted === true || world.isClosed();
  }

  /** Everything behind a cursor, and then what comes, until the signal aborts or the node closes. */
  async *events(
    cursor: ArrivalCursor,
    signal: AbortSignalLike | undefined,
  ): AsyncGenerator<FollowEvent, void, void> {
    const { storage, commits, nextCommit } = this.#world;
    let { position, index }: Arrival = cursor;
    if (!(await storage.knowsCursor(cursor))) {
      ({ position, index } = BEGINNING);
      yield { kind: 'reset', cursor: this.#cursor(BEGINNING) };
    }
    while (!this.#isOver()) {
      const seen = commits();
      const { entries, shifts, next } = await storage.arrivals(position, FOLLOW_BYTES);
      const records = [...entries, ...shifts].sort((a, b) => a.position - b.position);
      for (const record of records) {
        const from = record.position === position ? index : 0;
        yield* 'bytes' in record ? this.#arrived(record, from) : this.#shifted(record, from);
        if (this.#isOver()) return;
      }
      // Checked again without a wait in between: a commit during the read is not slept through.
      if (next === position && commits() === seen) await nextCommit(signal);
      position = next;
      index = 0;
    }
  }

  /** The spans of an entry from `index` on. */
  async *#arrived(entry: StoredEntry, index: number): AsyncGenerator<FollowEvent, void, void> {
    const parts = splitEntry(entry.bytes);
    const header = parts === undefined ? undefined : headerOfAccepted(parts);
    if (header?.scope === annotationsScope(this.#tenant)) return yield* this.#said(entry, header, index);
    if (header === undefined || header.scope !== timelineScope(this.#tenant)) return;
    const key = feedKeyOf(header);
    for (let i = index; i < header.count && !this.#isOver(); i++) {
      const arrival = { position: entry.position, index: i };
      const span = await this.#world.storage.span(arrival);
      if (this.#isBarred(key, header.seq) || (await this.#isRepeat(span, arrival))) continue;
      const cursor = this.#cursor({ position: entry.position, index: i + 1 });
      yield { kind: 'span', span: span.bytes, id: formatSpanId(span.id), cursor };
      yield* this.#beside(span.id, cursor);
    }
  }

  /**
   * What a shift withdraws or restores: of the entries that had arrived by then, in order of seq, behind the first `index`.
   * The cursor counts entries, so that an entry of which some spans were told is told again.
   */
  async *#shifted(shift: Shift, index: number): AsyncGenerator<FollowEvent, void, void> {
    const scope = scopeOfFeed(shift.key);
    const isOfAnnotations = scope === annotationsScope(this.#tenant);
    if (!isOfAnnotations && scope !== timelineScope(this.#tenant)) return;
    let passed = 0;
    for await (const entry of this.#entriesBetween(shift)) {
      if (this.#isOver()) return;
      if (passed++ < index) continue;
      const cursor = this.#cursor({ position: shift.position, index: Math.min(passed - 1, INDEX_MOST) });
      if (isOfAnnotations) {
        for (const about of this.#subjects(entry)) yield* this.#annotated(about, cursor);
        continue;
      }
      const parts = splitEntry(entry.bytes);
      const header = parts === undefined ? undefined : headerOfAccepted(parts);
      for (let i = 0; i < (header?.count ?? 0) && !this.#isOver(); i++) {
        const arrival = { position: entry.position, index: i };
        const span = await this.#world.storage.span(arrival);
        const id = formatSpanId(span.id);
        if (shift.now < shift.was) yield* this.#withdrawn(span, shift, cursor);
        // Where a later shift has barred it again, nobody is to read it in between.
        else if (!this.#isBarred(shift.key, header?.seq ?? 0) && !(await this.#isRepeat(span, arrival)))
          yield { kind: 'restored', span: span.bytes, id, cursor };
      }
    }
  }

  /** What an entry of annotations says of each span, from assertion `index` on. */
  async *#said(entry: StoredEntry, header: Header, index: number): AsyncGenerator<FollowEvent, void, void> {
    if (this.#isBarred(feedKeyOf(header), header.seq)) return;
    for (const about of this.#subjects(entry)) {
      if (this.#isOver()) return;
      if (about.end <= index) continue;
      yield* this.#annotated(about, this.#cursor({ position: entry.position, index: about.end }));
    }
  }

  /** The spans that an entry speaks of, and the fields, in the order in which it has done with them. */
  #subjects(entry: StoredEntry): readonly Subject[] {
    const read = contentOf(entry.bytes, this.#world.annotations.tools);
    const subjects = new Map<SpanId, Subject>();
    for (const [i, { span, field }] of (read?.content.assertions ?? []).entries()) {
      const fields = subjects.get(span)?.fields ?? new Set();
      subjects.delete(span);
      subjects.set(span, { span, fields: fields.add(field), end: i + 1 });
    }
    return [...subjects.values()];
  }

  async *#annotated({ span, fields }: Subject, cursor: string): AsyncGenerator<FollowEvent, void, void> {
    yield { kind: 'annotated', ...(await this.#annotator.present(span)), cursor };
    yield* this.#atOdds(span, fields, cursor);
  }

  /** What was said of a span before it came, and that other nodes brought another one under its id. */
  async *#beside(span: SpanId, cursor: string): AsyncGenerator<FollowEvent, void, void> {
    const { storage } = this.#world;
    if (storage.annotations.has(this.#tenant, span))
      yield { kind: 'annotated', ...(await this.#annotator.present(span)), cursor };
    if (storage.variants(this.#tenant, span).length > 1) yield* this.#atOdds(span, IDENTITY, cursor);
  }

  async *#atOdds(
    span: SpanId,
    fields: ReadonlySet<string>,
    cursor: string,
  ): AsyncGenerator<FollowEvent, void, void> {
    for (const conflict of await this.#annotator.conflictsAbout(span, fields))
      yield { kind: 'conflict', conflict, cursor };
  }

  async *#withdrawn(span: Span, shift: Shift, cursor: string): AsyncGenerator<FollowEvent, void, void> {
    const { storage } = this.#world;
    const id = formatSpanId(span.id);
    const others: Span[] = [];
    let isHeld = false;
    for (const { arrival } of this.#variantsBefore(span, { position: shift.position, index: 0 })) {
      const other = await storage.span(arrival);
      if (isSameContent(other, span)) isHeld = true;
      else others.unshift(other);
    }
    // Where it counts again, a follower may have heard of the withdrawal already, and of nothing behind it.
    if (!isHeld) yield { kind: 'withdrawn', id, cursor };
    for (const { bytes } of others) yield { kind: 'restored', span: bytes, id, cursor };
  }

  /** The entries between the two bars of a shift that had arrived before it, a piece of the log at a time. */
  async *#entriesBetween(shift: Shift): AsyncGenerator<StoredEntry, void, void> {
    const { storage, table } = this.#world;
    const low = Math.min(shift.was, shift.now);
    const high = Math.max(shift.was, shift.now) - 1;
    for (const range of table.feed(shift.key).ranges) {
      const to = Math.min(range.to, high);
      for (let from = Math.max(range.from, low); from <= to;) {
        const page = await storage.entries(shift.key, { from, to, bytesMost: FOLLOW_BYTES });
        if (page.length === 0) break;
        from += page.length;
        for (const entry of page) if (entry.position < shift.position) yield entry;
      }
    }
  }

  #isBarred(key: FeedKey, seq: number): boolean {
    return seq >= barredFrom(this.#world.table.feed(key));
  }

  /** Whether the same body under the same id arrived earlier, in another entry. */
  async #isRepeat(span: Span, arrival: Arrival): Promise<boolean> {
    for (const variant of this.#variantsBefore(span, arrival)) {
      if (isSameContent(await this.#world.storage.span(variant.arrival), span)) return true;
    }
    return false;
  }

  #variantsBefore(span: Span, place: Arrival): readonly SpanVariant[] {
    const variants = this.#world.storage.variants(this.#tenant, span.id);
    return variants.filter(({ arrival }) => isBefore(arrival, place));
  }

  #cursor(place: Arrival): string {
    return writeArrivalCursor(this.#world.storage.cursorAt(place));
  }
}

function isBefore(a: Arrival, b: Arrival): boolean {
  return a.position < b.position || (a.position === b.position && a.index < b.index);
}
