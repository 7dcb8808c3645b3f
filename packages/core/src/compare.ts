/**
 * Comparing holdings: one digest over everything shared, and a descent only where it differs.
 * Range-based set reconciliation (Meyer, 2023) over the ascending keys of feeds.
 */

import { equalBytes } from './bytes.js';
import { digestHoldings, type FeedHoldings } from './holdings.js';
import { LIMITS } from './limits.js';
import type { ComparedRange } from './message.js';
import type { Crypto } from './ports.js';

/** Holdings that may be compared with one peer, by ascending key. An empty `upper` has no bound. */
export interface HoldingsView {
  within(lower: string, upper: string): readonly FeedHoldings[];
}

/** What a compared range taught us of the peer, and what to answer. */
export interface Comparison {
  /** The peer's holdings of a whole key range; feeds it does not list there it does not hold. */
  readonly learned: readonly {
    readonly lower: string;
    readonly upper: string;
    readonly feeds: readonly FeedHoldings[];
  }[];
  readonly answers: readonly ComparedRange[];
  /** Whether we wait for the peer to go on: a digest of one side differs and its feeds are not listed yet. */
  readonly descends: boolean;
}

/** The first message of a comparison: everything shared, listed at once where it is short. */
export function openComparison(mine: HoldingsView, crypto: Crypto): readonly ComparedRange[] {
  return [describeRange('', '', mine.within('', ''), crypto)];
}

/** Compares what a peer said of some ranges with what we hold. `reply` says whether it waits for our side. */
export function compareRanges(
  theirs: readonly ComparedRange[],
  options: { readonly mine: HoldingsView; readonly reply: boolean; readonly crypto: Crypto },
): Comparison {
  const learned: { lower: string; upper: string; feeds: readonly FeedHoldings[] }[] = [];
  const answers: ComparedRange[] = [];
  let descends = false;
  for (const range of theirs) {
    const { lower, upper } = range;
    const mine = options.mine.within(lower, upper);
    const digest = digestHoldings(mine, options.crypto);
    if (equalBytes(digest, range.digest)) {
      learned.push({ lower, upper, feeds: mine });
      if (options.reply) answers.push({ lower, upper, digest, feeds: undefined });
    } else if (range.feeds !== undefined) {
      learned.push({ lower, upper, feeds: range.feeds });
      if (!options.reply) continue;
      const parts = splitRange(lower, upper, mine, options.crypto);
      descends ||= parts.some((part) => part.feeds === undefined);
      answers.push(...parts);
    } else {
      // The peer told us a digest alone: whatever we list, we wait for its list in turn.
      answers.push(...splitRange(lower, upper, mine, options.crypto));
      descends = true;
    }
  }
  return { learned, answers, descends };
}

/** The range as one if it is short enough to list, else cut into parts of about equal number of feeds. */
function splitRange(
  lower: string,
  upper: string,
  feeds: readonly FeedHoldings[],
  crypto: Crypto,
): readonly ComparedRange[] {
  if (feeds.length <= LIMITS.feedsListed) return [describeRange(lower, upper, feeds, crypto)];
  const size = Math.ceil(feeds.length / LIMITS.compareFanout);
  const parts: ComparedRange[] = [];
  for (let at = 0; at < feeds.length; at += size) {
    const from = at === 0 ? lower : (feeds[at]?.key ?? lower);
    const to = feeds[at + size]?.key ?? upper;
    parts.push(describeRange(from, to, feeds.slice(at, at + size), crypto));
  }
  return parts;
}

function describeRange(
  lower: string,
  upper: string,
  feeds: readonly FeedHoldings[],
  crypto: Crypto,
): ComparedRange {
  const listed = feeds.length <= LIMITS.feedsListed;
  return { lower, upper, digest: digestHoldings(feeds, crypto), feeds: listed ? feeds : undefined };
}
