/** The bodies kept under one span id: their order, and which of too many go. */

import { numberKey } from '../bytes.js';
import { LIMITS } from '../limits.js';
import type { Clock } from '../ports.js';
import type { Catalog } from './catalog.js';
import type { VariantRow } from './rows.js';

/**
 * Latest stamp first; ties by feed, then by place in it: the same order on every node, whatever came first.
 * Of too many the earliest go, but before them those that lie furthest ahead: T10, nobody's stamp pushes honest bodies out.
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
  const horizonMs = (clock?.now() ?? Number.POSITIVE_INFINITY) + LIMITS.clockSkewMs;
  const ahead = keyed.findLastIndex(({ row }) => row.ms > horizonMs) + 1;
  const from = Math.min(ahead, Math.max(0, keyed.length - LIMITS.spanVariants));
  return keyed.slice(from, from + LIMITS.spanVariants).map(({ row }) => row);
}
