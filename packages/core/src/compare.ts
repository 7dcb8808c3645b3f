/**
 * Comparing holdings: one digest over everything shared, and a descent only where it differs.
 * Range-based set reconciliation (Meyer, 2023) over the ascending keys of feeds.
 */

import { equalBytes } from './bytes.js';
import { digestHoldings, weightOf, type FeedHoldings } from './holdings.js';
import { LIMITS } from './limits.js';
import type { ComparedRange } from './message.js';
import type { Crypto } from './ports.js';

/** Holdings that may be compared with one peer, by ascending key. An empty `upper` has no bound. */
export interface HoldingsView {
  within(lower: string, upper: string): readonly FeedHoldings[];
}

/** What compared ranges taught us of the peer, and what to answer. */
export interface Comparison {
  /** The peer's holdings of a whole key range; feeds it does not list there it does not hold. */
  readonly learned: readonly {
    readonly lower: string;
    readonly upper: string;
    readonly feeds: readonly FeedHoldings[];
  }[];
  /** Ascending and apart, as all ranges of a message. */
  readonly answers: readonly ComparedRange[];
  /** Whether one of the answers waits for the peer to go on. */
  readonly descends: boolean;
}

/** What a compared range with its two keys and its digest takes in a message, without the feeds. */
const RANGE_WEIGHT = 64;

/** The first message of a comparison: everything shared, listed at once where it is short. */
export function openComparison(mine: HoldingsView, crypto: Crypto): readonly ComparedRange[] {
  return [describeRange({ lower: '', upper: '' }, mine.within('', ''), { reply: true, crypto })];
}

/** Compares what a peer said of some ranges with what we hold. What does not fit one message is left to the next as one range. */
export function compareRanges(
  theirs: readonly ComparedRange[],
  options: { readonly mine: HoldingsView; readonly crypto: Crypto },
): Comparison {
  const { mine, crypto } = options;
  const learned: Comparison['learned'][number][] = [];
  const answers = new Answers();
  for (const range of theirs) {
    const { lower, upper } = range;
    const held = mine.within(lower, upper);
    const digest = digestHoldings(held, crypto);
    if (equalBytes(digest, range.digest)) {
      learned.push({ lower, upper, feeds: held });
      if (range.reply) answers.add({ lower, upper, digest, feeds: undefined, reply: false });
      continue;
    }
    if (range.feeds !== undefined) learned.push({ lower, upper, feeds: range.feeds });
    if (range.feeds !== undefined && !range.reply) continue;
    // A peer that told us a digest alone has to list in turn; one that listed waits for our side only.
    for (const part of splitRange(range, held, { reply: range.feeds === undefined, crypto }))
      answers.add(part);
  }
  const rest = answers.rest;
  if (rest === undefined) return { learned, answers: answers.list, descends: answers.descend };
  const left = digestHoldings(mine.within(rest.lower, rest.upper), crypto);
  const last: ComparedRange = { ...rest, digest: left, feeds: undefined, reply: true };
  return { learned, answers: [...answers.list, last], descends: true };
}

/** Answers in ascending order until a message is full; from there on only what key range is left. */
class Answers {
  readonly list: ComparedRange[] = [];
  descend = false;
  rest: { readonly lower: string; readonly upper: string } | undefined;
  #bytes = 0;

  add(range: ComparedRange): void {
    this.#bytes += weightOfRange(range);
    const isFull =
      this.#bytes > LIMITS.holdingsFrameBytes || this.list.length + 1 >= LIMITS.rangesPerComparison;
    if (this.rest !== undefined) this.rest = { lower: this.rest.lower, upper: range.upper };
    else if (isFull && this.list.length > 0) this.rest = { lower: range.lower, upper: range.upper };
    else {
      this.list.push(range);
      this.descend ||= range.reply;
    }
  }
}

/** The range as one if it is short enough to list, else cut into parts of about equal number of feeds. */
function splitRange(
  range: { readonly lower: string; readonly upper: string },
  feeds: readonly FeedHoldings[],
  how: { readonly reply: boolean; readonly crypto: Crypto },
): readonly ComparedRange[] {
  if (isListed(feeds)) return [describeRange(range, feeds, how)];
  const size = Math.ceil(feeds.length / LIMITS.compareFanout);
  const parts: ComparedRange[] = [];
  for (let at = 0; at < feeds.length; at += size) {
    const lower = at === 0 ? range.lower : (feeds[at]?.key ?? range.lower);
    const upper = feeds[at + size]?.key ?? range.upper;
    parts.push(describeRange({ lower, upper }, feeds.slice(at, at + size), how));
  }
  return parts;
}

/** A range that is not listed always waits for the peer to go on. */
function describeRange(
  range: { readonly lower: string; readonly upper: string },
  feeds: readonly FeedHoldings[],
  how: { readonly reply: boolean; readonly crypto: Crypto },
): ComparedRange {
  const { lower, upper } = range;
  const digest = digestHoldings(feeds, how.crypto);
  return isListed(feeds)
    ? { lower, upper, digest, feeds, reply: how.reply }
    : { lower, upper, digest, feeds: undefined, reply: true };
}

/** One feed can always be listed, so that a descent has an end. */
function isListed(feeds: readonly FeedHoldings[]): boolean {
  if (feeds.length <= 1) return true;
  if (feeds.length > LIMITS.feedsListed) return false;
  return feeds.reduce((sum, feed) => sum + weightOf(feed), 0) <= LIMITS.listedBytes;
}

function weightOfRange(range: ComparedRange): number {
  const feeds = (range.feeds ?? []).reduce((sum, feed) => sum + weightOf(feed), 0);
  return RANGE_WEIGHT + range.lower.length + range.upper.length + feeds;
}
