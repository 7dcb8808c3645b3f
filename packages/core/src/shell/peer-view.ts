/** What we know of one peer's holdings, what we have asked it for, and what to ask next. */

import type { HoldingsView } from '../compare.js';
import { barredFrom, scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import {
  coversRanges,
  holdingsOf,
  missingRanges,
  rangesWithin,
  type FeedHoldings,
  type HeldRange,
  type SeqRange,
  type Stop,
} from '../holdings.js';
import type { Scope } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { WantedRange } from '../message.js';
import { contradictionIn, endInside, forkToAsk, seqInDoubt, type Compared } from './fork-search.js';
import { OrderedKeys } from './ordered-keys.js';
import { commonRanges, rangeToAsk, withEntry, type Need } from './peer-ranges.js';

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
  readonly isShared: (scope: Scope) => boolean;
  /** Whether another session is already fetching from this feed. */
  readonly isClaimed: (key: FeedKey) => boolean;
}

/** What a peer says to hold of a feed. */
interface Claim {
  readonly ranges: readonly HeldRange[];
  /** From where on it takes nothing. */
  readonly stop: Stop | undefined;
  /** How many more ranges these are than we hold of the feed ourselves. */
  readonly excess: number;
}

/**
 * Feeds that one peer is asked for at a time. It ends a session in which more ranges wait than it owes at most; half of
 * those are left for what was asked in vain and still waits there.
 */
const ASKED_MOST = LIMITS.owedRanges / 2;
const UNKNOWN: Compared = { agreed: 0, apart: undefined, unproven: undefined };
const NO_CLAIM: Pick<Claim, 'ranges' | 'stop'> = { ranges: [], stop: undefined };

export class PeerView {
  readonly #feed: (key: FeedKey) => Feed;
  readonly #theirs = new Map<FeedKey, Claim>();
  readonly #keys = new OrderedKeys();
  /** The claimed feeds that may call for something. All others call for nothing until either side's holdings change. */
  readonly #unsettled = new Set<FeedKey>();
  /** The claimed feeds with an end inside a range of ours that nobody has compared with the log. */
  readonly #unchecked = new Set<FeedKey>();
  readonly #compared = new Map<FeedKey, Compared>();
  readonly #agreed = new Set<FeedKey>();
  readonly #pushed = new Map<FeedKey, number>();
  readonly #asked = new Map<FeedKey, Asked>();
  /** Feeds that the peer was asked for in vain, and until when others are asked instead. */
  readonly #broken = new Map<FeedKey, number>();
  /** Sum of `excess` in `#theirs`. */
  #claimed = 0;
  #isFull = false;

  /** `feed` answers what we hold ourselves; `changed` is to be called when that has changed. */
  constructor(feed: (key: FeedKey) => Feed) {
    this.#feed = feed;
  }

