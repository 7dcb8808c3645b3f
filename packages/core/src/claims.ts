/** Claims on one register, and how they are read: which of them stand, which of those is shown, and whether people have to decide. */

import { compareStamps, type Stamp } from './clock.js';
import type { ConflictPolicy } from './statement.js';

/** Something that one origin says of a register. */
export interface Claim {
  /** Names it among all claims. */
  readonly id: string;
  /** Orders as the bytes of the key do. */
  readonly origin: string;
  readonly stamp: Stamp;
  /** Tells claims of one origin with one stamp apart, and orders them. */
  readonly place: string;
  /**
   * `body` is what a span said itself. A `set` replaces what was undisputed; only a `resolve` settles what people have
   * to decide.
   */
  readonly kind: 'body' | 'set' | 'resolve';
  /** Equal values are equal texts. */
  readonly value: string;
  /** Ids of what its author had seen and replaces. */
  readonly supersedes: readonly string[];
}

/**
 * Chooses among claims (ascending, with at least two values) the one that is shown; `undefined` where people have to
 * decide. The same for the same claims, or those who know the same would read otherwise.
 */
export type Settle<C extends Claim> = (candidates: readonly C[]) => C | undefined;

/** How a register is read. */
export interface Rule<C extends Claim = Claim> {
  readonly policy: ConflictPolicy | Settle<C>;
  /** The place of an origin in the order of priority: the lowest wins; infinity for those that are not named. */
  readonly rankOf: (origin: string) => number;
  /** Claims stamped later, in ms since 1970, do not count yet. */
  readonly horizonMs: number;
}

/** Why a claim is shown, or is not. */
export type Why =
  /** Shown: nothing else stands. */
  | 'undisputed'
  /** Shown: somebody decided. */
  | 'resolved'
  /** Shown, by policy. */
  | 'latest'
  | 'priority'
  | 'chosen'
  /** Shown for now, until somebody decides. */
  | 'provisional'
  /** Stands, with the value that is shown. */
  | 'agrees'
  /** Stands, and is not shown, by policy. */
  | 'earlier'
  | 'lower_priority'
  | 'passed_over'
  /** Stands, and waits for somebody to decide. */
  | 'open'
  | 'superseded'
  /** Its stamp lies ahead of the clock. */
  | 'ahead';

export interface Verdict<C extends Claim> {
  readonly claim: C;
  readonly why: Why;
  /** The first claim that superseded it. */
  readonly by: C | undefined;
}

/** Values that were claimed without knowing of one another. */
export interface Dispute<C extends Claim> {
  /** Ascending. They have at least two values. */
  readonly candidates: readonly C[];
  /** When there was a second value, by its author's clock. */
  readonly opened: Stamp;
  /** `undefined` while it is open. Else the claim that settled it, or that is shown by policy. */
  readonly settled: { readonly by: 'claim' | 'policy'; readonly claim: C } | undefined;
}

export interface Judgement<C extends Claim> {
  /** What is read; `undefined` where nothing counts yet. */
  readonly shown: C | undefined;
  /** What nobody superseded, ascending. */
  readonly standing: readonly C[];
  /** The one that is there, or the last one that was. */
  readonly dispute: Dispute<C> | undefined;
  /** Of all claims, ascending. */
  readonly verdicts: readonly Verdict<C>[];
  /** The first stamp ahead of the horizon, in ms since 1970. */
  readonly nextMs: number | undefined;
}

/** By stamp, then by origin, then by place: the order in which claims win and may supersede. */
export function compareClaims(a: Claim, b: Claim): number {
  return (
    compareStamps(a.stamp, b.stamp) || compareTexts(a.origin, b.origin) || compareTexts(a.place, b.place)
  );
}

/** R8: the same for the same claims and the same rule, in whatever order they are given. Linear but for sorting. */
export function judge<C extends Claim>(claims: readonly C[], rule: Rule<C>): Judgement<C> {
  const ordered = claims.toSorted(compareClaims);
  const counting = ordered.filter((claim) => claim.stamp.ms <= rule.horizonMs);
  const ahead = ordered.filter((claim) => claim.stamp.ms > rule.horizonMs);
  const settle = settleBy(rule);
  const weighed = new Weighing<C>(counting, settle);
  const standing = counting.filter((claim) => !weighed.beatenBy.has(claim));
  const isDisputed = hasTwoValues(standing);
  const chosen = isDisputed ? settle(standing) : undefined;
  const shown = chosen ?? standing.at(-1);
  const whyNot = whyStanding({ shown, isDisputed, isSettled: chosen !== undefined }, rule.policy);
  return {
    shown,
    standing,
    dispute: isDisputed ? disputeOf(standing, chosen) : weighed.lastSettled,
    verdicts: [
      ...counting.map((claim): Verdict<C> => {
        const by = weighed.beatenBy.get(claim);
        return { claim, why: by === undefined ? whyNot(claim) : 'superseded', by };
      }),
      ...ahead.map((claim): Verdict<C> => ({ claim, why: 'ahead', by: undefined })),
    ],
    nextMs: ahead[0]?.stamp.ms,
  };
}

/**
 * Of each other origin the latest claim, for a new claim to name: so that it carries on what is superseded, whatever of
 * its author's earlier ones is forgotten. Those that stand first, then the latest.
 */
export function seenClaims<C extends Claim>(
  judgement: Judgement<C>,
  self: string,
  most: number,
): readonly C[] {
  const latest = new Map<string, C>();
  for (const { claim, why } of judgement.verdicts) if (why !== 'ahead') latest.set(claim.origin, claim);
  latest.delete(self);
  const stands = new Set<C>(judgement.standing);
  const rest = [...latest.values()].filter((claim) => !stands.has(claim)).sort(compareClaims);
  const others = judgement.standing.filter(({ origin }) => origin !== self);
  return [...others.toReversed(), ...rest.toReversed()].slice(0, most);
}

