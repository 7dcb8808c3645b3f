/** Ranges of one feed on both sides of a session: what is missing, what is common, and what to ask for. */

import type { Feed } from '../feed.js';
import type { HeldRange, SeqRange } from '../holdings.js';
import { LIMITS } from '../limits.js';
import type { Compared } from './fork-search.js';

/** What a feed calls for: entries that we lack, and one that we hold and the peer may hold another of. */
export interface Need {
  readonly missing: readonly SeqRange[];
  readonly inDoubt: number | undefined;
  /** Whether `inDoubt` is a fork that the peer has found. */
  readonly isProofWanted: boolean;
}

/** Ascending ranges with one more entry, which none of them covers. */
export function withEntry(ranges: readonly HeldRange[], entry: HeldRange): readonly HeldRange[] {
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

export function rangeToAsk(
  feed: Feed,
  { missing, inDoubt, isProofWanted }: Need,
): (SeqRange & { readonly aligned: boolean }) | undefined {
  if (inDoubt !== undefined && isProofWanted)
    return { from: inDoubt, to: inDoubt + LIMITS.proofEntries - 1, aligned: false };
  if (inDoubt !== undefined) return { from: inDoubt, to: inDoubt, aligned: false };
  return nextRange(feed, missing);
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

/**
 * The part that both hold, each range with the hash of its end as we hold it. Where the peer's range ends inside ours,
 * that is its own hash once it has been found to be ours, and nothing is said of that range before.
 */
export function commonRanges(
  ours: readonly HeldRange[],
  theirs: readonly HeldRange[],
  known: Compared,
): readonly HeldRange[] {
  const common: HeldRange[] = [];
  for (const their of theirs) {
    for (const our of ours) {
      const [from, to] = [Math.max(their.from, our.from), Math.min(their.to, our.to)];
      if (from > to) continue;
      if (to === our.to) common.push({ from, to, hash: our.hash });
      else if (to <= known.agreed) common.push({ from, to, hash: their.hash });
    }
  }
  return common.slice(-LIMITS.rangesPerFeed);
}
