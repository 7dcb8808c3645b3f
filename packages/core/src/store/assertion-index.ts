/** What the index holds of annotations: every assertion by its span, and the fields that several origins spoke of. */

import type { Assertion, PlacedAssertion } from '../assertion.js';
import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import { barredFrom, splitFeedKey } from '../feed.js';
import { tenantOfAnnotations, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Key, Tools } from '../ports.js';
import type { SpanId } from '../span.js';
import type { AcceptedEntry, AnnotationStore, Contested, ContestedPlace, Verdict } from '../storage.js';
import {
  assertionRowKey,
  authorRowKey,
  contestedPrefix,
  contestedRowKey,
  endOfGroup,
  endOfRows,
  fieldKey,
  mentionRowKey,
  placeOfRow,
  readAssertion,
  readAuthor,
  readContested,
  rowNameOf,
  spanGroup,
  writeAssertion,
  writeAuthor,
  writeContested,
  type AssertionPlace,
} from './assertion-rows.js';
import type { Catalog } from './catalog.js';
import type { RowIndex } from './row-index.js';

const PAGE_ROWS = 512;
const NOTED = Uint8Array.of(1);
/** More than so many places are not remembered one by one. */
const TOUCHED_MOST = 10_000;

/** Rows taken of one feed about one span so far. */
interface Taken {
  feed: number;
  fields: number;
  field: Key;
  ofField: number;
}

export class AssertionIndex implements AnnotationStore {
  readonly #index: RowIndex;
  readonly #catalog: Catalog;
  readonly #tools: Tools;
  readonly #notes: Key;
  /** What became contested, or was spoken of again, since somebody last asked. */
  #touched: ContestedPlace[] = [];
  #isOverrun = false;

  constructor(index: RowIndex, catalog: Catalog, tools: Tools) {
    this.#index = index;
    this.#catalog = catalog;
    this.#tools = tools;
    this.#notes = fieldKey('notes', tools);
  }

