/** The rows of annotations: how keys and values are laid out. What a feed says of one field of a span stands together, newest first. */

import { openAssertions, sealAssertions, type Assertion, type PlacedAssertion } from '../assertion.js';
import { concatBytes, fromKey, keyNumber, numberKey, toKey } from '../bytes.js';
import { decodeCbor, encodeCbor, isBytes, isCborList, isCount } from '../cbor.js';
import { HASH_BYTES, type Header } from '../entry.js';
import type { Key, Tools } from '../ports.js';
import type { SpanId } from '../span.js';
import type { Contested, Verdict } from '../storage.js';

const ORDINAL_BYTES = 4;
const ID_BYTES = 16;
const FIELD_BYTES = 8;
const SEQ_BYTES = 7;
const INDEX_BYTES = 2;
const MS_BYTES = 6;
const COUNT_BYTES = 4;
const INDEX_MOST = 65_535;
const STAMP_AT = HASH_BYTES;
const SAID_AT = STAMP_AT + MS_BYTES + COUNT_BYTES;
/** Sorts after every key that begins with what is before it. */
const AFTER = '\xff'.repeat(ORDINAL_BYTES + FIELD_BYTES + SEQ_BYTES + INDEX_BYTES);

/** Where a row of an assertion stands among those of its span. */
export interface AssertionPlace {
  readonly feed: number;
  /** Of the field, or of the tag: see `rowNameOf`. */
  readonly field: Key;
  readonly seq: number;
  readonly index: number;
}

/** What all rows of assertions about a span begin with. */
export const spanGroup = (tenant: number, span: SpanId): Key => `a${numberKey(tenant, ORDINAL_BYTES)}${span}`;
/** Whether anything was ever said of a span. */
export const mentionRowKey = (tenant: number, span: SpanId): Key =>
  `m${numberKey(tenant, ORDINAL_BYTES)}${span}`;
/** Whose feed spoke of a field first. */
export const authorRowKey = (tenant: number, span: SpanId, field: Key): Key =>
  `x${numberKey(tenant, ORDINAL_BYTES)}${span}${field}`;
export const contestedPrefix = (tenant: number): Key => `y${numberKey(tenant, ORDINAL_BYTES)}`;
export const contestedRowKey = (tenant: number, span: SpanId, field: Key): Key =>
  contestedPrefix(tenant) + span + field;
export const endOfGroup = (prefix: Key): Key => prefix + AFTER;

/** The field, or the tag, as it stands in keys: names may be long. */
export function fieldKey(name: string, { crypto, text }: Pick<Tools, 'crypto' | 'text'>): Key {
  return toKey(crypto.sha256(text.encode(name)).subarray(0, FIELD_BYTES));
}

/** What rows of assertions stand together, of which a feed has so many: resolutions are not pushed out by what follows. */
export function rowNameOf({ op, field, value }: Pick<Assertion, 'op' | 'field' | 'value'>): string {
  if (op === 'resolve') return `resolve ${field}`;
  return field === 'tags' ? `tags.${value}` : field;
}

export function assertionRowKey(group: Key, { feed, field, seq, index }: AssertionPlace): Key {
  const newestFirst =
    numberKey(Number.MAX_SAFE_INTEGER - seq, SEQ_BYTES) + numberKey(INDEX_MOST - index, INDEX_BYTES);
  return group + numberKey(feed, ORDINAL_BYTES) + field + newestFirst;
}

export function placeOfRow(group: Key, key: Key): AssertionPlace {
  let from = group.length;
  const next = (length: number): Key => key.slice(from, (from += length));
  return {
    feed: keyNumber(next(ORDINAL_BYTES)),
    field: next(FIELD_BYTES),
    seq: Number.MAX_SAFE_INTEGER - keyNumber(next(SEQ_BYTES)),
    index: INDEX_MOST - keyNumber(next(INDEX_BYTES)),
  };
}

/** Sorts behind the rows of one feed about one field; without a field behind all rows of the feed. */
export function endOfRows(
  group: Key,
  { feed, field = '' }: { readonly feed: number; readonly field?: Key },
): Key {
  return group + numberKey(feed, ORDINAL_BYTES) + field + AFTER.slice(ORDINAL_BYTES + field.length);
}

/** The entry's hash and stamp, then the assertion as it stands in an entry. */
export function writeAssertion(
  assertion: Assertion,
  { hash, header }: { readonly hash: Uint8Array; readonly header: Pick<Header, 'stamp'> },
): Uint8Array {
  const stamp = numberKey(header.stamp.ms, MS_BYTES) + numberKey(header.stamp.count, COUNT_BYTES);
  return concatBytes([hash, fromKey(stamp), sealAssertions([assertion])]);
}

/** `undefined` where the row is damaged. `by`: whose feed it is of. */
export function readAssertion(
  value: Uint8Array,
  {
    place,
    by,
    tools,
  }: {
    readonly place: AssertionPlace;
    readonly by: { readonly origin: Uint8Array; readonly epoch: Uint8Array };
    readonly tools: Pick<Tools, 'text'>;
  },
): PlacedAssertion | undefined {
  const opened = openAssertions(value.subarray(SAID_AT), tools);
  const assertion = opened.ok ? opened.assertions[0] : undefined;
  if (assertion === undefined) return undefined;
  const stamp = toKey(value.subarray(STAMP_AT, SAID_AT));
  return {
    assertion,
    origin: by.origin,
    epoch: by.epoch,
    stamp: { ms: keyNumber(stamp.slice(0, MS_BYTES)), count: keyNumber(stamp.slice(MS_BYTES)) },
    seq: place.seq,
    ref: { hash: value.slice(0, HASH_BYTES), index: place.index },
  };
}

export function writeAuthor(feed: number): Uint8Array {
  return fromKey(numberKey(feed, ORDINAL_BYTES));
}

/** Whose feed spoke of a field first, by its number. */
export function readAuthor(value: Uint8Array): number {
  return keyNumber(toKey(value));
}

export function writeContested({ field, touches, verdict }: Omit<Contested, 'span'>): Uint8Array {
  const judged =
    verdict === undefined
      ? null
      : [verdict.state, verdict.config, verdict.touches, verdict.sinceMs, verdict.recheckAtMs ?? null];
  return encodeCbor([field, touches, judged]);
}

export function readContested(key: Key, value: Uint8Array | undefined): Contested | undefined {
  const list = value === undefined ? undefined : decodeCbor(value);
  if (!isCborList(list)) return undefined;
  const [field, touches, judged] = list;
  if (typeof field !== 'string' || !isCount(touches)) return undefined;
  const at = 1 + ORDINAL_BYTES;
  const row = { span: key.slice(at, at + ID_BYTES) as SpanId, field, touches };
  if (!isCborList(judged)) return { ...row, verdict: undefined };
  const [state, config, seen, sinceMs, recheckAtMs] = judged;
  if ((state !== 'none' && state !== 'open' && state !== 'settled') || !isBytes(config, HASH_BYTES))
    return undefined;
  if (!isCount(seen) || !isCount(sinceMs)) return undefined;
  const verdict: Verdict = {
    state,
    config,
    touches: seen,
    sinceMs,
    recheckAtMs: isCount(recheckAtMs) ? recheckAtMs : undefined,
  };
  return { ...row, verdict };
}
