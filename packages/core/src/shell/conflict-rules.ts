/** How conflicts of a tenant are settled here: as its primary says, or else this node. */

import type { AccessRules } from '../access.js';
import { policyFor } from '../annotation.js';
import { encodeCbor } from '../cbor.js';
import type { Fingerprint, TenantId } from '../identity.js';
import type { Tools } from '../ports.js';
import type { ConflictPolicy } from '../statement.js';
import type { StandingRules } from './span-readings.js';

export interface ConflictRulesWorld {
  readonly rules: AccessRules;
  /** Grows whenever what `rules` answers may have changed. */
  readonly version: () => number;
  /** Where nobody has said anything of a tenant without a primary. */
  readonly policy: ConflictPolicy;
  /** Keys of the configured nodes that are known by now, highest first. */
  readonly primaryNodes: () => readonly Fingerprint[];
  /** The key that a rotated one goes on as. */
  readonly successorOf: (key: Fingerprint) => Fingerprint | undefined;
  readonly crypto: Tools['crypto'];
}

const REMEMBERED = 10_000;

interface Said {
  readonly version: number;
  readonly hasPrimary: boolean;
  readonly policies: ReadonlyMap<string, ConflictPolicy>;
  readonly priorities: readonly Fingerprint[];
}

export class ConflictRules {
  readonly #world: ConflictRulesWorld;
  readonly #said = new Map<TenantId, Said>();

  constructor(world: ConflictRulesWorld) {
    this.#world = world;
  }

  of(tenant: TenantId): StandingRules {
    const { policies } = this.#read(tenant);
    const otherwise = this.#otherwise(tenant);
    return {
      policyOf: (field) => policyFor(policies, field, otherwise),
      priorities: this.#priorities(tenant),
    };
  }

  /** 32 bytes that stand for all of it: equal on nodes that settle every conflict alike. */
  digest(tenant: TenantId): Uint8Array {
    const { policies } = this.#read(tenant);
    const named = [...policies]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([field, policy]) => [field, policy]);
    const { crypto } = this.#world;
    return crypto.sha256(encodeCbor([this.#otherwise(tenant), named, [...this.#priorities(tenant)]]));
  }

  /** A tenant's primary speaks for all its nodes: where it is silent, what one of them was configured with counts for nothing. */
  #otherwise(tenant: TenantId): ConflictPolicy {
    return this.#read(tenant).hasPrimary ? 'timestamp' : this.#world.policy;
  }

  #priorities(tenant: TenantId): readonly Fingerprint[] {
    const { hasPrimary, priorities } = this.#read(tenant);
    const { primaryNodes, successorOf } = this.#world;
    const said = priorities.length > 0 || hasPrimary ? priorities : primaryNodes();
    return said.flatMap((key) => {
      const successor = successorOf(key);
      return successor === undefined || successor === key ? [key] : [key, successor];
    });
  }

  #read(tenant: TenantId): Said {
    const { rules } = this.#world;
    const version = this.#world.version();
    const known = this.#said.get(tenant);
    if (known?.version === version) return known;
    // Anybody can ask for any name.
    if (this.#said.size >= REMEMBERED) this.#said.clear();
    const said = {
      version,
      hasPrimary: rules.primaryOf(tenant) !== undefined,
      policies: rules.policies(tenant),
      priorities: rules.priorities(tenant),
    };
    this.#said.set(tenant, said);
    return said;
  }
}
