/** R7, T9: where two histories of one feed part, found by asking a peer for single entries that we hold too. */

import { equalBytes } from '../bytes.js';
import type { Feed } from '../feed.js';
import { holdingsOf, type HeldRange, type SeqRange } from '../holdings.js';

/** What has been found of a feed that a peer holds too. */
export interface Compared {
  /** Its entry there, and what lies before it in the same range, is ours; 0 where nothing is known. */
  readonly agreed: number;
  /** It names this as the end of a range, with another hash than that of our entry. */
  readonly apart: number | undefined;
}

/** The lowest seq at which both sides end a range with different hashes: two signed histories. */
export function contradictionIn(
  mine: readonly HeldRange[],
  theirs: readonly HeldRange[],
): number | undefined {
  const differs = (range: HeldRange): boolean =>
    mine.some((own) => own.to === range.to && !equalBytes(own.hash, range.hash));
  return theirs.find(differs)?.to;
}

/**
 * The seq at which to compare entries with the peer next, if the histories may part there. The peer's entry passes
 * the gate, which finds it equal or keeps both as proof.
 *
 * Each entry commits to all before it, so the place where they part is found by halving, not by stepping down.
 */
export function seqInDoubt(feed: Feed, theirs: readonly HeldRange[], known: Compared): number | undefined {
  const mine = holdingsOf(feed).ranges;
  const { forkedAt } = feed;
  for (const apart of [contradictionIn(mine, theirs), known.apart]) {
    if (apart !== undefined && (forkedAt === undefined || apart < forkedAt)) return apart;
  }
  if (forkedAt === undefined) return undefined;
  const upper = forkedAt - 1;
  const [own, other] = [mine, theirs].map((ranges) => rangeAt(ranges, upper));
  if (own === undefined || other === undefined || sharesEnd(own, other)) return undefined;
  const agreed = known.agreed < forkedAt ? known.agreed : 0;
  const lower = Math.max(agreed, own.from - 1, other.from - 1);
  return lower < upper ? lower + Math.ceil((upper - lower) / 2) : undefined;
}

/** The last end that the peer names inside a range of ours, before any fork: whether it is ours only the log knows. */
export function endInside(feed: Feed, theirs: readonly HeldRange[], known: Compared): HeldRange | undefined {
  const before = Math.min(feed.forkedAt ?? Number.POSITIVE_INFINITY, known.apart ?? Number.POSITIVE_INFINITY);
  const isInside = ({ to }: HeldRange): boolean =>
    to < before &&
    feed.ranges.some((own) => {
      const isAgreed = to <= known.agreed && known.agreed <= own.to;
      return own.from <= to && to < own.to && !isAgreed;
    });
  return theirs.findLast(isInside);
}

function rangeAt<R extends SeqRange>(ranges: readonly R[], seq: number): R | undefined {
  return ranges.find((range) => range.from <= seq && seq <= range.to);
}

/** Whether two ranges end with the same entry: then all that is in both is the same. */
function sharesEnd(own: HeldRange, other: HeldRange): boolean {
  return own.to === other.to && equalBytes(own.hash, other.hash);
}
