/** Bars: from which entry on a feed of a revoked or rotated key stays out, with the reason. */

import type { AccessRules } from './access.js';
import type { CutFeed } from './access-cuts.js';
import { toKey } from './bytes.js';
import type { Stamp } from './clock.js';
import { fingerprintOf, tenantOfScope, TRUST_SCOPE, type Fingerprint, type Scope } from './identity.js';
import { partOfScope } from './statement.js';
import type { End } from './trust-bars.js';
import type { TrustGraph } from './trust.js';

export interface BarredFeed {
  readonly scope: Scope;
  readonly origin: Uint8Array;
  readonly epoch: Uint8Array;
  /** The stamp that it began with; the lowest there is where it is held without its beginning, `undefined` where it is not. */
  readonly firstStamp: Stamp | undefined;
  /** The number after the last entry held: 1 where none is. */
  readonly nextSeq: number;
  /** The bar that is kept already, forks apart. */
  readonly kept: number | undefined;
}

export interface FeedBar {
  /** The first seq that stays out. */
  readonly from: number;
  readonly reason: 'revoked' | 'rotated';
  /** Nobody who may has said yet where the feed ends: this node stopped where it was. */
  readonly provisional: boolean;
  /** Signers of the revocations or rotations, ascending. */
  readonly by: readonly Fingerprint[];
  /** Hashes of the entries that hold those, ascending by signer. */
  readonly revocations: readonly Uint8Array[];
}

/**
 * Where a feed of an ended key stops; `undefined` where nothing is in its way.
 * What the root has overridden keeps out what it had cut off, and bars no feed begun since.
 */
export function barOf(
  feed: BarredFeed,
  { trust, access }: { readonly trust: TrustGraph; readonly access: AccessRules },
): FeedBar | undefined {
  const origin = fingerprintOf(feed.origin);
  if (feed.scope === TRUST_SCOPE) {
    const bar = trust.barOf(origin, feed.epoch);
    return bar === undefined ? undefined : { ...bar, provisional: false };
  }
  const tenant = tenantOfScope(feed.scope);
  const part = partOfScope(feed.scope);
  if (tenant === undefined || part === '-') return undefined;
  const { revocations, overridden, rotations } = trust.endsOf(origin);
  const ends = [...revocations, ...rotations];
  if (ends.length + overridden.length === 0) return undefined;
  const known = access.cutsOf(tenant);
  const cutFeed: CutFeed = { part, origin, epoch: feed.epoch, first: feed.firstStamp };
  const judge = (end: End): Judged => ({ end, from: known.barUnder(end, cutFeed) });
  const binding = ends.map(judge);
  const readmitted = overridden.map(judge);
  const isJudged = binding.some(({ from }) => from !== undefined);
  const bars = [...binding, ...readmitted].flatMap(({ end, from }) =>
    from === undefined ? [] : [{ end, from }],
  );
  if (ends.length > 0 && !isJudged) {
    const from = feed.kept ?? feed.nextSeq;
    bars.push(...ends.map((end) => ({ end, from })));
  } else if (ends.length === 0 && bars.length < overridden.length && feed.kept !== undefined) {
    const from = feed.kept;
    bars.push(...readmitted.filter((one) => one.from === undefined).map(({ end }) => ({ end, from })));
  }
  const from = Math.min(...bars.map((bar) => bar.from));
  if (!Number.isFinite(from)) return undefined;
  const lowest = bars.filter((bar) => bar.from === from).map(({ end }) => end);
  const isProvisional = !binding.concat(readmitted).some((judged) => judged.from === from);
  return describe(lowest, from, isProvisional);
}

interface Judged {
  readonly end: End;
  readonly from: number | undefined;
}

function describe(ends: readonly End[], from: number, provisional: boolean): FeedBar {
  const hashes = new Map(ends.map((end) => [end.by + toKey(end.facts[0].hash), end.facts[0].hash]));
  return {
    from,
    reason: ends.some((end) => end.kind === 'revoke') ? 'revoked' : 'rotated',
    provisional,
    by: [...new Set(ends.map((end) => end.by))].sort(),
    revocations: [...hashes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, hash]) => hash),
  };
}
