/** Ends of keys, by revocation or rotation, and the bars that they set in the feeds of the scope `trust`. */

import { compareStamps, type Stamp } from './clock.js';
import type { Fingerprint } from './identity.js';
import type { Place, RevokeStatement, RotateStatement, TrustFact } from './trust-facts.js';

/** A revocation or a rotation: it ends the feeds of `of` in the scope `trust` at its cuts. */
export interface End {
  /** Several revocations of one key in one entry are one end, with the cuts of all. */
  readonly facts: readonly [TrustFact<RevokeStatement | RotateStatement>, ...TrustFact<RevokeStatement>[]];
  readonly kind: 'revoke' | 'rotate';
  readonly by: Fingerprint;
  readonly of: Fingerprint;
  readonly place: Place;
  /** By epoch, the last seq that still counts. */
  readonly cuts: ReadonlyMap<string, number>;
  /** Epochs without a cut are void: all of them, or those begun before the root overrode this revocation. */
  readonly overriddenAt: Stamp | undefined;
  /** The root's own word, which nothing voids. */
  readonly own: boolean;
}

/** By feed, the lowest stamp known of it. */
export type FirstStamps = (by: Fingerprint, epoch: string) => Stamp | undefined;

/** The ends of one key's feeds taken together: the lowest of all cuts. */
class Cuts {
  #whole = 0;
  readonly #named = new Map<string, { times: number; from: number }>();
  readonly #overridden: End[] = [];

  add(end: End): void {
    if (end.overriddenAt !== undefined) {
      this.#overridden.push(end);
      return;
    }
    this.#whole++;
    for (const [epoch, seq] of end.cuts) {
      const named = this.#named.get(epoch);
      if (named === undefined) this.#named.set(epoch, { times: 1, from: seq + 1 });
      else {
        named.times++;
        named.from = Math.min(named.from, seq + 1);
      }
    }
  }

  /** The first seq that is void; `undefined` where none is. */
  barOf(epoch: string, first: Stamp | undefined): number | undefined {
    const named = this.#named.get(epoch);
    let from = Number.POSITIVE_INFINITY;
    if (this.#whole > 0) from = named?.times === this.#whole ? named.from : 1;
    for (const end of this.#overridden) from = Math.min(from, barUnder(end, epoch, first) ?? from);
    return from === Number.POSITIVE_INFINITY ? undefined : from;
  }
}

/** The bars of all feeds in the scope `trust`. A rotation voids what its signer says later, but no other rotation. */
export class TrustBars {
  readonly #byRevocations = new Map<Fingerprint, Cuts>();
  readonly #byRotations = new Map<Fingerprint, Cuts>();
  readonly #firstStamps: FirstStamps;

  constructor(firstStamps: FirstStamps) {
    this.#firstStamps = firstStamps;
  }

  add(end: End): void {
    const cuts = end.kind === 'revoke' ? this.#byRevocations : this.#byRotations;
    const known = cuts.get(end.of) ?? new Cuts();
    known.add(end);
    cuts.set(end.of, known);
  }

  barOf(by: Fingerprint, epoch: string): number | undefined {
    const revoked = this.#barIn(this.#byRevocations, by, epoch);
    const rotated = this.#barIn(this.#byRotations, by, epoch);
    if (revoked === undefined || rotated === undefined) return revoked ?? rotated;
    return Math.min(revoked, rotated);
  }

  voids(place: Place): boolean {
    const bar = this.barOf(place.by, place.epoch);
    return bar !== undefined && place.seq >= bar;
  }

  voidsEnd({ kind, place }: End): boolean {
    if (kind === 'revoke') return this.voids(place);
    const bar = this.#barIn(this.#byRevocations, place.by, place.epoch);
    return bar !== undefined && place.seq >= bar;
  }

  #barIn(cuts: ReadonlyMap<Fingerprint, Cuts>, by: Fingerprint, epoch: string): number | undefined {
    return cuts.get(by)?.barOf(epoch, this.#firstStamps(by, epoch));
  }
}

/** The first seq of a feed that one end voids; `undefined` where it voids none. `first`: the lowest stamp of the feed. */
export function barUnder(
  end: Pick<End, 'cuts' | 'overriddenAt'>,
  epoch: string,
  first: Stamp | undefined,
): number | undefined {
  const cut = end.cuts.get(epoch);
  if (cut !== undefined) return cut + 1;
  const { overriddenAt } = end;
  if (overriddenAt === undefined) return 1;
  return first !== undefined && compareStamps(first, overriddenAt) < 0 ? 1 : undefined;
}
