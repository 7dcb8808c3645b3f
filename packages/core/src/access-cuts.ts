/** Where an ended key's feeds of one tenant end, by the word of those who may say so. */

import { toKey } from './bytes.js';
import { compareStamps, type Stamp } from './clock.js';
import type { Fingerprint } from './identity.js';
import { compareAccess, latestOf, type AccessBook, type AccessFact, type AccessOf } from './access-facts.js';
import type { TenantPart } from './statement.js';
import { barUnder, type End } from './trust-bars.js';
import type { TrustGraph } from './trust.js';

/** A cut that lets everything pass. */
export const LIFTED_SEQ = Number.MAX_SAFE_INTEGER;

type Cut = AccessFact<AccessOf<'cut'>>;

/** A tenant's feed of a key. `first`: the lowest stamp known of it. */
export interface CutFeed {
  readonly part: TenantPart;
  readonly origin: Fingerprint;
  readonly epoch: Uint8Array;
  readonly first: Stamp | undefined;
}

export interface KnownCuts {
  /** The lowest bar that somebody who may has set under one end; `undefined` where nobody has yet, infinite where lifted. */
  barUnder(end: End, feed: CutFeed): number | undefined;
}

/**
 * Who may: a tenant's primary, or without one (or where it has ended itself) this node and the keys it follows. Under a
 * rotation the key that goes on, and none of those followed; under our own revocations we alone. Of our own earlier keys
 * we alone, and no ended key of itself.
 *
 * Judges that have not ended are believed at once, and they alone say where access feeds end. The cuts of one that has
 * ended count below that. So nothing here depends on itself, and two that revoked each other wait for a third.
 */
export class JudgedCuts implements KnownCuts {
  readonly #trust: TrustGraph;
  readonly #book: AccessBook;
  readonly #primary: Fingerprint | undefined;

  constructor(parts: {
    readonly trust: TrustGraph;
    readonly book: AccessBook;
    readonly primary: Fingerprint | undefined;
  }) {
    const { trust, book, primary } = parts;
    this.#trust = trust;
    this.#book = book;
    this.#primary = primary === undefined || trust.hasEnded(primary) ? undefined : primary;
  }

  barUnder(end: End, feed: CutFeed): number | undefined {
    return this.#barUnder(end, feed, (cut) => feed.part !== 'a' && this.counts(cut));
  }

  /** Whether a statement has effect: it lies on no fork, and its signer had not ended. */
  counts(fact: AccessFact): boolean {
    if (fact.by === this.#trust.root) return true;
    if (!this.#book.isWhole(fact)) return false;
    const { revocations, overridden, rotations } = this.#trust.endsOf(fact.by);
    const ends = [...revocations, ...overridden, ...rotations];
    if (ends.length === 0) return true;
    const first = this.#book.firstStamp(fact.by, fact.epoch);
    const feed: CutFeed = { part: 'a', origin: fact.by, epoch: fact.placed.epoch, first };
    const bars = ends.flatMap((end) => this.barUnder(end, feed) ?? []);
    const bar = bars.length > 0 ? Math.min(...bars) : this.#book.provisionalBar(fact.by, fact.epoch);
    return bar === undefined || fact.placed.seq < bar;
  }

  /** The latest that an origin says of a place in its own forked feed. */
  rulingOf(feed: {
    readonly part: 't' | 'a';
    readonly origin: Fingerprint;
    readonly epoch: Uint8Array;
    readonly seq: number;
  }): Uint8Array | undefined {
    const rulings = this.#book.all('rule').filter((fact) => {
      const { part, epoch, seq } = fact.statement;
      const fits = part === feed.part && seq === feed.seq && toKey(epoch) === toKey(feed.epoch);
      return fits && fact.by === feed.origin && this.counts(fact);
    });
    return latestOf(rulings)?.statement.hash;
  }

  /** Each judge's latest word on each feed; of several judges the lowest. */
  #barUnder(end: End, feed: CutFeed, countsOfEnded: (cut: Cut) => boolean): number | undefined {
    const mayJudge = this.#judgesOf(end);
    const byJudge = new Map<Fingerprint, Cut[]>();
    for (const cut of this.#book.cutsUnder(end.of, toKey(end.facts[0].hash))) {
      if (!mayJudge(cut.by)) continue;
      if (!this.#isSettled(cut) && !countsOfEnded(cut)) continue;
      const judge = this.#trust.successorOf(cut.by) ?? cut.by;
      byJudge.set(judge, [...(byJudge.get(judge) ?? []), cut]);
    }
    const bars = [...byJudge.values()].map((cuts) => barOfJudge(cuts, end, feed));
    return bars.length === 0 ? undefined : Math.min(...bars);
  }

  /** Whether a cut counts whatever other cuts there are. */
  #isSettled(cut: Cut): boolean {
    if (cut.by === this.#trust.root) return true;
    const { revocations, overridden, rotations } = this.#trust.endsOf(cut.by);
    const first = this.#book.firstStamp(cut.by, cut.epoch);
    const isSince = ({ overriddenAt }: End): boolean =>
      first !== undefined && overriddenAt !== undefined && compareStamps(first, overriddenAt) >= 0;
    return (
      this.#book.isWhole(cut) && revocations.length + rotations.length === 0 && overridden.every(isSince)
    );
  }

  #judgesOf(end: End): (key: Fingerprint) => boolean {
    const trust = this.#trust;
    const primary = this.#primary;
    const line = end.kind === 'rotate' ? (trust.lineOf(end.of)?.slice(1) ?? []) : [];
    const isPrimary = (key: Fingerprint): boolean =>
      primary !== undefined && (key === primary || trust.successorOf(key) === primary);
    return (key) => {
      if (this.#isSameNode(key, end.of)) return false;
      if (trust.isOurs(end.of)) return trust.isOurs(key);
      if (line.includes(key) || isPrimary(key)) return true;
      // Whom we follow may say whom to distrust, and not where an honest key ends that went on as another; nor does he cut
      // lower what we cut ourselves, unless by a revocation of his own, which is seen and can be overridden.
      const isOurMatter = end.kind === 'rotate' || trust.isOurs(end.by);
      return primary === undefined && (isOurMatter ? trust.isOurs(key) : trust.follows(key));
    };
  }

  /** Whether a key is the ended one, or went before it: neither says where it ends. */
  #isSameNode(key: Fingerprint, ended: Fingerprint): boolean {
    return (
      key === ended || this.#trust.endsOf(key).rotations.some(({ facts: [fact] }) => fact.about === ended)
    );
  }
}

function barOfJudge(cuts: readonly Cut[], end: End, feed: CutFeed): number {
  const epoch = toKey(feed.epoch);
  const named = new Map<string, number>();
  for (const { statement } of cuts.toSorted(compareAccess))
    for (const cut of statement.cuts) if (cut.part === feed.part) named.set(toKey(cut.epoch), cut.seq);
  if (named.get(epoch) === LIFTED_SEQ) return Number.POSITIVE_INFINITY;
  return (
    barUnder({ cuts: named, overriddenAt: end.overriddenAt }, epoch, feed.first) ?? Number.POSITIVE_INFINITY
  );
}
