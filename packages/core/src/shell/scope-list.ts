/** The scopes that one side offers, to be looked up in: a peer may offer thousands. */

import type { Scope } from '../identity.js';
import type { Scopes } from '../session-state.js';

export class ScopeList {
  #scopes: Scopes | undefined;
  #names: ReadonlySet<string> = new Set();

  /** Whether `scopes` has `scope`. The same list asked again, which is the rule, is not read again. */
  has(scopes: Scopes | undefined, scope: Scope): boolean {
    if (scopes === '*' || scopes === undefined) return scopes === '*';
    if (scopes !== this.#scopes) {
      this.#scopes = scopes;
      this.#names = new Set(scopes);
    }
    return this.#names.has(scope);
  }
}
