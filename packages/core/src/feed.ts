/** R2: a feed is all entries of one (scope, origin, epoch). It has one writer, is linear, and is held in ranges. */

import { equalBytes, fromKey, toKey } from './bytes.js';
import { dayOf, type Stamp } from './clock.js';
import type { Header } from './entry.js';
import { EPOCH_BYTES, KEY_BYTES } from './entry.js';
import type { Scope } from './identity.js';
import { LIMITS } from './limits.js';

/** (scope, origin, epoch) as one string: scope, a zero, 32 characters of key, 8 of epoch. Orders by scope, then origin. */
export type FeedKey = string & { readonly brand: 'FeedKey' };

/** The segment that a range ends in: what decides whether the next entry may go on in it. */
export interface OpenSegment {
  readonly doc: number;
  readonly spans: number;
  readonly bytes: number;
  readonly day: number;
}

/** The last entry of a range. */
export interface Head {
  readonly hash: Uint8Array;
  readonly changeHash: Uint8Array;
  readonly segment: OpenSegment;
  readonly stamp: Stamp;
}

/** What a feed needs to know of an entry to take it. */
export interface PlacedEntry {
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly changeHash: Uint8Array;
  readonly changeBytes: number;
}

/** A run of entries held without a gap. `before` is what its first entry names as `prev`; nothing for entry 1. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly before: Uint8Array | undefined;
  readonly head: Head;
}

/** From which seq on a feed is not accepted here: what is held from there on is quarantined. */
export interface Bar {
  readonly from: number;
  readonly reason: 'forked' | 'revoked' | 'rotated';
  /** Until a tenant's primary has spoken. */
  readonly provisional: boolean;
}

/** What a replica holds of one feed, quarantined or not. Ranges ascend and never touch. */
export interface Feed {
  readonly key: FeedKey;
  readonly ranges: readonly Range[];
  /** R7: the seq from which two signed histories differ; nothing is taken from there on. */
  readonly forkedAt: number | undefined;
  /** What revocations and rotations say of the feed at this node. See `quarantineOf`, which looks at forks too. */
  readonly bar: Bar | undefined;
  /** Hash of the last entry that is accepted, where a held range goes on beyond it. */
  readonly clip: Uint8Array | undefined;
}

/** Where an entry stands against what is held. */
export type Position =
  | { readonly kind: 'held' }
  | { readonly kind: 'next'; readonly range: Range }
  | { readonly kind: 'detached' }
  | { readonly kind: 'gap' }
  | { readonly kind: 'barred'; readonly reason: Bar['reason'] };

export function feedKey(scope: Scope, origin: Uint8Array, epoch: Uint8Array): FeedKey {
  return `${scope}\0${toKey(origin)}${toKey(epoch)}` as FeedKey;
}

/** What all keys of an origin's feeds in a scope begin with. */
export function feedPrefix(scope: Scope, origin: Uint8Array): string {
  return `${scope}\0${toKey(origin)}`;
}

export function feedKeyOf(header: Header): FeedKey {
  return feedKey(header.scope, header.origin, header.epoch);
}

/** The parts of a feed key; `undefined` where the text is none. */
export function splitFeedKey(
  key: string,
): { readonly scope: Scope; readonly origin: Uint8Array; readonly epoch: Uint8Array } | undefined {
  const separator = key.indexOf('\0');
  if (separator < 1 || key.length !== separator + 1 + KEY_BYTES + EPOCH_BYTES) return undefined;
  const tail = fromKey(key.slice(separator + 1));
  return {
    scope: key.slice(0, separator) as Scope,
    origin: tail.subarray(0, KEY_BYTES),
    epoch: tail.subarray(KEY_BYTES),
  };
}

export function scopeOfFeed(key: FeedKey): Scope {
  return key.slice(0, key.indexOf('\0')) as Scope;
}

export function emptyFeed(key: FeedKey): Feed {
  return { key, ranges: [], forkedAt: undefined, bar: undefined, clip: undefined };
}

/** The lower of what a fork and what trust says: the bar that counts. */
export function quarantineOf(feed: Pick<Feed, 'forkedAt' | 'bar'>): Bar | undefined {
  const { forkedAt, bar } = feed;
  if (forkedAt === undefined || (bar !== undefined && bar.from < forkedAt)) return bar;
  return { from: forkedAt, reason: 'forked', provisional: false };
}

/** The first seq that is not accepted; infinite where all is. */
export function barredFrom(feed: Pick<Feed, 'forkedAt' | 'bar'>): number {
  return quarantineOf(feed)?.from ?? Number.POSITIVE_INFINITY;
}

