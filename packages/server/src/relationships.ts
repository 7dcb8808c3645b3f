/** Trust in the shape of the interface: relationships with peers, and what a revocation does. */

import { fingerprintOf, type FederationNode, type PeerInfo } from '@logline/federation-core';
import type { Relationship, RevocationReport } from '@logline/federation-core';
import type { z } from 'zod';
import { seesTotals, type Caller } from './caller.js';
import { timeOrNull } from './peers.js';
import type { relationship, revocationReport } from './schemas-trust.js';

type Shown = z.output<typeof relationship>;

/** One for each key that the node has to do with, and one for each listed peer that has not shown its key yet. */
export function relationshipsFor(caller: Caller, node: FederationNode): readonly Shown[] {
  const peers = node.peers();
  const known = node.operator.relationships();
  const listed = (one: Relationship): PeerInfo | undefined =>
    peers.find((peer) => peer.fingerprint === one.fingerprint);
  return [
    ...known.map((one) => describeRelationship(one, { peer: listed(one), caller, node })),
    ...peers
      .filter((peer) => !known.some((one) => one.fingerprint === peer.fingerprint))
      .map(describeAwaited),
  ];
}

export function relationshipOf(node: FederationNode, key: Uint8Array): Relationship | undefined {
  const fingerprint = fingerprintOf(key);
  return node.operator.relationships().find((one) => one.fingerprint === fingerprint);
}

function describeRelationship(
  one: Relationship,
  world: {
    readonly peer: PeerInfo | undefined;
    readonly caller: Caller;
    readonly node: FederationNode;
  },
): Shown {
  const { peer, caller, node } = world;
  const isOwnWord = one.signature !== undefined && one.level !== 'revoked';
  return {
    peer_id: one.id ?? peer?.id ?? null,
    trust_level: one.level,
    established_at: timeOrNull(one.establishedAtMs),
    signature: one.signature === undefined ? null : Buffer.from(one.signature).toString('base64'),
    fingerprint: one.fingerprint,
    unconfirmed_fingerprint: peer?.unconfirmedFingerprint ?? null,
    method: one.method,
    address: one.address ?? peer?.address ?? null,
    pinned_by: peer?.pinnedBy ?? null,
    verified_by: [...new Set([...(isOwnWord ? [node.fingerprint] : []), ...one.verifiedBy])],
    cut: one.cut === undefined ? null : describeCut(one.cut, caller),
    why: [...one.why],
  };
}

function describeCut(cut: NonNullable<Relationship['cut']>, caller: Caller): Shown['cut'] {
  const { revocations, by, feeds, entries, isProvisional } = cut;
  return {
    revocations: [...revocations],
    by: [...by],
    // Who is bound to a tenant could tell other tenants' traffic from figures about all.
    ...(seesTotals(caller) && { feeds, entries }),
    provisional: isProvisional,
  };
}

/** A listed peer of which nothing is known but where it should be. */
function describeAwaited(peer: PeerInfo): Shown {
  return {
    peer_id: peer.id ?? null,
    trust_level: peer.trustLevel,
    established_at: timeOrNull(peer.establishedAtMs),
    signature: null,
    fingerprint: peer.fingerprint ?? null,
    unconfirmed_fingerprint: peer.unconfirmedFingerprint ?? null,
    method: null,
    address: peer.address,
    pinned_by: peer.pinnedBy ?? null,
    verified_by: [],
    cut: null,
    why: [peer.lastError ?? 'it has not answered yet'],
  };
}

export function describeReport(report: RevocationReport): z.output<typeof revocationReport> {
  return {
    revocation: report.revocation ?? null,
    peer_id: report.id ?? null,
    fingerprint: report.fingerprint,
    feeds: report.feeds.map((feed) => ({
      feed: feed.feed,
      tenant_id: feed.tenant ?? null,
      held_to: feed.heldTo,
      cut_at: feed.cutAt,
      entries: feed.entries,
      spans: feed.spans,
      provisional: feed.isProvisional,
    })),
    entries: report.entries,
    spans: report.spans,
  };
}
