/** What may flow between us and one peer: scope by scope, by the rights that each side gives the other. */

import { ACTS_SCOPE, TRUST_SCOPE, type Scope } from '../identity.js';
import { ALL_RIGHTS, NO_RIGHTS, Offer, type Scopes } from '../offer.js';
import type { Standing } from './standing.js';

/** Both directions of one scope. */
export interface Flow {
  /** From us to the peer: it may read here, and takes from us. */
  readonly out: boolean;
  /** From the peer to us: we may read there, and take from it. */
  readonly in: boolean;
}

/** A peer may name any number of scopes; what was found of so many is kept. */
const REMEMBERED = 10_000;

export class Flows {
  readonly #standing: Standing;
  readonly #key: Uint8Array;
  readonly #offer = new Offer();
  readonly #found = new Map<Scope, Flow>();
  #offered: Scopes | undefined;
  #version: number | undefined;

  constructor(standing: Standing, key: Uint8Array) {
    this.#standing = standing;
    this.#key = key;
  }

  /** `offered` is what the peer has said that we may do with its scopes; nothing flows before it has. */
  of(scope: Scope, offered: Scopes | undefined): Flow {
    const { version } = this.#standing;
    if (version !== this.#version || offered !== this.#offered || this.#found.size >= REMEMBERED) {
      this.#found.clear();
      this.#version = version;
      this.#offered = offered;
    }
    let flow = this.#found.get(scope);
    if (flow === undefined) this.#found.set(scope, (flow = this.#find(scope)));
    return flow;
  }

  /** Whether a change of standing has changed something that was asked before. What was asked is forgotten. */
  hasChanged(): boolean {
    if (this.#version === this.#standing.version) return false;
    const before = [...this.#found];
    this.#found.clear();
    this.#version = this.#standing.version;
    return before.some(([scope, old]) => {
      const flow = this.of(scope, this.#offered);
      return flow.in !== old.in || flow.out !== old.out;
    });
  }

  #find(scope: Scope): Flow {
    const offered = this.#offered;
    const ours = scope === ACTS_SCOPE ? NO_RIGHTS : this.#standing.rightsOf(this.#key, scope);
    // Statements about nodes are shared by all who trust each other, without being offered.
    const isTrust = scope === TRUST_SCOPE && offered !== undefined;
    const theirs = isTrust ? ALL_RIGHTS : this.#offer.rights(offered, scope);
    return { out: ours.read && theirs.write, in: ours.write && theirs.read };
  }
}
