/** The rows of the index: how keys and values are laid out. Numbers are big-endian, so that keys order as they mean. */

import { concatBytes, fromKey, keyNumber, numberKey, toKey } from '../bytes.js';
import { decodeCbor, encodeCbor, isBytes, isCborList, isCount, type Cbor } from '../cbor.js';
import { EPOCH_BYTES, HASH_BYTES } from '../entry.js';
import type { Feed, Head, Range } from '../feed.js';
import { readFeedKey } from '../holdings.js';
import type { InstantKey } from '../instant.js';
import type { Key } from '../ports.js';
import type { SpanId } from '../span.js';
import type { Arrival, Shift, Tally, TimelineRow } from '../storage.js';
import type { LogMark } from './log.js';
import { readBar, writeBar } from './records.js';

/** Bump it when rows change: the index is then rebuilt from the log. */
export const INDEX_VERSION = 5;

const POSITION_BYTES = 7;
const INDEX_BYTES = 2;
const ORDINAL_BYTES = 4;
const SEQ_BYTES = 7;
const MS_BYTES = 6;
const COUNT_BYTES = 4;
const ID_BYTES = 16;
const VARIANT_BYTES = POSITION_BYTES + INDEX_BYTES + ORDINAL_BYTES + SEQ_BYTES + MS_BYTES + COUNT_BYTES;
/** Sorts after every key that begins with the prefix before it. */
const AFTER = '\xff'.repeat(100);

export const CHECKPOINT_KEY: Key = 'c';

/** How far the index has come: written in one batch with the rows it covers. */
export interface Checkpoint {
  readonly version: number;
  readonly entries: number;
  /** The last record that the rows cover. */
  readonly mark: LogMark;
}

/** A body under a span id: where it is, and what decides which one is shown. */
export interface VariantRow {
  readonly arrival: Arrival;
  readonly feed: number;
  readonly seq: number;
  readonly ms: number;
  readonly count: number;
}

export const feedRowKey = (feed: number): Key => `f${numberKey(feed, ORDINAL_BYTES)}`;
export const tenantRowKey = (tenant: number): Key => `n${numberKey(tenant, ORDINAL_BYTES)}`;
export const factRowKey = (name: Uint8Array): Key => `l${toKey(name)}`;
export const runRowKey = (position: number): Key => `r${numberKey(position, POSITION_BYTES)}`;
export const entryRowKey = (feed: number, seq: number): Key =>
  `e${numberKey(feed, ORDINAL_BYTES)}${numberKey(seq, SEQ_BYTES)}`;
export const spanRowKey = (tenant: number, id: SpanId): Key => `s${numberKey(tenant, ORDINAL_BYTES)}${id}`;
export const timeRowPrefix = (tenant: number): Key => `t${numberKey(tenant, ORDINAL_BYTES)}`;
/** What a record at `position` changed of the bar of a feed. */
export const shiftRowKey = (position: number): Key => `b${numberKey(position, POSITION_BYTES)}`;
/** Where the proof of a feed's fork stands. */
export const forkRowKey = (feed: number): Key => `k${numberKey(feed, ORDINAL_BYTES)}`;
export const endOfPrefix = (prefix: Key): Key => prefix + AFTER;

export function ordinalOfKey(key: Key): number {
  return keyNumber(key.slice(1, 1 + ORDINAL_BYTES));
}

export function seqOfEntryKey(key: Key): number {
  return keyNumber(key.slice(1 + ORDINAL_BYTES));
}

export function positionOfRunKey(key: Key): number {
  return keyNumber(key.slice(1));
}

export function nameOfFactKey(key: Key): Uint8Array {
  return fromKey(key.slice(1));
}

export function timelineRowOf(key: Key, value: Uint8Array): TimelineRow {
  const rest = key.slice(1 + ORDINAL_BYTES);
  return {
    instant: rest.slice(0, -ID_BYTES) as InstantKey,
    id: rest.slice(-ID_BYTES) as SpanId,
    arrival: readArrival(toKey(value)),
  };
}

export function writeArrival(arrival: Arrival): Uint8Array {
  return fromKey(arrivalKey(arrival));
}

export function writePosition(position: number): Uint8Array {
  return fromKey(numberKey(position, POSITION_BYTES));
}

export function readPosition(value: Uint8Array): number {
  return keyNumber(toKey(value.subarray(0, POSITION_BYTES)));
}

/** An entry's place, and how many spans it holds. */
export function writeEntryRow(position: number, spans: number): Uint8Array {
  return fromKey(numberKey(position, POSITION_BYTES) + numberKey(spans, INDEX_BYTES));
}

export function spansOfEntryRow(value: Uint8Array): number {
  return keyNumber(toKey(value.subarray(POSITION_BYTES)));
}

export function writeVariants(variants: readonly VariantRow[]): Uint8Array {
  return concatBytes(
    variants.map((row) =>
      fromKey(
        arrivalKey(row.arrival) +
          numberKey(row.feed, ORDINAL_BYTES) +
          numberKey(row.seq, SEQ_BYTES) +
          numberKey(row.ms, MS_BYTES) +
          numberKey(row.count, COUNT_BYTES),
      ),
    ),
  );
}

