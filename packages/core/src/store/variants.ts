/** The bodies kept under one span id: their order, and which of too many go. */

import { numberKey, toKey } from '../bytes.js';
import { LIMITS } from '../limits.js';
import type { Clock } from '../ports.js';
import type { Catalog } from './catalog.js';
import type { VariantRow } from './rows.js';

/**
 * Latest stamp first; ties by feed, then by place in it: the same order on every node, whatever came first.
 *
 * Of too many those go that lie furthest ahead of the clock: T10, nobody's stamp pushes honest bodies out. Then the
 * origin with the most bodies loses its earliest: nobody's number pushes those of others out either, and they are there
 * when that origin is quarantined.
 */
export function bestFirst(
  variants: readonly VariantRow[],
  catalog: Catalog,
  clock: Pick<Clock, 'now'> | undefined,
): readonly VariantRow[] {
  const keyed = variants.map((row) => {
    const stamp = numberKey(row.ms, 6) + numberKey(row.count, 4);
    const place = numberKey(row.seq, 7) + numberKey(row.arrival.index, 2);
    return { row, order: stamp + catalog.feedAt(row.feed).key + place };
  });
  keyed.sort((a, b) => (a.order < b.order ? 1 : -1));
  const kept = keyed.map(({ row }) => row);
  const horizonMs = (clock?.now() ?? Number.POSITIVE_INFINITY) + LIMITS.clockSkewMs;
  while (kept.length > LIMITS.spanVariants) {
    const isAhead = (kept[0]?.ms ?? 0) > horizonMs;
    kept.splice(isAhead ? 0 : leastMissed(kept, catalog), 1);
  }
  return kept;
}

/** Index of the body that most bodies of its own origin come before; of several the one signed first. */
function leastMissed(variants: readonly VariantRow[], catalog: Catalog): number {
  const ofOrigin = new Map<string, number>();
  let most = { index: 0, rank: 0 };
  for (const [index, { feed }] of variants.entries()) {
    const origin = toKey(catalog.originAt(feed));
    const rank = ofOrigin.get(origin) ?? 0;
    ofOrigin.set(origin, rank + 1);
    if (rank >= most.rank) most = { index, rank };
  }
  return most.index;
}
