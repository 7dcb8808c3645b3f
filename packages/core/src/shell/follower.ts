/** Following a timeline: what is stored, in order of arrival, and what of it is withdrawn or restored meanwhile. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import { barredFrom, feedKeyOf, scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import { timelineScope, type TenantId } from '../identity.js';
import { writeArrivalCursor } from '../query.js';
import { formatSpanId, type Span } from '../span.js';
import type { Arrival, ArrivalCursor, Shift, SpanVariant, Storage, StoredEntry } from '../storage.js';
import { isSameContent } from './append-plan.js';

/**
 * What a follower is told. After `reset` its cursor came from another store: it starts again from the beginning.
 * `withdrawn`: whatever came under this id is no longer accepted; bodies of others that are follow as `restored`, the one
 * to show last. A span may be withdrawn that was never sent, and restored that was not withdrawn.
 */
export type FollowEvent =
  | { readonly kind: 'span'; readonly span: Uint8Array; readonly id: string; readonly cursor: string }
  | { readonly kind: 'withdrawn'; readonly id: string; readonly cursor: string }
  | { readonly kind: 'restored'; readonly span: Uint8Array; readonly id: string; readonly cursor: string }
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
}

export const BEGINNING: Arrival = { position: 0, index: 0 };
const FOLLOW_BYTES = 512 * 1024;
/** A cursor has two bytes for what it counts. */
const INDEX_MOST = 65_535;

export class Follower {
  readonly #tenant: TenantId;
  readonly #world: FollowerWorld;
  readonly #isOver: () => boolean;

  constructor(tenant: TenantId, world: FollowerWorld, signal: AbortSignalLike | undefined) {
    this.#tenant = tenant;
    this.#world = world;
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
    if (header === undefined || header.scope !== timelineScope(this.#tenant)) return;
    const key = feedKeyOf(header);
    for (let i = index; i < header.count && !this.#isOver(); i++) {
      const arrival = { position: entry.position, index: i };
      const span = await this.#world.storage.span(arrival);
      if (this.#isBarred(key, header.seq) || (await this.#isRepeat(span, arrival))) continue;
      const cursor = this.#cursor({ position: entry.position, index: i + 1 });
      yield { kind: 'span', span: span.bytes, id: formatSpanId(span.id), cursor };
    }
  }

  /**
   * What a shift withdraws or restores: of the entries that had arrived by then, in order of seq, behind the first `index`.
   * The cursor counts entries, so that an entry of which some spans were told is told again.
   */
  async *#shifted(shift: Shift, index: number): AsyncGenerator<FollowEvent, void, void> {
    if (scopeOfFeed(shift.key) !== timelineScope(this.#tenant)) return;
    let passed = 0;
    for await (const entry of this.#entriesBetween(shift)) {
      if (this.#isOver()) return;
      if (passed++ < index) continue;
      const cursor = this.#cursor({ position: shift.position, index: Math.min(passed - 1, INDEX_MOST) });
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

  async *#withdrawn(span: Span, shift: Shift, cursor: string): AsyncGenerator<FollowEvent, void, void> {
    const { storage } = this.#world;
    const id = formatSpanId(span.id);
    const others: Span[] = [];
    for (const { arrival } of this.#variantsBefore(span, { position: shift.position, index: 0 })) {
      const other = await storage.span(arrival);
      if (isSameContent(other, span)) return;
      others.unshift(other);
    }
    yield { kind: 'withdrawn', id, cursor };
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
