/** Holdings: for each feed the ranges of seq that are held, with the hash at each end. They are a replica's state. */

import { encodeCbor, isBytes, isCborList, isCount, type Cbor } from './cbor.js';
import { HASH_BYTES } from './entry.js';
import { barredFrom, quarantineOf, splitFeedKey, type Feed, type FeedKey } from './feed.js';
import { concatBytes, fromKey, toKey } from './bytes.js';
import { LIMITS } from './limits.js';
import type { Crypto } from './ports.js';

/** Heads of the lists around a feed's key and ranges, and those of its own compared range, where it has one. */
const FEED_WEIGHT = 64;
/** A number of nine bytes, a boolean, and the head of the list around them. */
const STOP_WEIGHT = 9 + 1 + 1;
/** Two numbers of nine bytes, a hash, and the head of the list around them. */
const RANGE_WEIGHT = 9 + 9 + 34 + 1;

/** A range of seq, both ends included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** A held range as others are told of it. */
export interface HeldRange extends SeqRange {
  /** Hash of entry `to`. */
  readonly hash: Uint8Array;
}

/** From which seq on a replica accepts nothing of a feed. Of a fork it holds the proof, and hands it out. */
export interface Stop {
  readonly from: number;
  readonly isForked: boolean;
}

/** What a replica holds of a feed and accepts. There is a range, or a stop, or both. */
export interface FeedHoldings {
  readonly key: FeedKey;
  readonly ranges: readonly HeldRange[];
  readonly stop?: Stop | undefined;
}

/** The accepted part of a feed, as others are told of it. */
export function holdingsOf(feed: Feed): FeedHoldings {
  const { key } = feed;
  const ranges = acceptedRanges(feed);
  const quarantine = quarantineOf(feed);
  if (quarantine === undefined) return { key, ranges };
  return { key, ranges, stop: { from: quarantine.from, isForked: quarantine.reason === 'forked' } };
}

/** The ranges of a feed below its bar. */
export function acceptedRanges(feed: Feed): readonly HeldRange[] {
  const from = barredFrom(feed);
  const accepted: HeldRange[] = [];
  for (const range of feed.ranges) {
    if (range.to < from) accepted.push({ from: range.from, to: range.to, hash: range.head.hash });
    else if (range.from < from && feed.clip !== undefined)
      accepted.push({ from: range.from, to: from - 1, hash: feed.clip });
  }
  return accepted;
}

/** Whether there is anything to tell of a feed. */
export function hasHoldings(feed: FeedHoldings): boolean {
  return feed.ranges.length > 0 || feed.stop !== undefined;
}

/**
 * What `theirs` has and `mine` has not, ascending as both of them are. One pass over each: a peer may scatter a feed
 * into as many ranges as there may be, and then this is asked for every entry of it.
 */
export function missingRanges(mine: readonly SeqRange[], theirs: readonly SeqRange[]): readonly SeqRange[] {
  const missing: SeqRange[] = [];
  let at = 0;
  for (const range of theirs) {
    let from = range.from;
    for (let held = mine[at]; held !== undefined && held.from <= range.to; held = mine[at]) {
      if (held.from > from) missing.push({ from, to: held.from - 1 });
      from = Math.max(from, held.to + 1);
      // What reaches beyond this range may cover some of the next one.
      if (held.to > range.to) break;
      at++;
    }
    if (from <= range.to) missing.push({ from, to: range.to });
  }
  return missing;
}

/** The union of ranges, ascending, neighbours joined. */
export function joinRanges(ranges: readonly SeqRange[]): readonly SeqRange[] {
  const joined: SeqRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && range.from <= last.to + 1) {
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    } else joined.push({ from: range.from, to: range.to });
  }
  return joined;
}

/** The parts of ranges that lie within another one. */
export function rangesWithin(within: SeqRange, ranges: readonly SeqRange[]): readonly SeqRange[] {
  return ranges
    .map((range) => ({ from: Math.max(range.from, within.from), to: Math.min(range.to, within.to) }))
    .filter((range) => range.from <= range.to);
}