/** Which claims supersede which, found in ascending order: none supersedes a later one, so nothing goes round in a circle. */
class Weighing<C extends Claim> {
  /** What superseded a claim first. */
  readonly beatenBy = new Map<C, C>();
  /** What was disputed last, and the claim that replaced all of it. */
  lastSettled: Dispute<C> | undefined;
  readonly #settle: Settle<C>;
  readonly #byId = new Map<string, C>();
  readonly #number = new Map<C, number>();
  /** By claim and origin, the number of the first claim of that origin that superseded it. */
  readonly #beaters = new Map<C, Map<string, number>>();
  readonly #latest = new Map<string, { readonly body: C | undefined; readonly word: C | undefined }>();

  constructor(ascending: readonly C[], settle: Settle<C>) {
    this.#settle = settle;
    for (const claim of ascending) this.#weigh(claim);
  }

  #weigh(claim: C): void {
    this.#number.set(claim, this.#number.size);
    const before = this.#latest.get(claim.origin);
    // A body replaces its origin's earlier bodies; what somebody said of them is not taken back by one more body.
    const own = [before?.body, claim.kind === 'body' ? undefined : before?.word].filter(
      (one) => one !== undefined,
    );
    const replaced = new Set<C>(own);
    for (const id of claim.supersedes) {
      const one = this.#byId.get(id);
      if (one !== undefined && one.origin !== claim.origin) replaced.add(one);
    }
    const candidates = this.#openAmong([...replaced].sort(compareClaims));
    const isDisputed = hasTwoValues(candidates);
    // Where people decide, an ordinary change of what is disputed is one more candidate.
    const settles = !isDisputed || claim.kind === 'resolve' || this.#settle(candidates) !== undefined;
    if (settles && isDisputed)
      this.lastSettled = { candidates, opened: openedAt(candidates), settled: { by: 'claim', claim } };
    for (const one of replaced)
      if (settles || one.origin === claim.origin || !candidates.includes(one)) this.#beat(one, claim);
    this.#byId.set(claim.id, claim);
    const word = claim.kind === 'body' ? before?.word : claim;
    this.#latest.set(claim.origin, { body: claim.kind === 'body' ? claim : undefined, word });
  }

  #beat(loser: C, winner: C): void {
    if (!this.beatenBy.has(loser)) this.beatenBy.set(loser, winner);
    const beaters = this.#beaters.get(loser) ?? new Map<string, number>();
    this.#beaters.set(loser, beaters);
    if (!beaters.has(winner.origin)) beaters.set(winner.origin, this.#numberOf(winner));
  }

  /** Of claims that an author had seen, with all that their origins said before, what none of that supersedes. */
  #openAmong(seen: readonly C[]): readonly C[] {
    return seen.filter((claim) => {
      const beaters = this.#beaters.get(claim);
      return !seen.some((one) => (beaters?.get(one.origin) ?? Infinity) <= this.#numberOf(one));
    });
  }

  #numberOf(claim: C): number {
    return this.#number.get(claim) ?? Infinity;
  }
}

function settleBy<C extends Claim>(rule: Rule<C>): Settle<C> {
  const { policy } = rule;
  if (policy === 'manual') return () => undefined;
  if (policy === 'timestamp') return (candidates) => candidates.at(-1);
  if (policy === 'priority') return (candidates) => highestRanked(candidates, rule);
  return (candidates) => {
    const chosen = policy(candidates);
    return chosen !== undefined && candidates.includes(chosen) ? chosen : undefined;
  };
}

function disputeOf<C extends Claim>(candidates: readonly C[], chosen: C | undefined): Dispute<C> {
  const settled = chosen === undefined ? undefined : { by: 'policy' as const, claim: chosen };
  return { candidates, opened: openedAt(candidates), settled };
}

/** Why a claim that stands is shown or not. */
function whyStanding<C extends Claim>(
  of: { readonly shown: C | undefined; readonly isDisputed: boolean; readonly isSettled: boolean },
  policy: Rule<C>['policy'],
): (claim: C) => Why {
  const [won, lost] = !of.isSettled
    ? (['provisional', 'open'] as const)
    : typeof policy === 'function'
      ? (['chosen', 'passed_over'] as const)
      : policy === 'priority'
        ? (['priority', 'lower_priority'] as const)
        : (['latest', 'earlier'] as const);
  return (claim) => {
    if (claim !== of.shown) return claim.value === of.shown?.value ? 'agrees' : lost;
    if (of.isDisputed) return won;
    return claim.kind === 'resolve' ? 'resolved' : 'undisputed';
  };
}

function highestRanked<C extends Claim>(ascending: readonly C[], rule: Rule<C>): C | undefined {
  return ascending.reduce<C | undefined>(
    (best, claim) =>
      best === undefined || rule.rankOf(claim.origin) <= rule.rankOf(best.origin) ? claim : best,
    undefined,
  );
}

function hasTwoValues(claims: readonly Claim[]): boolean {
  return claims.some((claim) => claim.value !== claims[0]?.value);
}

/** The stamp of the first candidate with another value than those before it. */
function openedAt(ascending: readonly Claim[]): Stamp {
  const second = ascending.find((claim) => claim.value !== ascending[0]?.value) ?? ascending[0];
  return second?.stamp ?? { ms: 0, count: 0 };
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
