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
import { ALL_OTHERS, type OfferedScope, type Rights, type Scopes } from '../offer.js';

export interface OffersWorld {
  readonly tenants: () => Iterable<TenantId>;
  readonly rightsOf: (key: Uint8Array, scope: Scope) => Rights;
  /** Those about whose rights anything was stated. */
  readonly stated: () => readonly TenantId[];
  /** What was found holds until it grows. */
  readonly version: () => number;
}

interface Found {
  readonly version: number;
  readonly named: Scopes | undefined;
  readonly scopes: Scopes;
}

export class Offers {
  readonly #world: OffersWorld;
  readonly #found = new Map<Fingerprint, Found>();

  constructor(world: OffersWorld) {
    this.#world = world;
  }

  /**
   * Tenant by tenant what the key may do. We take statements about a tenant's rights from any trusted key, but a key that
   * has no right itself is offered that only where it has named the tenant to us, in `named`: else it would learn from the
   * offer that the tenant exists. Who shares everything names the tenants of which there is something to bring.
   */
  to(key: Uint8Array, named: Scopes | undefined): Scopes {
    const { tenants, rightsOf } = this.#world;
    const version = this.#world.version();
    const fingerprint = fingerprintOf(key);
    const known = this.#found.get(fingerprint);
    if (known?.version === version && known.named === named) return known.scopes;
    const readable = named === '*' || named === undefined ? [] : named.filter(({ read }) => read);
    const heard = new Set(readable.map(({ scope }) => scope));
    const isMentioned = (scope: OfferedScope): boolean =>
      scope.read || (scope.write && (tenantOfAccess(scope.scope) === undefined || heard.has(scope.scope)));
    const scopes = [...tenants()]
      .flatMap((tenant) => [accessScope(tenant), annotationsScope(tenant), timelineScope(tenant)])
      .map((scope) => ({ scope, ...rightsOf(key, scope) }))
      .filter(isMentioned);
    this.#found.set(fingerprint, { version, named, scopes });
    return scopes;
  }

  /**
   * Everything, to one key. Tenants about whose rights something was stated are named all the same, where it may read it:
   * it names none to whom it knows of no right, so it would never learn that we have one, and hold its grants.
   */
  ofAll(key: Uint8Array): Scopes {
    const { stated, rightsOf } = this.#world;
    const version = this.#world.version();
    const fingerprint = fingerprintOf(key);
    const known = this.#found.get(fingerprint);
    if (known?.version === version) return known.scopes;
    const named = stated()
      .map(accessScope)
      .map((scope) => ({ scope, ...rightsOf(key, scope) }))
      .filter(({ read }) => read);
    const scopes: Scopes = named.length === 0 ? '*' : [ALL_OTHERS, ...named];
    this.#found.set(fingerprint, { version, named: undefined, scopes });
    return scopes;
  }
}
