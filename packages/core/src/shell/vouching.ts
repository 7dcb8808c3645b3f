/** Our own word that a key is to be trusted: given at first contact, by the operator, or against a revocation. */

import { LoglineError } from '../errors.js';
import { fingerprintOf, nodeIdOf, TRUST_SCOPE, type Fingerprint, type NodeId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { VerificationMethod } from '../statement.js';
import type { Committer } from './committer.js';
import type { TrustKeeper } from './trust-keeper.js';

interface VouchWorld {
  readonly keeper: TrustKeeper;
  readonly committer: Committer;
}

/**
 * States durably that we trust a key under a name, unless we do already. Never against a revocation or a rotation:
 * rejects with `revoked` then.
 */
export async function vouch(
  said: { readonly key: Uint8Array; readonly name: string; readonly method: VerificationMethod },
  { keeper, committer }: VouchWorld,
): Promise<void> {
  const { key, name, method } = said;
  const fingerprint = fingerprintOf(key);
  if (keeper.graph.hasEnded(fingerprint)) {
    throw new LoglineError(
      'revoked',
      `the key ${fingerprint} is revoked here: an operator can readmit it, after asking why it was`,
    );
  }
  const isSaid = keeper.graph
    .why(fingerprint)
    .some((reason) => reason.kind === 'verified_by_us' && reason.name === name && reason.method === method);
  if (isSaid) return;
  await committer.write((pen) => pen.seal(TRUST_SCOPE, [{ kind: 'verify', key, name, method, over: [] }]));
}

/** Our `verify` over every revocation that stands against a key. What those cut stays out until it is released. */
export async function readmit(
  key: Uint8Array,
  world: VouchWorld & { readonly idOf: (key: Fingerprint) => NodeId | undefined },
): Promise<void> {
  const { keeper, committer, idOf } = world;
  const fingerprint = fingerprintOf(key);
  const { revocations, rotations } = keeper.graph.endsOf(fingerprint);
  if (rotations.length > 0) {
    throw new LoglineError(
      'bad_request',
      `the key ${fingerprint} was rotated away from: trust the one that follows it`,
    );
  }
  const over = revocations.map((end) => end.facts[0].hash);
  if (over.length === 0) return;
  const named = keeper.graph.why(fingerprint).find((reason) => reason.kind === 'verified_by_us');
  // A key that we never verified ourselves goes by the name it has here, or by none but its own beginning.
  const name =
    named?.name ??
    idOf(fingerprint)?.slice(nodeIdOf('').length) ??
    `key-${fingerprint.slice(0, 8).replaceAll(/[-_]/g, '0')}`;
  const method = named?.method ?? 'signature';
  await committer.write(async (pen) => {
    // One entry for each part: somebody may have revoked the key more often than one entry has room for.
    for (let from = 0; from < over.length; from += LIMITS.overriddenRevocations) {
      const some = over.slice(from, from + LIMITS.overriddenRevocations);
      await pen.seal(TRUST_SCOPE, [{ kind: 'verify', key, name, method, over: some }]);
    }
  });
  await keeper.settled();
}
