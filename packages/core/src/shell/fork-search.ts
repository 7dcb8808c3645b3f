/** R7, T9: where two histories of one feed part, found by asking a peer for single entries that we hold too. */

import { equalBytes } from '../bytes.js';
import { barredFrom, holdsEntry, type Feed } from '../feed.js';
import { acceptedRanges, type FeedHoldings, type HeldRange, type SeqRange } from '../holdings.js';

/** What has been found of a feed that a peer holds too. */
export interface Compared {
  /** Its entry there, and what lies before it in the same range, is ours; 0 where nothing is known. */
  readonly agreed: number;
  /** It names this as the end of a range, with another hash than that of our entry. */
  readonly apart: number | undefined;
  /** It says that the feed forks there, and what it brought when asked did not show it. */
  readonly unproven: number | undefined;
}

/** The lowest seq at which both sides end a range with different hashes: two signed histories. Both lists ascend. */
export function contradictionIn(
  mine: readonly HeldRange[],
  theirs: readonly HeldRange[],
): number | undefined {
  let at = 0;
  for (const range of theirs) {
    for (let own = mine[at]; own !== undefined && own.to < range.to; own = mine[at]) at++;
    const own = mine[at];
    if (own?.to === range.to && !equalBytes(own.hash, range.hash)) return range.to;
  }
  return undefined;
}

/**
 * The seq at which to compare entries with the peer next, if the histories may part there. The peer's entry passes
 * the gate, which finds it equal or keeps both as proof. From a fork that the peer has found on it hands out the proof.
 *
 * Each entry commits to all before it, so the place where they part is found by halving, not by stepping down.
 */
export function seqInDoubt(
  feed: Feed,
  theirs: Pick<FeedHoldings, 'ranges' | 'stop'>,
  known: Compared,
): number | undefined {
  const fork = forkToAsk(feed, theirs, known);
  if (fork !== undefined) return fork;
  const mine = acceptedRanges(feed);
  const barred = barredFrom(feed);
  const { forkedAt } = feed;
  const doubts = [contradictionIn(mine, theirs.ranges), known.apart].filter(
    (seq) => seq !== undefined && seq < barred,
  );
  const apart = doubts[0];
  if (forkedAt === undefined) return apart;
  const upper = apart ?? forkedAt - 1;
  const [own, other] = [mine, theirs.ranges].map((ranges) => rangeAt(ranges, upper));
  if (own === undefined || other === undefined || sharesEnd(own, other)) return undefined;
  const agreed = known.agreed < forkedAt ? known.agreed : 0;
  const lower = Math.max(agreed, own.from - 1, other.from - 1);
  return lower < upper ? lower + Math.ceil((upper - lower) / 2) : undefined;
}

/** The fork that the peer knows of and we do not, once we hold what lies before it: without that its proof proves nothing. */
export function forkToAsk(
  feed: Feed,
  { stop }: Pick<FeedHoldings, 'stop'>,
  known: Compared,
): number | undefined {
  if (stop?.isForked !== true || stop.from >= barredFrom(feed) || stop.from === known.unproven)
    return undefined;
  return stop.from === 1 || holdsEntry(feed, stop.from - 1) ? stop.from : undefined;
}

/**
 * The last end that the peer names inside a range of ours, before any fork: whether it is ours only the log knows.
 * Both lists ascend, and each is gone through once: this is asked whenever either side's holdings change.
 */
export function endInside(feed: Feed, theirs: readonly HeldRange[], known: Compared): HeldRange | undefined {
  const before = Math.min(barredFrom(feed), known.apart ?? Number.POSITIVE_INFINITY);
  let at = feed.ranges.length - 1;
  for (let i = theirs.length - 1; i >= 0; i--) {
    const end = theirs[i];
    if (end === undefined || end.to >= before) continue;
    for (let own = feed.ranges[at]; own !== undefined && own.from > end.to; own = feed.ranges[at]) at--;
    const own = feed.ranges[at];
    if (own === undefined) return undefined;
    const isAgreed = end.to <= known.agreed && known.agreed <= own.to;
    if (end.to < own.to && !isAgreed) return end;
  }
  return undefined;
}

function rangeAt<R extends SeqRange>(ranges: readonly R[], seq: number): R | undefined {
  return ranges.find((range) => range.from <= seq && seq <= range.to);
}

/** Whether two ranges end with the same entry: then all that is in both is the same. */
function sharesEnd(own: HeldRange, other: HeldRange): boolean {
  return own.to === other.to && equalBytes(own.hash, other.hash);
}
