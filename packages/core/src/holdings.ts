/** Holdings: for each feed the ranges of seq that are held, with the hash at each end. They are a replica's state. */

import { encodeCbor, isBytes, isCborList, isCount, type Cbor } from './cbor.js';
import { HASH_BYTES } from './entry.js';
import { splitFeedKey, type Feed, type FeedKey } from './feed.js';
import { concatBytes, fromKey, toKey } from './bytes.js';
import { LIMITS } from './limits.js';
import type { Crypto } from './ports.js';

/** Heads of the lists around a feed's key and ranges, and those of its own compared range, where it has one. */
const FEED_WEIGHT = 64;
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

export interface FeedHoldings {
  readonly key: FeedKey;
  readonly ranges: readonly HeldRange[];
}

export function holdingsOf(feed: Feed): FeedHoldings {
  return {
    key: feed.key,
    ranges: feed.ranges.map((range) => ({ from: range.from, to: range.to, hash: range.head.hash })),
  };
}

/** What `theirs` has and `mine` has not, ascending. */
export function missingRanges(mine: readonly SeqRange[], theirs: readonly SeqRange[]): readonly SeqRange[] {
  const missing: SeqRange[] = [];
  for (const range of theirs) {
    let from = range.from;
    for (const held of mine) {
      if (held.to < from || held.from > range.to) continue;
      if (held.from > from) missing.push({ from, to: held.from - 1 });
      from = held.to + 1;
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
  return FEED_WEIGHT + feed.key.length + feed.ranges.length * RANGE_WEIGHT;
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
  return [fromKey(feed.key), feed.ranges.map((range) => [range.from, range.to, range.hash])];
}

/** `undefined` where the key is none, or the ranges are empty, out of order, touching, or too many. */
export function readFeedHoldings(value: Cbor | undefined): FeedHoldings | undefined {
  if (!isCborList(value) || value.length !== 2) return undefined;
  const [keyBytes, list] = value;
  const key = readFeedKey(keyBytes);
  if (key === undefined || !isCborList(list) || list.length === 0 || list.length > LIMITS.rangesPerFeed)
    return undefined;
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
  return { key, ranges };
}

export function readFeedKey(value: Cbor | undefined): FeedKey | undefined {
  if (!(value instanceof Uint8Array) || value.length > 512) return undefined;
  const key = toKey(value);
  return splitFeedKey(key) === undefined ? undefined : (key as FeedKey);
}
