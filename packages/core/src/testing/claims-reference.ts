/** Registers read once more, slow and by the letter of their rules. Shares no code with the fold. */

import type { Claim, Rule } from '../claims.js';

export interface ReferenceReading {
  readonly shown: string | undefined;
  /** Ids, ascending in the order of claims. */
  readonly standing: readonly string[];
  readonly dispute:
    | {
        readonly candidates: readonly string[];
        readonly settledBy: string | undefined;
        readonly openedMs: number;
      }
    | undefined;
}

const rank = (claim: Claim): readonly (number | string)[] => [
  claim.stamp.ms,
  claim.stamp.count,
  claim.origin,
  claim.place,
];

function isBefore(a: Claim, b: Claim): boolean {
  const other = rank(b);
  for (const [at, mine] of rank(a).entries()) {
    const theirs = other[at] ?? mine;
    if (mine !== theirs) return mine < theirs;
  }
  return false;
}

const valuesOf = (claims: readonly Claim[]): ReadonlySet<string> => new Set(claims.map(({ value }) => value));

export function referenceReading(claims: readonly Claim[], rule: Rule): ReferenceReading {
  const counting = claims.filter(({ stamp }) => stamp.ms <= rule.horizonMs);
  counting.sort((a, b) => (isBefore(a, b) ? -1 : 1));

  /** What an author replaces by what he says: his own earlier word, and what he names of others. */
  const replaced = (claim: Claim): readonly Claim[] =>
    counting.filter((one) => {
      if (!isBefore(one, claim)) return false;
      if (one.origin !== claim.origin) return claim.supersedes.includes(one.id);
      return claim.kind !== 'body' || one.kind === 'body';
    });
  /** He knows that, and what its origins had said before. */
  const known = (claim: Claim): readonly Claim[] =>
    counting.filter((one) =>
      replaced(claim).some((seen) => seen.origin === one.origin && !isBefore(seen, one)),
    );
  const memory = new Map<string, readonly Claim[]>();
  /** What he had before him, as far as he could tell. */
  const before = (claim: Claim): readonly Claim[] => {
    const found =
      memory.get(claim.id) ??
      replaced(claim).filter((one) => !known(claim).some((other) => supersedes(other, one)));
    memory.set(claim.id, found);
    return found;
  };
  const mayEnd = (claim: Claim): boolean =>
    rule.policy !== 'manual' || claim.kind === 'resolve' || valuesOf(before(claim)).size < 2;
  const supersedes = (claim: Claim, one: Claim): boolean =>
    replaced(claim).includes(one) &&
    (one.origin === claim.origin || mayEnd(claim) || !before(claim).includes(one));

  const standing = counting.filter((one) => !counting.some((claim) => supersedes(claim, one)));
  const byRank = standing.toSorted((a, b) => {
    const ranks = [rule.rankOf(a.origin), rule.rankOf(b.origin)] as const;
    return ranks[0] === ranks[1] ? (isBefore(a, b) ? 1 : -1) : ranks[0] < ranks[1] ? -1 : 1;
  });
  const isOpen = valuesOf(standing).size > 1;
  const shown = isOpen && rule.policy === 'priority' ? byRank[0] : standing.at(-1);
  const settler = counting.findLast((claim) => mayEnd(claim) && valuesOf(before(claim)).size > 1);
  const candidates = isOpen ? standing : settler === undefined ? [] : before(settler);
  const second = candidates.find(({ value }) => value !== candidates[0]?.value);
  const settledBy = isOpen ? (rule.policy === 'manual' ? undefined : shown?.id) : settler?.id;
  return {
    shown: shown?.id,
    standing: standing.map(({ id }) => id),
    dispute:
      second === undefined
        ? undefined
        : { candidates: candidates.map(({ id }) => id), settledBy, openedMs: second.stamp.ms },
  };
}
