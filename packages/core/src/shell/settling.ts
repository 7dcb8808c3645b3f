/** How an operator says that conflicts of a tenant are to be settled. */

import { isRegisterField } from '../assertion.js';
import { LoglineError } from '../errors.js';
import { accessScope, fingerprintOf, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { ConflictPolicy } from '../statement.js';
import type { Committer } from './committer.js';
import type { TrustKeeper } from './trust-keeper.js';

export interface SettlingWorld {
  readonly keeper: TrustKeeper;
  readonly committer: Committer;
}

/** Fields that a policy may be for: one, all of `metadata`, all that are not named, or which of several bodies is meant. */
const WILD: readonly string[] = ['*', 'metadata.*', 'identity'];

/** Rejects with `bad_request` for no such field, or where another node decides. The same again writes nothing. */
export async function setPolicy(
  tenant: TenantId,
  { field, policy }: { readonly field: string; readonly policy: ConflictPolicy },
  world: SettlingWorld,
): Promise<void> {
  if (!WILD.includes(field) && !isRegisterField(field)) {
    throw new LoglineError(
      'bad_request',
      `field: ${JSON.stringify(field.slice(0, 64))} is none that nodes can be at odds about: expected status, processed, verification_status, visibility, metadata.<name>, metadata.*, identity, or * for all others`,
    );
  }
  refuseUnlessOurs(tenant, world);
  if (world.keeper.rules.policies(tenant).get(field) === policy) return;
  await world.committer.write((pen) => pen.seal(accessScope(tenant), [{ kind: 'policy', field, policy }]));
}

/** Highest first; none puts all nodes on a level. Rejects with `bad_request` for too many, or where another node decides. */
export async function prioritise(
  tenant: TenantId,
  keys: readonly Uint8Array[],
  world: SettlingWorld,
): Promise<void> {
  const named = keys.map(fingerprintOf);
  if (keys.length > LIMITS.prioritisedNodes || new Set(named).size < named.length) {
    throw new LoglineError(
      'bad_request',
      `nodes: expected at most ${LIMITS.prioritisedNodes}, each once, got ${keys.length}`,
    );
  }
  refuseUnlessOurs(tenant, world);
  if (world.keeper.rules.priorities(tenant).join() === named.join()) return;
  await world.committer.write((pen) => pen.seal(accessScope(tenant), [{ kind: 'prioritise', keys }]));
}

/** What another node says of a tenant counts and ours does not, where that one is its primary. */
function refuseUnlessOurs(tenant: TenantId, { keeper }: SettlingWorld): void {
  const primary = keeper.rules.primaryOf(tenant);
  if (primary === undefined || keeper.graph.isOurs(primary)) return;
  throw new LoglineError(
    'bad_request',
    `the primary of ${tenant} is ${primary}, and it alone says how conflicts are settled: ask its operator`,
  );
}
