/** A tenant's rights as operators see them: the primary, those who claim to be, and what each key may do. */

import { fingerprintOf, type Fingerprint, type NodeId, type TenantId } from '../identity.js';
import type { AccessInfo, GrantInfo, PrimaryBy } from './operator-view.js';
import type { PeerBook } from './peer-book.js';
import type { TrustKeeper } from './trust-keeper.js';

export function describeAccess(
  tenant: TenantId,
  world: {
    readonly keeper: TrustKeeper;
    readonly book: PeerBook;
    readonly idOf: (key: Fingerprint) => NodeId | undefined;
  },
): AccessInfo {
  const { keeper, idOf } = world;
  const { rules } = keeper;
  const primary = rules.primaryOf(tenant);
  return {
    tenant,
    isFederated: rules.federates(tenant),
    primary:
      primary === undefined
        ? undefined
        : { fingerprint: primary, id: idOf(primary), by: primaryBy(tenant, keeper) },
    rivals: rules.rivals(tenant),
    grants: grantsOf(tenant, world),
    policies: rules.policies(tenant),
    priorities: rules.priorities(tenant),
  };
}

function primaryBy(tenant: TenantId, { rules }: TrustKeeper): PrimaryBy {
  const source = rules.primarySource(tenant);
  return source === 'pin' ? 'configuration' : source === 'designation' ? 'operator' : 'first_claim';
}

/** Keys that a grant names, and the trusted ones that the configuration covers. */
function grantsOf(
  tenant: TenantId,
  { keeper, book, idOf }: Parameters<typeof describeAccess>[1],
): readonly GrantInfo[] {
  const { rules, graph } = keeper;
  const granted = rules.grantedKeys(tenant);
  const listed = [...book.peers()].flatMap(({ key }) =>
    key !== undefined && keeper.trusts(key) ? [fingerprintOf(key)] : [],
  );
  const keys = [...new Set([...granted, ...listed])].filter((key) => !graph.isOurs(key)).sort();
  return keys.flatMap((fingerprint) => {
    const { read, write } = rules.rightsOf(tenant, fingerprint);
    const isGranted = granted.includes(fingerprint);
    if (!isGranted && !read && !write) return [];
    const by = !isGranted ? 'configuration' : rules.primaryOf(tenant) === undefined ? 'operator' : 'primary';
    return [{ fingerprint, id: idOf(fingerprint), read, write, by }];
  });
}