export function coversRanges(held: readonly SeqRange[], wanted: readonly SeqRange[]): boolean {
  return missingRanges(held, wanted).length === 0;
}

/** How many entries the ranges name. */
export function countEntries(ranges: readonly SeqRange[]): number {
  return ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0);
}

/** SHA-256 over the given holdings, which must be in ascending order of key. Equal digests mean equal holdings. */
export function digestHoldings(feeds: readonly FeedHoldings[], crypto: Crypto): Uint8Array {
  return crypto.sha256(concatBytes(feeds.map((feed) => encodeCbor(writeFeedHoldings(feed)))));
}

/** About how many bytes the holdings of a feed take in a message; never less than they do. */
export function weightOf(feed: FeedHoldings): number {
  return FEED_WEIGHT + feed.key.length + STOP_WEIGHT + feed.ranges.length * RANGE_WEIGHT;
}

/** The feeds in their order, cut into runs that fit a message each. */
export function packFeeds(feeds: readonly FeedHoldings[]): readonly (readonly FeedHoldings[])[] {
  const runs: FeedHoldings[][] = [];
  let bytes = 0;
  for (const feed of feeds) {
    const weight = weightOf(feed);
    const last = runs.at(-1);
    const fits = last !== undefined && last.length < LIMITS.feedsPerMessage;
    if (fits && bytes + weight <= LIMITS.holdingsFrameBytes) last.push(feed);
    else {
      runs.push([feed]);
      bytes = 0;
    }
    bytes += weight;
  }
  return runs;
}

export function writeFeedHoldings(feed: FeedHoldings): Cbor {
  const ranges = feed.ranges.map((range) => [range.from, range.to, range.hash]);
  const { stop } = feed;
  return stop === undefined
    ? [fromKey(feed.key), ranges]
    : [fromKey(feed.key), ranges, [stop.from, stop.isForked]];
}

/** `undefined` where the key is none, or the ranges are out of order, touching, too many, or beyond the stop; or there is neither. */
export function readFeedHoldings(value: Cbor | undefined): FeedHoldings | undefined {
  if (!isCborList(value) || value.length < 2 || value.length > 3) return undefined;
  const [keyBytes, list, stopped] = value;
  const key = readFeedKey(keyBytes);
  if (key === undefined || !isCborList(list) || list.length > LIMITS.rangesPerFeed) return undefined;
  const ranges = readRanges(list);
  if (value.length === 2) return ranges === undefined || list.length === 0 ? undefined : { key, ranges };
  const stop = readStop(stopped);
  const isBelow = stop !== undefined && (ranges?.at(-1)?.to ?? 0) < stop.from;
  return ranges === undefined || !isBelow ? undefined : { key, ranges, stop };
}

function readRanges(list: readonly Cbor[]): readonly HeldRange[] | undefined {
  const ranges: HeldRange[] = [];
  let next = 1;
  for (const item of list) {
    if (!isCborList(item) || item.length !== 3) return undefined;
    const [from, to, hash] = item;
    if (!isCount(from) || !isCount(to) || from < next || to < from || !isBytes(hash, HASH_BYTES))
      return undefined;
    ranges.push({ from, to, hash });
    next = to + 2;
  }
  return ranges;
}

function readStop(value: Cbor | undefined): Stop | undefined {
  if (!isCborList(value) || value.length !== 2) return undefined;
  const [from, isForked] = value;
  return isCount(from) && from > 0 && typeof isForked === 'boolean' ? { from, isForked } : undefined;
}

export function readFeedKey(value: Cbor | undefined): FeedKey | undefined {
  if (!(value instanceof Uint8Array) || value.length > 512) return undefined;
  const key = toKey(value);
  return splitFeedKey(key) === undefined ? undefined : (key as FeedKey);
}
