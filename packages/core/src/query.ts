/** Questions to a timeline: filters, and the cursors that pages and followers hand back. */

import { fromBase64Url, fromKey, keyNumber, numberKey, toBase64Url, toKey } from './bytes.js';
import { EPOCH_BYTES } from './entry.js';
import type { InstantKey } from './instant.js';
import type { JsonObject } from './json.js';
import type { SpanId } from './span.js';
import type { ArrivalCursor } from './storage.js';

/** Members that a span must have, as equal text; `tag` is one of its tags. */
export interface SpanFilter {
  readonly logline_id?: string | undefined;
  readonly contract_id?: string | undefined;
  readonly workflow_id?: string | undefined;
  readonly flow_id?: string | undefined;
  readonly author?: string | undefined;
  readonly status?: string | undefined;
  readonly span_type?: string | undefined;
  readonly visibility?: string | undefined;
  readonly tag?: string | undefined;
}

export interface SpanQuery {
  /** First instant that counts. */
  readonly since?: InstantKey | undefined;
  /** First instant that no longer counts. */
  readonly until?: InstantKey | undefined;
  readonly filter?: SpanFilter | undefined;
  /** With what is said of the spans, which the filter then looks at too; without it as they were appended. */
  readonly annotated?: boolean | undefined;
  /** Spans in the answer, at most `LIMITS.pageSpans`. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface SpanPage {
  /** The spans' own bytes, in ascending reading order. */
  readonly spans: readonly Uint8Array[];
  /** Where to go on; `null` at the end. A page may be short of `limit` and still not be the last. */
  readonly nextCursor: string | null;
}

const PAGE_MARK = 'p';
const ARRIVAL_MARK = 'a';
const ID_BYTES = 16;

export function matchesFilter(members: JsonObject, filter: SpanFilter): boolean {
  for (const [name, wanted] of Object.entries(filter)) {
    if (wanted === undefined) continue;
    if (name === 'tag') {
      const tags = members['tags'];
      if (!Array.isArray(tags) || !tags.some((tag) => tag === wanted)) return false;
    } else if (members[name] !== wanted) return false;
  }
  return true;
}

/** The cursor behind a span in reading order. */
export function pageCursor(instant: InstantKey, id: SpanId): string {
  return PAGE_MARK + toBase64Url(fromKey(instant + id));
}

/** The first key after the one a page cursor names; `undefined` where it is none. */
export function readPageCursor(cursor: string): string | undefined {
  const bytes = cursor.startsWith(PAGE_MARK) ? fromBase64Url(cursor.slice(1)) : undefined;
  return bytes === undefined || bytes.length <= ID_BYTES || bytes.length > 128
    ? undefined
    : `${toKey(bytes)}\0`;
}

/** An arrival cursor as text: run, position, index. */
export function writeArrivalCursor(cursor: ArrivalCursor): string {
  return (
    ARRIVAL_MARK +
    toBase64Url(fromKey(toKey(cursor.run) + numberKey(cursor.position, 7) + numberKey(cursor.index, 2)))
  );
}

export function readArrivalCursor(cursor: string): ArrivalCursor | undefined {
  const bytes = cursor.startsWith(ARRIVAL_MARK) ? fromBase64Url(cursor.slice(1)) : undefined;
  if (bytes?.length !== EPOCH_BYTES + 9) return undefined;
  const key = toKey(bytes);
  return {
    run: bytes.subarray(0, EPOCH_BYTES),
    position: keyNumber(key.slice(EPOCH_BYTES, EPOCH_BYTES + 7)),
    index: keyNumber(key.slice(EPOCH_BYTES + 7)),
  };
}
