/** What we know of one peer's holdings, what we have asked it for, and what to ask next. */

import type { HoldingsView } from '../compare.js';
import { scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import {
  coversRanges,
  missingRanges,
  type FeedHoldings,
  type HeldRange,
  type SeqRange,
} from '../holdings.js';
import type { Scope } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { WantedRange } from '../message.js';

interface Asked {
  readonly ranges: readonly SeqRange[];
  readonly atMs: number;
}

/** Ranges of a feed that one side holds and the other does not. */
export interface Lack {
  readonly key: FeedKey;
  readonly ranges: readonly SeqRange[];
}

/** What planning looks at beyond the peer itself. */
export interface PlanWorld {
  readonly nowMs: number;
  readonly feed: (key: FeedKey) => Feed;
  readonly isShared: (scope: Scope) => boolean;
  /** Whether another session is already fetching from this feed. */
  readonly isClaimed: (key: FeedKey) => boolean;
}

export class PeerView {
  readonly #theirs = new Map<FeedKey, readonly HeldRange[]>();
  readonly #pushed = new Map<FeedKey, number>();
  readonly #asked = new Map<FeedKey, Asked>();
  /** Feeds that the peer was asked for in vain, and until when others are asked instead. */
  readonly #broken = new Map<FeedKey, number>();
  /** Ranges in `#theirs`. */
  #claimed = 0;

  /** The peer holds exactly `feeds` of the keys from `lower` to `upper`. */
  learn(lower: string, upper: string, feeds: readonly FeedHoldings[]): void {
    if (upper === `${lower}\0`) this.#forget(lower as FeedKey);
    else {
      for (const key of this.#theirs.keys()) {
        if (key >= lower && (upper === '' || key < upper)) this.#forget(key);
      }
    }
    for (const feed of feeds) this.#claim(feed.key, feed.ranges);
    // What it no longer claims to hold is not waited for, and free for others to bring.
    for (const key of this.#asked.keys()) if (!this.#theirs.has(key)) this.#asked.delete(key);
  }

  /** The peer evidently holds this entry, though it has not said so. */
  learnEntry(key: FeedKey, seq: number, hash: Uint8Array): void {
    const ranges = this.#theirs.get(key) ?? [];
    if (ranges.length >= LIMITS.rangesPerFeed || coversRanges(ranges, [{ from: seq, to: seq }])) return;
    this.#claim(key, withEntry(ranges, { from: seq, to: seq, hash }));
  }

  holds(key: FeedKey): readonly HeldRange[] {
    return this.#theirs.get(key) ?? [];
  }

  /** The last seq of a feed that the peer has or has been sent. */
  reach(key: FeedKey): number {
    return Math.max(this.#theirs.get(key)?.at(-1)?.to ?? 0, this.#pushed.get(key) ?? 0);
  }

  pushed(key: FeedKey, seq: number): void {
    this.#pushed.set(key, seq);
  }

  isAsking(key: FeedKey): boolean {
    return this.#asked.has(key);
  }

  /** What the peer holds of the shared scopes and we do not. */
  lackingHere(world: Pick<PlanWorld, 'feed' | 'isShared'>): readonly Lack[] {
    const lacking: Lack[] = [];
    for (const [key, theirs] of this.#theirs) {
      const ranges = world.isShared(scopeOfFeed(key)) ? missingHere(world.feed(key), theirs) : [];
      if (ranges.length > 0) lacking.push({ key, ranges });
    }
    return lacking;
  }

  /** What we hold and the peer has not confirmed to hold. */
  lackingThere(mine: HoldingsView): readonly Lack[] {
    return mine.within('', '').flatMap((feed) => {
      const ranges = missingRanges(this.holds(feed.key), feed.ranges);
      return ranges.length === 0 ? [] : [{ key: feed.key, ranges }];
    });
  }

  /**
   * What to ask for now: of each feed that nobody else fetches, what we lack and have not asked for yet.
   * What follows what we hold comes first; a long history we know nothing of is fetched from its newest part backwards.
   */
  plan(world: PlanWorld): readonly WantedRange[] {
    const wanted: WantedRange[] = [];
    for (const [key, ranges] of this.#theirs) {
      if (wanted.length >= LIMITS.rangesPerWant) break;
      if (!world.isShared(scopeOfFeed(key))) continue;
      const feed = world.feed(key);
      const missing = missingHere(feed, ranges);
      const asked = this.#stillAsked(key, missing, world.nowMs);
      if (missing.length === 0 || asked.length > 0 || world.isClaimed(key)) continue;
      if (world.nowMs < (this.#broken.get(key) ?? 0)) continue;
      const range = nextRange(feed, missing);
      if (range === undefined) continue;
      wanted.push({ key, ...range });
      this.#asked.set(key, { ranges: [range], atMs: world.nowMs });
    }
    return wanted;
  }

  /** Remembers a claim while there is room: a peer may claim anything, and nothing of it is proven. */
  #claim(key: FeedKey, ranges: readonly HeldRange[]): void {
    this.#forget(key);
    if (this.#claimed + ranges.length > LIMITS.claimedRanges) return;
    this.#theirs.set(key, ranges);
    this.#claimed += ranges.length;
  }

  #forget(key: FeedKey): void {
    this.#claimed -= this.#theirs.get(key)?.length ?? 0;
    this.#theirs.delete(key);
  }

  #noteBroken(key: FeedKey, nowMs: number): void {
    for (const [other, untilMs] of this.#broken) if (untilMs <= nowMs) this.#broken.delete(other);
    this.#broken.set(key, nowMs + LIMITS.brokenWordMs);
  }

  /** Drops what has arrived meanwhile, and everything asked too long ago. A range that moves stays young. */
  #stillAsked(key: FeedKey, missing: readonly SeqRange[], nowMs: number): readonly SeqRange[] {
    const asked = this.#asked.get(key);
    if (asked === undefined) return [];
    const ranges = asked.ranges.flatMap((range) => intersect(missing, range));
    const isInVain = ranges.length > 0 && nowMs - asked.atMs > LIMITS.askedMs;
    // A peer that claims much and brings nothing must not keep the feed from those who would.
    if (isInVain) this.#noteBroken(key, nowMs);
    if (ranges.length === 0 || isInVain) {
      this.#asked.delete(key);
      return [];
    }
    const moved =
      ranges.length !== asked.ranges.length ||
      ranges.some((range, i) => range.from !== asked.ranges[i]?.from);
    this.#asked.set(key, { ranges, atMs: moved ? nowMs : asked.atMs });
    return ranges;
  }
}

/** Ascending ranges with one more entry, which none of them covers. */
function withEntry(ranges: readonly HeldRange[], entry: HeldRange): readonly HeldRange[] {
  const before = ranges.filter((range) => range.to < entry.from);
  const after = ranges.slice(before.length);
  const [last, next] = [before.at(-1), after[0]];
  const from = last?.to === entry.from - 1 ? last.from : entry.from;
  const joined = next?.from === entry.to + 1 ? { ...next, from } : { ...entry, from };
  return [
    ...(from === entry.from ? before : before.slice(0, -1)),
    joined,
    ...(joined.to === entry.to ? after : after.slice(1)),
  ];
}

/** Nothing from a fork on is missing: it would not be taken. */
function missingHere(feed: Feed, theirs: readonly SeqRange[]): readonly SeqRange[] {
  const missing = missingRanges(feed.ranges, theirs);
  const end = feed.forkedAt;
  if (end === undefined) return missing;
  return missing
    .filter((range) => range.from < end)
    .map((range) => ({ ...range, to: Math.min(range.to, end - 1) }));
}

function nextRange(
  feed: Feed,
  missing: readonly SeqRange[],
): (SeqRange & { readonly aligned: boolean }) | undefined {
  const newest = missing.at(-1);
  if (newest === undefined) return undefined;
  const follows = newest.from === 1 || feed.ranges.some((range) => range.to === newest.from - 1);
  const count = newest.to - newest.from + 1;
  if (count <= LIMITS.entriesPerWant) return { ...newest, aligned: !follows };
  return { from: newest.to - LIMITS.entriesPerWant + 1, to: newest.to, aligned: true };
}

function intersect(ranges: readonly SeqRange[], within: SeqRange): readonly SeqRange[] {
  return ranges
    .map((range) => ({ from: Math.max(range.from, within.from), to: Math.min(range.to, within.to) }))
    .filter((range) => range.from <= range.to);
}