  /** The rows of an entry of annotations. */
  add(entry: AcceptedEntry, feed: number): void {
    const tenant = tenantOfAnnotations(entry.header.scope);
    if (tenant === undefined) return;
    const { ordinal } = this.#catalog.countOf(tenant);
    for (const [index, assertion] of entry.assertions.entries()) {
      const { span } = assertion;
      const group = spanGroup(ordinal, span);
      const field = fieldKey(rowNameOf(assertion), this.#tools);
      const place = { feed, field, seq: entry.header.seq, index };
      this.#index.setIn(group, assertionRowKey(group, place), writeAssertion(assertion, entry));
      const mention = mentionRowKey(ordinal, span);
      if (this.#index.get(mention) === undefined) this.#index.set(mention, NOTED);
      if (canConflict(assertion)) this.#noteAuthor({ tenant, span, field: assertion.field }, feed);
    }
  }

  /** Several bodies are held under an id, of different origins: which of them is meant may be contested. */
  addRival(tenant: TenantId, span: SpanId): void {
    this.#contest({ tenant, span, field: 'identity' }, fieldKey('identity', this.#tools));
  }

  has(tenant: TenantId, span: SpanId): boolean {
    const ordinal = this.#catalog.tenantOrdinal(tenant);
    return ordinal !== undefined && this.#index.get(mentionRowKey(ordinal, span)) !== undefined;
  }

  async about(tenant: TenantId, span: SpanId): Promise<readonly PlacedAssertion[]> {
    const ordinal = this.#catalog.tenantOrdinal(tenant);
    if (ordinal === undefined || !this.has(tenant, span)) return [];
    const group = spanGroup(ordinal, span);
    const found: PlacedAssertion[] = [];
    const taken: Taken = { feed: -1, fields: 0, field: '', ofField: 0 };
    for (let from: Key | undefined = group; from !== undefined;) {
      const page = await this.#index.scan({ from, to: endOfGroup(group), limit: PAGE_ROWS }, group);
      from = page.length < PAGE_ROWS ? undefined : page.at(-1)?.[0];
      for (const [key, value] of page) {
        const place = placeOfRow(group, key);
        const next = this.#passed(group, place, taken);
        if (next === undefined) found.push(this.#read(place, value));
        // Behind the last row of a page whatever does not count is passed over as a whole.
        if (from === key) from = next ?? `${key}\0`;
      }
    }
    return found;
  }

  /** Fields that origins may be at odds about, ascending by span, from behind `after` on. */
  async contested(
    tenant: TenantId,
    page: Parameters<AnnotationStore['contested']>[1],
  ): Promise<readonly Contested[]> {
    const ordinal = this.#catalog.tenantOrdinal(tenant);
    if (ordinal === undefined) return [];
    const { after, span, limit } = page;
    const prefix = contestedPrefix(ordinal) + (span ?? '');
    const from = after === undefined ? prefix : `${this.#contestedKey(ordinal, after)}\0`;
    const rows = await this.#index.scan({ from, to: endOfGroup(prefix), limit });
    return rows.flatMap(([key, value]) => readContested(key, value) ?? []);
  }

  /** Keeps what was found of a contested field. Returns what was kept before. */
  keepVerdict(place: ContestedPlace, verdict: Verdict): Verdict | undefined {
    const ordinal = this.#catalog.tenantOrdinal(place.tenant);
    if (ordinal === undefined) return undefined;
    const key = this.#contestedKey(ordinal, place);
    const row = readContested(key, this.#index.get(key));
    if (row !== undefined) this.#index.set(key, writeContested({ ...row, verdict }));
    return row?.verdict;
  }

  /** What became contested or was spoken of again since the last call; `undefined` where it was too much to remember. */
  takeTouched(): readonly ContestedPlace[] | undefined {
    const touched = this.#isOverrun ? undefined : this.#touched;
    this.#touched = [];
    this.#isOverrun = false;
    return touched;
  }

  /** Where to go on behind a row that does not count; `undefined` for one that does, which is then taken. */
  #passed(group: Key, place: AssertionPlace, taken: Taken): Key | undefined {
    const { feed, field, seq } = place;
    if (feed !== taken.feed) Object.assign(taken, { feed, fields: 0, field: '', ofField: 0 });
    const bar = barredFrom(this.#catalog.feedAt(feed));
    if (seq >= bar)
      return bar === 1
        ? endOfRows(group, { feed })
        : assertionRowKey(group, { feed, field, seq: bar - 1, index: 65_535 });
    if (field !== taken.field) {
      if (taken.fields >= LIMITS.assertedFields) return endOfRows(group, { feed });
      Object.assign(taken, { fields: taken.fields + 1, field, ofField: 0 });
    }
    const most = field === this.#notes ? LIMITS.notesPerFeed : LIMITS.assertionsPerField;
    if (taken.ofField >= most) return endOfRows(group, { feed, field });
    taken.ofField++;
    return undefined;
  }

  #read(place: AssertionPlace, value: Uint8Array): PlacedAssertion {
    const by = splitFeedKey(this.#catalog.feedAt(place.feed).key);
    const placed = by === undefined ? undefined : readAssertion(value, { place, by, tools: this.#tools });
    if (placed !== undefined) return placed;
    throw new LoglineError(
      'damaged',
      'the index holds an assertion that cannot be read: stop the node, remove its index folder and start again',
    );
  }

  #noteAuthor(place: ContestedPlace, feed: number): void {
    const { ordinal } = this.#catalog.countOf(place.tenant);
    const field = fieldKey(place.field, this.#tools);
    const key = authorRowKey(ordinal, place.span, field);
    const first = this.#index.get(key);
    if (first === undefined) this.#index.set(key, writeAuthor(feed));
    const isContested =
      this.#index.get(contestedRowKey(ordinal, place.span, field)) !== undefined ||
      (first !== undefined &&
        !equalBytes(this.#catalog.originAt(feed), this.#catalog.originAt(readAuthor(first))));
    if (isContested) this.#contest(place, field);
  }

  #contest(place: ContestedPlace, field: Key): void {
    const { ordinal } = this.#catalog.countOf(place.tenant);
    const key = contestedRowKey(ordinal, place.span, field);
    const row = readContested(key, this.#index.get(key)) ?? {
      field: place.field,
      touches: 0,
      verdict: undefined,
    };
    this.#index.set(key, writeContested({ ...row, touches: row.touches + 1 }));
    if (this.#touched.length < TOUCHED_MOST) this.#touched.push(place);
    else this.#isOverrun = true;
  }

  #contestedKey(ordinal: number, { span, field }: Pick<ContestedPlace, 'span' | 'field'>): Key {
    return contestedRowKey(ordinal, span, fieldKey(field, this.#tools));
  }
}

/** What is said of tags and notes stands beside what others say. */
function canConflict({ op }: Assertion): boolean {
  return op === 'set' || op === 'resolve';
}
