/** Whose word binds a node: its own under all its keys, and that of the keys it follows. */

import { toKey } from './bytes.js';
import { compareStamps, type Stamp } from './clock.js';
import { keyOfFingerprint, type Fingerprint } from './identity.js';
import { LIMITS } from './limits.js';
import { TrustBars, type End } from './trust-bars.js';
import { endByRotation } from './trust-ends.js';
import type { FactBook, Revocation, RotateStatement, TrustFact, VerifyStatement } from './trust-facts.js';

export interface Roots {
  readonly root: Fingerprint;
  /** The node's key, and those that rotated to it. */
  readonly keys: ReadonlySet<Fingerprint>;
  /** How the earlier ones ended. */
  readonly rotations: ReadonlyMap<Fingerprint, readonly End[]>;
  readonly bars: TrustBars;
  /** What it has verified under any of them. */
  readonly own: ReadonlyMap<Fingerprint, readonly TrustFact<VerifyStatement>[]>;
  readonly revocations: readonly Revocation[];
  /** Keys of which it overrode something. */
  readonly readmitted: ReadonlySet<Fingerprint>;
  /** When it overrode a revocation of `about` in an entry for the first time. */
  overriddenAt(about: Fingerprint, entry: string): Stamp | undefined;
}

/** Keys whose revocations bind the root besides its own; `widest` ignores what speaks against an inheritance. */
export interface Followed {
  readonly keys: ReadonlySet<Fingerprint>;
  readonly widest: ReadonlySet<Fingerprint>;
}

/** The proven rotations of a key that lie on no branch of a fork. */
export function provenRotations(book: FactBook, by: Fingerprint): readonly TrustFact<RotateStatement>[] {
  const oldKey = keyOfFingerprint(by);
  if (oldKey === undefined) return [];
  return book.rotationsBy(by).filter((fact) => book.isWhole(fact) && book.isProven(fact, oldKey));
}

/**
 * What the root says. Its own key's statements always count; an earlier key's up to the cuts of the rotation,
 * which the next key has signed too.
 */
export function readRoots(book: FactBook, root: Fingerprint): Roots {
  const keys = new Set([root]);
  const bars = new TrustBars(() => undefined);
  const rotations = new Map<Fingerprint, readonly End[]>();
  let newest = [root];
  for (let link = 0; link < LIMITS.rotations && newest.length > 0; link++) {
    const earlier = new Set<Fingerprint>();
    for (const key of newest) {
      for (const fact of book.rotationsTo.get(key) ?? []) {
        book.steps++;
        const oldKey = keyOfFingerprint(fact.by);
        if (fact.by === root || oldKey === undefined || !book.isProven(fact, oldKey)) continue;
        const end = endByRotation(fact);
        bars.add(end);
        rotations.set(fact.by, [...(rotations.get(fact.by) ?? []), end]);
        if (!keys.has(fact.by)) earlier.add(fact.by);
      }
    }
    for (const key of earlier) keys.add(key);
    newest = [...earlier];
  }
  const counts = (fact: TrustFact): boolean =>
    !keys.has(fact.about) && (fact.by === root || (book.isWhole(fact) && !bars.voids(fact)));
  const own = new Map<Fingerprint, TrustFact<VerifyStatement>[]>();
  const overrides = new Map<string, Stamp>();
  const readmitted = new Set<Fingerprint>();
  for (const fact of [...keys].flatMap((key) => book.allVerificationsBy(key))) {
    if (!counts(fact)) continue;
    const known = own.get(fact.about);
    if (known === undefined) own.set(fact.about, [fact]);
    else known.push(fact);
    for (const hash of fact.statement.over) {
      readmitted.add(fact.about);
      const id = fact.about + toKey(hash);
      const earliest = overrides.get(id);
      if (earliest === undefined || compareStamps(fact.stamp, earliest) < 0) overrides.set(id, fact.stamp);
    }
  }
  const revocations = [...keys]
    .flatMap((key) => book.allRevocationsBy(key))
    .filter(({ facts: [fact] }) => counts(fact));
  const overriddenAt = (about: Fingerprint, entry: string): Stamp | undefined =>
    readmitted.has(about) ? overrides.get(about + entry) : undefined;
  return { root, keys, rotations, bars, own, revocations, readmitted, overriddenAt };
}

/**
 * The keys whose revocations bind the root: those it verified itself, not those others vouch for. A key that follows one
 * of them by rotation is among them too, as long as nobody who might be followed has revoked its predecessor:
 * else a thief who rotates a stolen key could revoke everybody before he is revoked himself.
 */
export function readFollowed(book: FactBook, roots: Roots): Followed {
  const widest = succeed(book, roots, () => true);
  const revoked = new Set<Fingerprint>();
  const said = [...widest].flatMap((key) => book.allRevocationsBy(key));
  for (const { facts } of [...said, ...roots.revocations]) {
    const [{ about, entry }] = facts;
    if (roots.overriddenAt(about, entry) === undefined) revoked.add(about);
  }
  const keys = succeed(book, roots, (key, next) => next.size === 1 && !revoked.has(key));
  return { keys, widest };
}

/** The keys the root verified, and those that follow them by rotations that `mayPass` lets through. */
function succeed(
  book: FactBook,
  roots: Roots,
  mayPass: (key: Fingerprint, next: ReadonlySet<Fingerprint>) => boolean,
): ReadonlySet<Fingerprint> {
  const keys = new Set(roots.own.keys());
  let newest: readonly Fingerprint[] = [...keys];
  for (let link = 0; link < LIMITS.rotations && newest.length > 0; link++) {
    const later = new Set<Fingerprint>();
    for (const key of newest) {
      const next = new Set(provenRotations(book, key).map((fact) => fact.about));
      if (!mayPass(key, next)) continue;
      for (const one of next) if (!keys.has(one) && !roots.keys.has(one)) later.add(one);
    }
    for (const key of later) keys.add(key);
    newest = [...later];
  }
  return keys;
}
