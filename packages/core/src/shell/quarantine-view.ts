/** The quarantine as operators see it: what is held of which feed and does not count, why, and what to do about it. */

import { barredFrom, lastRange, quarantineOf, splitFeedKey, type Feed } from '../feed.js';
import { fingerprintOf, tenantOfScope, type Fingerprint, type NodeId } from '../identity.js';
import { nameOfFeed } from './cutting.js';
import type { QuarantinedFeed } from './operator-view.js';

export async function listQuarantine(world: {
  readonly feeds: () => Iterable<Feed>;
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
  /** Entries and spans held of a feed above a seq. */
  readonly count: (feed: Feed, seq: number) => Promise<{ readonly entries: number; readonly spans: number }>;
}): Promise<readonly QuarantinedFeed[]> {
  const listed: QuarantinedFeed[] = [];
  const feeds = [...world.feeds()].sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const feed of feeds) {
    const bar = quarantineOf(feed);
    const to = lastRange(feed)?.to ?? 0;
    const parts = splitFeedKey(feed.key);
    const isListed = bar !== undefined && (bar.reason === 'forked' || to >= barredFrom(feed));
    if (!isListed || parts === undefined) continue;
    const fingerprint = fingerprintOf(parts.origin);
    const feedName = nameOfFeed(feed.key);
    listed.push({
      feed: feedName,
      fingerprint,
      id: world.idOf(fingerprint),
      tenant: tenantOfScope(parts.scope),
      from: bar.from,
      to,
      ...(await world.count(feed, bar.from - 1)),
      reason: bar.reason,
      isProvisional: bar.provisional,
      advice: adviceOn(bar, { feed: feedName, fingerprint }),
    });
  }
  return listed;
}

function adviceOn(
  { reason, provisional }: { readonly reason: QuarantinedFeed['reason']; readonly provisional: boolean },
  { feed, fingerprint }: { readonly feed: string; readonly fingerprint: Fingerprint },
): string {
  switch (reason) {
    case 'forked':
      return `its node signed two histories: logline federation quarantine proof ${fingerprint} ${feed} saves the proof; only its operator can say which stands`;
    case 'rotated':
      return 'signed with a key that had ended by rotation: whoever holds the old key wrote this';
    case 'revoked':
      return provisional
        ? `nobody who may has said yet where this feed ends: the tenant's primary does, or logline federation trust release ${fingerprint} --feed ${feed}`
        : `logline federation trust release ${fingerprint} --feed ${feed} lets it count again, where the cut is ours`;
    default:
      return reason satisfies never;
  }
}