/** The seq of the entry whose hash is `clip`: the last accepted one of a range that goes on; `undefined` where none does. */
export function clippedAt(feed: Omit<Feed, 'clip'>): number | undefined {
  const from = barredFrom(feed);
  if (from === Number.POSITIVE_INFINITY) return undefined;
  return feed.ranges.some((range) => range.from < from && from <= range.to) ? from - 1 : undefined;
}

/** The feed under another bar. `clip` is the hash of the entry at `clippedAt` of the result, where there is one. */
export function withBar(feed: Feed, bar: Bar | undefined, clip: Uint8Array | undefined): Feed {
  return { ...feed, bar, clip };
}

/** The feed with a fork, of which the lowest counts. `clip`: see `withBar`. */
export function withFork(feed: Feed, seq: number, clip: Uint8Array | undefined): Feed {
  return { ...feed, forkedAt: Math.min(seq, feed.forkedAt ?? seq), clip };
}

export function holdsEntry(feed: Feed, seq: number): boolean {
  return feed.ranges.some((range) => range.from <= seq && seq <= range.to);
}

/** The highest range, where an honest origin goes on. */
export function lastRange(feed: Feed): Range | undefined {
  return feed.ranges.at(-1);
}

/**
 * Where the entry stands. Away from what is held it may only start a segment, since only there
 * does its change depend on nothing before it.
 */
export function positionOf(feed: Feed, header: Pick<Header, 'seq' | 'doc'>): Position {
  const quarantine = quarantineOf(feed);
  if (quarantine !== undefined && header.seq >= quarantine.from)
    return { kind: 'barred', reason: quarantine.reason };
  if (holdsEntry(feed, header.seq)) return { kind: 'held' };
  const before = feed.ranges.find((range) => range.to === header.seq - 1);
  if (before !== undefined) return { kind: 'next', range: before };
  const starts = header.seq === 1 || header.doc === header.seq;
  return starts && feed.ranges.length < LIMITS.rangesPerFeed ? { kind: 'detached' } : { kind: 'gap' };
}

/** Whether the entry at `seq` would close a gap to a range above it whose first entry names another hash. */
export function contradictsNext(feed: Feed, seq: number, hash: Uint8Array): boolean {
  const next = feed.ranges.find((range) => range.from === seq + 1);
  return next?.before !== undefined && !equalBytes(next.before, hash);
}

/** The feed with one more entry, already checked to fit. A closed gap joins two ranges into one. */
export function extendFeed(feed: Feed, entry: PlacedEntry): Feed {
  const { header, hash, changeHash, changeBytes } = entry;
  const { seq, prev, stamp } = header;
  const before = feed.ranges.find((range) => range.to === seq - 1);
  const segment = growSegment(before?.head.segment, { ...header, changeBytes });
  const ranges: Range[] = [];
  let grown: Range = { from: seq, to: seq, before: prev, head: { hash, changeHash, segment, stamp } };
  for (const range of feed.ranges) {
    if (range === before) grown = { ...grown, from: range.from, before: range.before };
    else if (range.from === seq + 1) grown = { ...grown, to: range.to, head: range.head };
    else ranges.push(range);
  }
  ranges.push(grown);
  ranges.sort((a, b) => a.from - b.from);
  const clipped = clippedAt({ ...feed, ranges });
  // Only what is next to the bar joins accepted entries with quarantined ones: it is the last accepted one or names it.
  const joined = clipped === seq ? hash : clipped === seq - 1 ? prev : feed.clip;
  return { ...feed, ranges, clip: clipped === undefined ? undefined : joined };
}

/** The segment after one more entry that starts it or goes on in it. */
export function growSegment(
  segment: OpenSegment | undefined,
  entry: {
    readonly doc: number;
    readonly count: number;
    readonly stamp: Stamp;
    readonly changeBytes: number;
  },
): OpenSegment {
  const same = segment?.doc === entry.doc ? segment : undefined;
  return {
    doc: entry.doc,
    spans: (same?.spans ?? 0) + entry.count,
    bytes: (same?.bytes ?? 0) + entry.changeBytes,
    day: same?.day ?? dayOf(entry.stamp),
  };
}

/** Whether an entry may go on in `segment`: its spans, bytes and UTC day have not run out. */
export function fitsSegment(
  segment: OpenSegment,
  entry: { readonly count: number; readonly stamp: Stamp; readonly changeBytes: number },
): boolean {
  return (
    segment.spans + entry.count <= LIMITS.segmentSpans &&
    segment.bytes + entry.changeBytes <= LIMITS.segmentBytes &&
    segment.day === dayOf(entry.stamp)
  );
}
