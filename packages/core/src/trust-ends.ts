/** Which ends of keys stand: revocations and rotations may void one another, and the answer depends on no order. */

import { toKey } from './bytes.js';
import type { Stamp } from './clock.js';
import type { EpochCut } from './statement.js';
import type { End, FirstStamps, TrustBars } from './trust-bars.js';
import type { RevokeStatement, RotateStatement, TrustFact } from './trust-facts.js';
import { componentsOf, weaveEdges } from './trust-web.js';

/** One end for each entry and key that these revocations, all of one signer, name. */
export function endsByRevocation(
  facts: readonly TrustFact<RevokeStatement>[],
  options: {
    readonly own: boolean;
    readonly overriddenAt: (fact: TrustFact<RevokeStatement>) => Stamp | undefined;
  },
): readonly End[] {
  const together = new Map<string, [TrustFact<RevokeStatement>, ...TrustFact<RevokeStatement>[]]>();
  for (const fact of facts) {
    const id = fact.entry + fact.about;
    const known = together.get(id);
    if (known === undefined) together.set(id, [fact]);
    else known.push(fact);
  }
  return [...together.values()].map((same) => {
    const [first] = same;
    return {
      kind: 'revoke',
      facts: same,
      by: first.by,
      of: first.about,
      place: first,
      cuts: cutMap(same.flatMap(({ statement }) => statement.cuts)),
      overriddenAt: options.overriddenAt(first),
      own: options.own,
    };
  });
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
