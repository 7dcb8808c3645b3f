/** What a node thinks of other keys: whom it trusts, what it shares with them, and what must stay out. */

import type { Header } from '../entry.js';
import type { Feed } from '../feed.js';
import { TRUST_SCOPE, type Scope, type TrustLevel } from '../identity.js';
import { ALL_RIGHTS, NO_RIGHTS, type Rights, type Scopes } from '../offer.js';

export { ALL_RIGHTS, NO_RIGHTS, type Rights } from '../offer.js';

export interface Standing {
  levelOf(key: Uint8Array): TrustLevel;
  /** What our hello says of a key: whether we trust it. */
  trusts(key: Uint8Array): boolean;
  /** Whether our signed word that we trust a key stands, or that of those whose word goes for ours. */
  hasVouched(key: Uint8Array): boolean;
  /** What a trusted key may do with a scope; nothing for any other key. */
  rightsOf(key: Uint8Array, scope: Scope): Rights;
  /**
   * What we share with a trusted key. `named`: what it has offered us. To name a tenant tells that it exists: one that the
   * key has no right in is named only where it was named to us.
   */
  offerTo(key: Uint8Array, named?: Scopes): Scopes;
  /** Why an entry of a feed must stay out for now, whoever brings it; `undefined` where it may pass. */
  refuses(header: Header, feed: Feed): string | undefined;
  /** Grows with every change: what was derived from the answers holds until then. */
  readonly version: number;
}

/** The plain rule: the listed peers are trusted, and share the configured tenants in both directions. */
export class ListedStanding implements Standing {
  readonly version = 0;
  readonly #isListed: (key: Uint8Array) => boolean;
  readonly #scopes: Scopes;
  readonly #shares: (scope: Scope) => boolean;

  constructor(parts: {
    readonly isListed: (key: Uint8Array) => boolean;
    readonly scopes: Scopes;
    readonly shares: (scope: Scope) => boolean;
  }) {
    this.#isListed = parts.isListed;
    this.#scopes = parts.scopes;
    this.#shares = parts.shares;
  }

  /** Whether the other side trusts us too is not known here. */
  levelOf(key: Uint8Array): TrustLevel {
    return this.trusts(key) ? 'pending' : 'unknown';
  }

  trusts(key: Uint8Array): boolean {
    return this.#isListed(key);
  }

  hasVouched(key: Uint8Array): boolean {
    return this.trusts(key);
  }

  rightsOf(key: Uint8Array, scope: Scope): Rights {
    return this.trusts(key) && (scope === TRUST_SCOPE || this.#shares(scope)) ? ALL_RIGHTS : NO_RIGHTS;
  }

  offerTo(key: Uint8Array): Scopes {
    return this.trusts(key) ? this.#scopes : [];
  }

  refuses(): string | undefined {
    return undefined;
  }
}
