/** A node under a new key: it states with both keys that the one follows the other, and where the old one's feeds end. */

import { equalBytes, fromKey } from '../bytes.js';
import { compareStamps } from '../clock.js';
import { HASH_BYTES } from '../entry.js';
import { feedKey } from '../feed.js';
import {
  fingerprintOf,
  accessScope,
  keyOfFingerprint,
  TRUST_SCOPE,
  type Fingerprint,
  type TenantId,
} from '../identity.js';
import { LIMITS } from '../limits.js';
import type { KeyPair } from '../ports.js';
import { rotationBody, type EpochCut } from '../statement.js';
import type { ActsWorld } from './acts.js';
import { planCuts, type PlannedCut } from './cutting.js';
import type { TrustKeeper } from './trust-keeper.js';

/**
 * Publishes the rotation from `oldKey` to the key that this node runs under; durable when it resolves, and done once
 * however often it is asked for. The statement stands alone in a feed of this process start, and ends all others.
 */
export async function publishRotation(
  oldKey: KeyPair,
  newKey: KeyPair,
  world: ActsWorld & { readonly keeper: TrustKeeper },
): Promise<void> {
  const { keeper, committer, storage, table, tools } = world;
  if (keeper.graph.isOurs(fingerprintOf(oldKey.publicKey)) || equalBytes(oldKey.publicKey, newKey.publicKey))
    return;
  const cutting = { feeds: () => table.feeds(), storage, crypto: tools.crypto };
  const planned = await planCuts(oldKey.publicKey, 'heads', cutting);
  const itself: EpochCut = { part: '-', epoch: storage.run, seq: 1, hash: new Uint8Array(HASH_BYTES) };
  const cuts = [...newestCuts(planned), itself];
  const proof = tools.crypto.sign(rotationBody(oldKey.publicKey, newKey.publicKey, cuts), newKey.secretKey);
  const byTenant = new Map<TenantId, EpochCut[]>();
  for (const { tenant, cut } of planned)
    if (tenant !== undefined) byTenant.set(tenant, [...(byTenant.get(tenant) ?? []), cut]);
  await committer.write(async (pen) => {
    const stated = { kind: 'rotate' as const, key: newKey.publicKey, cuts, proof };
    const { hash } = await pen.seal(TRUST_SCOPE, [stated], oldKey);
    for (const [tenant, all] of byTenant) {
      for (let from = 0; from < all.length; from += LIMITS.cutsPerStatement) {
        const some = all.slice(from, from + LIMITS.cutsPerStatement);
        await pen.seal(accessScope(tenant), [
          { kind: 'cut', key: oldKey.publicKey, revocation: hash, cuts: some },
        ]);
      }
    }
  });
  await keeper.settled();
}

/** Of the feeds of the scope `trust` the newest: a node that was started more often has nothing in force that old. */
function newestCuts(planned: readonly PlannedCut[]): readonly EpochCut[] {
  const earlier = planned.filter(({ tenant }) => tenant === undefined);
  const newestFirst = earlier.toSorted((a, b) => compareStamps(b.stamp, a.stamp));
  return newestFirst.slice(0, LIMITS.cutsPerRotation - 1).map(({ cut }) => cut);
}

/**
 * The entries by which this node's earlier keys led to the present one, oldest first: its hello shows them to peers who
 * trust one of those and have missed what became of it. Of more than a hello holds the newest.
 */
export async function ownRotations({
  keeper: { graph },
  storage,
}: Pick<ActsWorld, 'storage'> & { readonly keeper: TrustKeeper }): Promise<readonly Uint8Array[]> {
  const ends = graph
    .followed()
    .filter((key) => graph.isOurs(key))
    .flatMap((key) => graph.endsOf(key).rotations);
  const entries: Uint8Array[] = [];
  const seen = new Set<Fingerprint>();
  let room: number = LIMITS.rotationBytes;
  for (let key = graph.root; entries.length < LIMITS.rotations && !seen.has(key);) {
    seen.add(key);
    const place = ends.find(({ facts: [fact] }) => fact.about === key)?.place;
    const earlier = place === undefined ? undefined : keyOfFingerprint(place.by);
    if (place === undefined || earlier === undefined) break;
    const { epoch, seq } = place;
    const feed = feedKey(TRUST_SCOPE, earlier, fromKey(epoch));
    const [entry] = await storage.entries(feed, { from: seq, to: seq, bytesMost: 1 });
    room -= entry?.bytes.length ?? 0;
    if (entry === undefined || room < 0) break;
    entries.unshift(entry.bytes);
    key = place.by;
  }
  return entries;
}

/**
 * Whether a rotation that a hello shows would be news that matters: we trust the key that it ends, or the one that
 * followed that key by another rotation. A second one freezes both; a third would say nothing new.
 */
export function awaitsRotation(
  { from, to }: { readonly from: Uint8Array; readonly to: Uint8Array },
  keeper: TrustKeeper,
): boolean {
  const ends = keeper.graph.endsOf(fingerprintOf(from)).rotations;
  const [follower, ...others] = new Set(ends.map(({ facts: [fact] }) => fact.about));
  if (follower === undefined) return keeper.trusts(from);
  const known = keyOfFingerprint(follower);
  const isSecond = others.length === 0 && follower !== fingerprintOf(to);
  return isSecond && known !== undefined && keeper.trusts(known);
}

/** Whether a key claims to follow one that another key claims to follow too: only an operator can say which is right. */
export function isContested(key: Uint8Array, { graph }: TrustKeeper): boolean {
  const fingerprint = fingerprintOf(key);
  return graph.followed().some((earlier) => {
    const followers = new Set(graph.endsOf(earlier).rotations.map(({ facts: [fact] }) => fact.about));
    return followers.size > 1 && followers.has(fingerprint);
  });
}
