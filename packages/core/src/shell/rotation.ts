/** A node under a new key: it states with both keys that the one follows the other, and where the old one's feeds end. */

import { equalBytes } from '../bytes.js';
import { HASH_BYTES } from '../entry.js';
import { fingerprintOf, accessScope, TRUST_SCOPE, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { KeyPair } from '../ports.js';
import { rotationBody, type EpochCut } from '../statement.js';
import type { ActsWorld } from './acts.js';
import { planCuts } from './cutting.js';
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
  const earlier = planned.filter(({ tenant }) => tenant === undefined).map(({ cut }) => cut);
  // The newest: a node that was started so often has nothing in force that old.
  const cuts = [...earlier.slice(1 - LIMITS.cutsPerStatement), itself];
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