  /** The peer holds exactly `feeds` of the keys from `lower` to `upper`, as far as it spoke of them. */
  learn(
    lower: string,
    upper: string,
    feeds: readonly FeedHoldings[],
    spokeOf: (scope: Scope) => boolean = () => true,
  ): void {
    const told = new Set<FeedKey>(feeds.map((feed) => feed.key));
    for (const key of this.#keys.within(lower, upper))
      if (!told.has(key) && spokeOf(scopeOfFeed(key))) this.#forget(key);
    for (const feed of feeds) this.#claim(feed.key, feed.ranges, feed.stop);
  }

  /** Our own holdings of a feed have changed. */
  changed(key: FeedKey): void {
    const claim = this.#theirs.get(key);
    if (claim !== undefined) this.#claim(key, claim.ranges, claim.stop);
  }

  /** How many feeds a plan has to look at. */
  get unsettled(): number {
    return this.#unsettled.size;
  }

  /** Whether the peer claimed more than is remembered, and there is room by now to hear it again. */
  get hasRoomAgain(): boolean {
    return this.#isFull && this.#claimed <= LIMITS.claimedRanges / 2;
  }

  /** Whether the peer claimed more than is remembered. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** What was not remembered is about to be told again. */
  hearAgain(): void {
    this.#isFull = false;
  }

  /** The peer evidently holds this entry, though it has not said so. */
  learnEntry(key: FeedKey, seq: number, hash: Uint8Array): void {
    const ranges = this.holds(key);
    if (ranges.length >= LIMITS.rangesPerFeed || coversRanges(ranges, [{ from: seq, to: seq }])) return;
    this.#claim(key, withEntry(ranges, { from: seq, to: seq, hash }), this.#claimOf(key).stop);
  }

  /** The peer's entry at `seq` has been found to be ours. */
  agree(key: FeedKey, seq: number): void {
    const { stop } = this.#claimOf(key);
    const isDenied = stop?.isForked === true && seq >= stop.from && barredFrom(this.#feed(key)) > stop.from;
    if (isDenied) this.#note(key, { ...this.#knownOf(key), unproven: stop.from });
    const known = this.#knownOf(key);
    const end = barredFrom(this.#feed(key));
    // What was found beyond a fork, away from what lies before it, says nothing of that.
    const agreed = known.agreed < end ? known.agreed : 0;
    if (!this.#theirs.has(key) || seq >= end || seq <= agreed) return;
    this.#note(key, { ...known, agreed: seq });
    this.#agreed.add(key);
  }

  /** Feeds of which more has been found to be ours since this was last asked. */
  takeAgreed(): readonly FeedKey[] {
    const keys = [...this.#agreed];
    this.#agreed.clear();
    return keys;
  }

  /** What we hold of what the peer says to hold itself: all that it may hear of our holdings where it may not read. */
  common(key: FeedKey): FeedHoldings {
    const theirs = this.holds(key);
    if (theirs.length === 0) return { key, ranges: [] };
    const ours = holdingsOf(this.#feed(key));
    return { ...ours, ranges: commonRanges(ours.ranges, theirs, this.#knownOf(key)) };
  }

  /** The peer's entry at `seq` is said to be another than ours: it is asked for. */
  part(key: FeedKey, seq: number): void {
    const known = this.#knownOf(key);
    if (this.#theirs.has(key)) this.#note(key, { ...known, apart: Math.min(known.apart ?? seq, seq) });
  }

  /** Ends that the peer names inside ranges of ours, of so many feeds at most; answered by `agree` or `part`. */
  unchecked(
    most: number,
  ): readonly { readonly key: FeedKey; readonly seq: number; readonly hash: Uint8Array }[] {
    const ends: { key: FeedKey; seq: number; hash: Uint8Array }[] = [];
    for (const key of this.#unchecked) {
      if (ends.length >= most) break;
      const end = endInside(this.#feed(key), this.holds(key), this.#knownOf(key));
      if (end === undefined) this.#unchecked.delete(key);
      else ends.push({ key, seq: end.to, hash: end.hash });
    }
    // The others come first next time.
    for (const { key } of ends) if (this.#unchecked.delete(key)) this.#unchecked.add(key);
    return ends;
  }

  holds(key: FeedKey): readonly HeldRange[] {
    return this.#theirs.get(key)?.ranges ?? [];
  }

  /** Whether the peer is known to hold all of this, and no other history of it. */
  knows(feed: FeedHoldings): boolean {
    const theirs = this.holds(feed.key);
    return coversRanges(theirs, feed.ranges) && contradictionIn(feed.ranges, theirs) === undefined;
  }

  /** The last seq of a feed that the peer has or has been sent. */
  reach(key: FeedKey): number {
    return Math.max(this.holds(key).at(-1)?.to ?? 0, this.#pushed.get(key) ?? 0);
  }

  pushed(key: FeedKey, seq: number): void {
    this.#pushed.set(key, seq);
  }

  isAsking(key: FeedKey): boolean {
    return this.#asked.has(key);
  }

  /**
   * What the peer holds of the shared scopes and we do not, and where it holds another history that nothing is known of.
   * A fork that is known is settled, though its first entry may still be looked for.
   */
  lackingHere(isShared: (scope: Scope) => boolean): readonly Lack[] {
    const lacking: Lack[] = [];
    for (const key of this.#unsettled) {
      if (!isShared(scopeOfFeed(key))) continue;
      const { missing, inDoubt } = this.#need(key);
      const isUnknownFork = inDoubt !== undefined && this.#feed(key).forkedAt === undefined;
      const ranges = isUnknownFork ? [...missing, { from: inDoubt, to: inDoubt }] : missing;
      if (ranges.length > 0) lacking.push({ key, ranges });
    }
    return lacking;
  }

  /** What we hold and the peer has not confirmed to hold. */
  lackingThere(mine: HoldingsView): readonly Lack[] {
    const lacking = mine.within('', '').map((feed) => this.lackingOf(feed));
    return lacking.flatMap(({ key, ranges }) => (ranges.length > 0 ? [{ key, ranges }] : []));
  }

  /** What of one feed that we hold the peer has not confirmed to hold. From a fork or a cut on it would not take it. */
  lackingOf(feed: FeedHoldings): Lack & { readonly stop: Stop | undefined } {
    const { ranges: theirs, stop } = this.#claimOf(feed.key);
    const end = Math.min(barredFrom(this.#feed(feed.key)), stop?.from ?? Number.POSITIVE_INFINITY);
    const ranges = rangesWithin({ from: 1, to: end - 1 }, missingRanges(theirs, feed.ranges));
    return { key: feed.key, ranges, stop };
  }

  /**
   * What to ask for now: of each feed that nobody else fetches, what we lack and have not asked for yet.
   * An entry that may be another than ours comes first, then what follows what we hold; a long history we know
   * nothing of is fetched from its newest part backwards.
   */
  plan(world: PlanWorld): readonly WantedRange[] {
    const wanted: WantedRange[] = [];
    for (const [key, untilMs] of this.#broken) if (untilMs <= world.nowMs) this.#broken.delete(key);
    for (const key of this.#unsettled) {
      if (wanted.length >= LIMITS.rangesPerWant) break;
      if (!world.isShared(scopeOfFeed(key))) {
        // What may no longer come from this peer is free for others to bring.
        this.#asked.delete(key);
        continue;
      }
      const need = this.#need(key);
      const range = rangeToAsk(this.#feed(key), need);
      if (range === undefined) this.#unsettled.delete(key);
      const asked = this.#stillAsked(key, need, world.nowMs);
      if (range === undefined || asked.length > 0 || world.isClaimed(key)) continue;
      if (this.#broken.has(key) || this.#asked.size >= ASKED_MOST) continue;
      wanted.push({ key, ...range });
      this.#asked.set(key, { ranges: [range], atMs: world.nowMs });
    }
    return wanted;
  }

  #need(key: FeedKey): Need {
    const feed = this.#feed(key);
    const theirs = this.#claimOf(key);
    const known = this.#knownOf(key);
    return {
      missing: rangesWithin({ from: 1, to: barredFrom(feed) - 1 }, missingRanges(feed.ranges, theirs.ranges)),
      inDoubt: seqInDoubt(feed, theirs, known),
      isProofWanted: forkToAsk(feed, theirs, known) !== undefined,
    };
  }

  #claimOf(key: FeedKey): Pick<Claim, 'ranges' | 'stop'> {
    return this.#theirs.get(key) ?? NO_CLAIM;
  }

  /** Remembers a claim while there is room: a peer may claim anything, and nothing of it is proven. */
  #claim(key: FeedKey, ranges: readonly HeldRange[], stop: Stop | undefined): void {
    const excess = Math.max(0, ranges.length - this.#feed(key).ranges.length);
    const claimed = this.#claimed - (this.#theirs.get(key)?.excess ?? 0) + excess;
    if (excess > 0 && claimed > LIMITS.claimedRanges) {
      this.#isFull = true;
      return this.#forget(key);
    }
    this.#claimed = claimed;
    if (!this.#theirs.has(key)) this.#keys.add(key);
    this.#theirs.set(key, { ranges, stop, excess });
    const { apart, ...known } = this.#knownOf(key);
    // A history that the peer no longer claims is not asked for.
    if (apart !== undefined && !ranges.some((range) => range.to === apart))
      this.#compared.set(key, { ...known, apart: undefined });
    this.#settle(key);
  }

  #knownOf(key: FeedKey): Compared {
    return this.#compared.get(key) ?? UNKNOWN;
  }

  #note(key: FeedKey, known: Compared): void {
    this.#compared.set(key, known);
    this.#settle(key);
  }

  #settle(key: FeedKey): void {
    if (endInside(this.#feed(key), this.holds(key), this.#knownOf(key)) === undefined)
      this.#unchecked.delete(key);
    else this.#unchecked.add(key);
    const { missing, inDoubt } = this.#need(key);
    if (missing.length > 0 || inDoubt !== undefined) this.#unsettled.add(key);
    else {
      this.#unsettled.delete(key);
      this.#asked.delete(key);
    }
  }

  #forget(key: FeedKey): void {
    this.#claimed -= this.#theirs.get(key)?.excess ?? 0;
    this.#theirs.delete(key);
    this.#keys.delete(key);
    this.#unsettled.delete(key);
    this.#unchecked.delete(key);
    this.#compared.delete(key);
    this.#agreed.delete(key);
    // What it no longer claims to hold is not waited for, and free for others to bring.
    this.#asked.delete(key);
  }

  /** Drops what has arrived meanwhile, and everything asked too long ago. A range that moves stays young. */
  #stillAsked(key: FeedKey, { missing, inDoubt }: Need, nowMs: number): readonly SeqRange[] {
    const asked = this.#asked.get(key);
    if (asked === undefined) return [];
    const needed = inDoubt === undefined ? missing : [...missing, { from: inDoubt, to: inDoubt }];
    const ranges = asked.ranges.flatMap((range) => rangesWithin(range, needed));
    const isInVain = ranges.length > 0 && nowMs - asked.atMs > LIMITS.askedMs;
    // A peer that claims much and brings nothing must not keep the feed from those who would.
    if (isInVain) this.#broken.set(key, nowMs + LIMITS.brokenWordMs);
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
