/** What each side of a session lets the other do with which scopes. */

import { isCborList, type Cbor } from './cbor.js';
import { LIMITS } from './limits.js';

/** What a key may do with a scope. */
export interface Rights {
  readonly read: boolean;
  readonly write: boolean;
}

export const NO_RIGHTS: Rights = { read: false, write: false };
export const ALL_RIGHTS: Rights = { read: true, write: true };

/** By the word of the side that offers: "you may read it here", "I take from you what is written to it". */
export interface OfferedScope extends Rights {
  readonly scope: string;
}

/** `'*'` offers both rights on everything; in a list it stands for every scope that the list does not name. */
export type Scopes = readonly OfferedScope[] | '*';

export const ALL_OTHERS: OfferedScope = { scope: '*', ...ALL_RIGHTS };

const READ = 1;
const WRITE = 2;

/** As much of an offer as a message may hold. */
export function boundScopes(scopes: Scopes): Scopes {
  return scopes === '*' || scopes.length <= LIMITS.offeredScopes
    ? scopes
    : scopes.slice(0, LIMITS.offeredScopes);
}

export function isSameOffer(a: Scopes, b: Scopes): boolean {
  if (a === b || a === '*' || b === '*') return a === b;
  const isSame = (one: OfferedScope, other: OfferedScope | undefined): boolean =>
    one.scope === other?.scope && one.read === other.read && one.write === other.write;
  return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
}

/** As it stands in a message. A scope that is offered for nothing is left out: it looks like any unknown one. */
export function writeScopes(scopes: Scopes | undefined): Cbor {
  if (scopes === undefined || scopes === '*') return scopes ?? null;
  return scopes
    .filter(({ read, write }) => read || write)
    .map(({ scope, read, write }) => [scope, (read ? READ : 0) + (write ? WRITE : 0)]);
}

/** `undefined` where a message offers nothing new, `null` where it is malformed. */
export function readScopes(value: Cbor | undefined): Scopes | undefined | null {
  if (value === null) return undefined;
  if (value === '*') return '*';
  if (!isCborList(value) || value.length > LIMITS.offeredScopes) return null;
  const scopes: OfferedScope[] = [];
  for (const item of value) {
    if (!isCborList(item) || item.length !== 2) return null;
    const [scope, bits] = item;
    if (typeof scope !== 'string' || scope.length > 2 * LIMITS.tenantChars) return null;
    if (bits !== READ && bits !== WRITE && bits !== READ + WRITE) return null;
    scopes.push({ scope, read: (bits & READ) !== 0, write: (bits & WRITE) !== 0 });
  }
  return scopes;
}

/** An offer, to be looked up in: it may name thousands of scopes. */
export class Offer {
  #scopes: Scopes | undefined;
  #rights: ReadonlyMap<string, Rights> = new Map();

  /** What `scopes` offer on `scope`. The same list asked again, which is the rule, is not read again. */
  rights(scopes: Scopes | undefined, scope: string): Rights {
    if (scopes === '*') return ALL_RIGHTS;
    if (scopes !== this.#scopes) {
      this.#scopes = scopes;
      this.#rights = new Map((scopes ?? []).map((offered) => [offered.scope, offered]));
    }
    return this.#rights.get(scope) ?? this.#rights.get(ALL_OTHERS.scope) ?? NO_RIGHTS;
  }
}
