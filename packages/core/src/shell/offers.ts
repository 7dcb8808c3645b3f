/** What is offered to each trusted key, and that no tenant is named to those who have nothing to do with it. */

import {
  accessScope,
  annotationsScope,
  fingerprintOf,
  tenantOfAccess,
  timelineScope,
  type Fingerprint,
  type Scope,
  type TenantId,
} from '../identity.js';
import type { OfferedScope, Rights, Scopes } from '../offer.js';

export interface OffersWorld {
  readonly tenants: () => Iterable<TenantId>;
  readonly rightsOf: (key: Uint8Array, scope: Scope) => Rights;
  /** What was found holds until it grows. */
  readonly version: () => number;
}

interface Found {
  readonly version: number;
  readonly named: Scopes | undefined;
  readonly scopes: readonly OfferedScope[];
}

export class Offers {
  readonly #world: OffersWorld;
  readonly #found = new Map<Fingerprint, Found>();

  constructor(world: OffersWorld) {
    this.#world = world;
  }

  /**
   * Tenant by tenant what the key may do. We take statements about a tenant's rights from any trusted key, but a key that
   * has no right itself is offered that only where it has named the tenant to us, or all there are, in `named`: else it would learn from the
   * offer that the tenant exists.
   */
  to(key: Uint8Array, named: Scopes | undefined): readonly OfferedScope[] {
    const { tenants, rightsOf } = this.#world;
    const version = this.#world.version();
    const fingerprint = fingerprintOf(key);
    const known = this.#found.get(fingerprint);
    if (known?.version === version && known.named === named) return known.scopes;
    // Who shares all tenants names none, and may bring the grants of any: without them a member would never learn of its own.
    const isAll = named === '*';
    const readable = isAll || named === undefined ? [] : named.filter(({ read }) => read);
    const heard = new Set(readable.map(({ scope }) => scope));
    const isMentioned = (scope: OfferedScope): boolean =>
      scope.read ||
      (scope.write && (tenantOfAccess(scope.scope) === undefined || isAll || heard.has(scope.scope)));
    const scopes = [...tenants()]
      .flatMap((tenant) => [accessScope(tenant), annotationsScope(tenant), timelineScope(tenant)])
      .map((scope) => ({ scope, ...rightsOf(key, scope) }))
      .filter(isMentioned);
    this.#found.set(fingerprint, { version, named, scopes });
    return scopes;
  }
}
