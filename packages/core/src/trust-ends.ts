/** Which ends of keys stand: revocations and rotations may void one another, and the answer depends on no order. */

import { toKey } from './bytes.js';
import type { Stamp } from './clock.js';
import type { EpochCut } from './statement.js';
import type { End, FirstStamps, TrustBars } from './trust-bars.js';
import type { Revocation, RotateStatement, TrustFact } from './trust-facts.js';
import { componentsOf, weaveEdges } from './trust-web.js';

/** What a revocation ends. `overriddenAt`: when the root overrode it. */
export function endByRevocation(
  revocation: Revocation,
  { own, overriddenAt }: { readonly own: boolean; readonly overriddenAt: Stamp | undefined },
): End {
  const { facts, cuts } = revocation;
  const [first] = facts;
  return { kind: 'revoke', facts, by: first.by, of: first.about, place: first, cuts, overriddenAt, own };
}

export function endByRotation(fact: TrustFact<RotateStatement>): End {
  return {
    kind: 'rotate',
    facts: [fact],
    by: fact.by,
    of: fact.by,
    place: fact,
    cuts: cutMap(fact.statement.cuts),
    overriddenAt: undefined,
    own: false,
  };
}

/**
 * The ends that stand, given the bars of others that stand for certain; theirs are added to `bars`.
 * Draw "this voids that", and take the strongly connected components in topological order: an end falls
 * only to one of an earlier component that stands. What void each other, directly or in a circle, all stand:
 * none was said in the knowledge of the others, and revoke wins.
 */
export function resolveEnds(ends: readonly End[], bars: TrustBars, firstStamps: FirstStamps): readonly End[] {
  const standing: End[] = [];
  for (const component of componentsOf(weaveEdges(ends, firstStamps)).toReversed()) {
    const members = component.flatMap((node) => ends[node] ?? []);
    const whole = members.filter((end) => end.own || !bars.voidsEnd(end));
    for (const end of whole) {
      bars.add(end);
      standing.push(end);
    }
  }
  return standing;
}

/** Of two cuts of one epoch the lower counts. */
function cutMap(cuts: readonly EpochCut[]): ReadonlyMap<string, number> {
  const map = new Map<string, number>();
  for (const cut of cuts) {
    const epoch = toKey(cut.epoch);
    map.set(epoch, Math.min(map.get(epoch) ?? cut.seq, cut.seq));
  }
  return map;
}