export function readVariants(value: Uint8Array): readonly VariantRow[] {
  const variants: VariantRow[] = [];
  for (let at = 0; at + VARIANT_BYTES <= value.length; at += VARIANT_BYTES) {
    const row = toKey(value.subarray(at, at + VARIANT_BYTES));
    let from = POSITION_BYTES + INDEX_BYTES;
    const next = (length: number): number => keyNumber(row.slice(from, (from += length)));
    const arrival = readArrival(row);
    variants.push({
      arrival,
      feed: next(ORDINAL_BYTES),
      seq: next(SEQ_BYTES),
      ms: next(MS_BYTES),
      count: next(COUNT_BYTES),
    });
  }
  return variants;
}

export function writeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { version, entries, mark } = checkpoint;
  return encodeCbor([version, entries, mark.position, mark.end, mark.checksum]);
}

export function readCheckpoint(value: Uint8Array | undefined): Checkpoint | undefined {
  const list = value === undefined ? undefined : decodeCbor(value);
  if (!isCborList(list)) return undefined;
  const [version, entries, position, end, checksum] = list;
  if (version !== INDEX_VERSION || !isCount(entries)) return undefined;
  if (!isCount(position) || !isCount(end) || !isCount(checksum)) return undefined;
  return { version, entries, mark: { position, end, checksum } };
}

/** A feed as it stands in the rows, with what of it is quarantined. */
export interface FeedRow {
  readonly feed: Feed;
  readonly withheld: Tally;
}

export function writeFeed({ feed, withheld }: FeedRow): Uint8Array {
  return encodeCbor([
    fromKey(feed.key),
    feed.forkedAt ?? null,
    feed.ranges.map((range) => [range.from, range.to, range.before ?? null, writeHead(range.head)]),
    feed.bar === undefined ? null : writeBar(feed.bar),
    feed.clip ?? null,
    withheld.entries,
    withheld.spans,
  ]);
}

export function readFeed(value: Uint8Array): FeedRow | undefined {
  const list = decodeCbor(value);
  if (!isCborList(list)) return undefined;
  const [keyBytes, forkedAt, held, barred, clip, entries, spans] = list;
  const key = readFeedKey(keyBytes);
  const bar = readBar(barred ?? null);
  if (key === undefined || bar === null || !isCborList(held) || !isCount(entries) || !isCount(spans))
    return undefined;
  const ranges: Range[] = [];
  for (const row of held) {
    const range = readRange(row);
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  const feed: Feed = {
    key,
    ranges,
    forkedAt: isCount(forkedAt) ? forkedAt : undefined,
    bar,
    clip: isBytes(clip, HASH_BYTES) ? clip : undefined,
  };
  return { feed, withheld: { entries, spans } };
}

/** Infinity, which stands for no bar, is written as null. */
export function writeShift(feed: number, { was, now }: Pick<Shift, 'was' | 'now'>): Uint8Array {
  return encodeCbor([feed, Number.isFinite(was) ? was : null, Number.isFinite(now) ? now : null]);
}

export function readShift(
  value: Uint8Array | undefined,
): { readonly feed: number; readonly was: number; readonly now: number } | undefined {
  const list = value === undefined ? undefined : decodeCbor(value);
  if (!isCborList(list) || !isCount(list[0])) return undefined;
  const [was, now] = list.slice(1).map((seq) => (isCount(seq) ? seq : Number.POSITIVE_INFINITY));
  return was === undefined || now === undefined ? undefined : { feed: list[0], was, now };
}

export function isRunId(value: Uint8Array): boolean {
  return value.length === EPOCH_BYTES;
}

function arrivalKey(arrival: Arrival): string {
  return numberKey(arrival.position, POSITION_BYTES) + numberKey(arrival.index, INDEX_BYTES);
}

function readArrival(row: string): Arrival {
  return {
    position: keyNumber(row.slice(0, POSITION_BYTES)),
    index: keyNumber(row.slice(POSITION_BYTES, POSITION_BYTES + INDEX_BYTES)),
  };
}

function writeHead(head: Head): Cbor {
  const { doc, spans, bytes, day } = head.segment;
  return [head.hash, head.changeHash, doc, spans, bytes, day, head.stamp.ms, head.stamp.count];
}

function readRange(row: Cbor): Range | undefined {
  if (!isCborList(row)) return undefined;
  const [from, to, before, head] = row;
  if (!isCount(from) || !isCount(to) || !isCborList(head)) return undefined;
  const [hash, changeHash, doc, spans, bytes, day, ms, count] = head;
  if (!isBytes(hash, HASH_BYTES) || !isBytes(changeHash, HASH_BYTES)) return undefined;
  if (!isCount(doc) || !isCount(spans) || !isCount(bytes) || !isCount(day)) return undefined;
  if (!isCount(ms) || !isCount(count)) return undefined;
  return {
    from,
    to,
    before: before instanceof Uint8Array ? before : undefined,
    head: { hash, changeHash, segment: { doc, spans, bytes, day }, stamp: { ms, count } },
  };
}
