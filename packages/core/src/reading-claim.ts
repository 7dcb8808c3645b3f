/** What a peer says of its own reading of tenants: by which rules, and of which entries. A word about itself, and no more. */

import { isSince } from './acquaintance.js';
import { isBytes, isCborList, type Cbor } from './cbor.js';
import { HASH_BYTES } from './entry.js';
import { parseTenant, type TenantId } from './identity.js';
import { LIMITS } from './limits.js';

/** Two nodes of which both digests are equal read every span of the tenant alike. */
export interface ReadingClaim {
  readonly tenant: TenantId;
  /** Digest of policies and priorities: 32 bytes. */
  readonly rules: Uint8Array;
  /** Digest of what is accepted of spans and annotations, 32 bytes; `undefined` while entries are on their way. */
  readonly accepted: Uint8Array | undefined;
}

export interface Readings {
  readonly kind: 'readings';
  readonly claims: readonly ReadingClaim[];
}

/** Nodes of earlier versions take the message for a fault. */
export function understandsReadings(version: string): boolean {
  return isSince(version, [0, 3, 0]);
}

export function writeReadings({ claims }: Readings): Cbor {
  return {
    t: 'readings',
    tenants: claims.map(({ tenant, rules, accepted }) => [tenant, rules, accepted ?? null]),
  };
}

/** `undefined` for whatever is no list of at most `readingClaims` of them, ascending and each tenant once. */
export function readReadings(map: { readonly [member: string]: Cbor }): Readings | undefined {
  const value = map['tenants'];
  if (Object.keys(map).length !== 2 || !isCborList(value) || value.length > LIMITS.readingClaims)
    return undefined;
  const claims: ReadingClaim[] = [];
  for (const item of value) {
    if (!isCborList(item) || item.length !== 3) return undefined;
    const [name, rules, accepted] = item;
    const tenant = typeof name === 'string' ? parseTenant(name) : undefined;
    const last = claims.at(-1);
    if (tenant === undefined || (last !== undefined && tenant <= last.tenant)) return undefined;
    if (!isBytes(rules, HASH_BYTES) || (accepted !== null && !isBytes(accepted, HASH_BYTES)))
      return undefined;
    claims.push({ tenant, rules, accepted: accepted ?? undefined });
  }
  return { kind: 'readings', claims };
}
