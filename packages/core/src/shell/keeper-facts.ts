/** What a node remembers of trust beside the statements: whose claim came first, and where it stopped for want of a word. */

import { fromHex, fromKey, toHex, toKey } from '../bytes.js';
import { decodeCbor, encodeCbor, isCount } from '../cbor.js';
import type { FeedKey } from '../feed.js';
import { parseTenant, type TenantId } from '../identity.js';

type Facts = ReadonlyMap<string, Uint8Array>;

const CLAIM = 'primary/';
const STOP = 'stop/';

/** The first claim to be a tenant's primary, by its key. */
export function claimFact(tenant: TenantId, key: Uint8Array): [string, Uint8Array] {
  return [CLAIM + tenant, key];
}

export function claimsIn(facts: Facts): readonly (readonly [TenantId, Uint8Array])[] {
  return [...facts].flatMap(([name, key]) => {
    const tenant = name.startsWith(CLAIM) ? parseTenant(name.slice(CLAIM.length)) : undefined;
    return tenant === undefined || key.length === 0 ? [] : [[tenant, key] as const];
  });
}

/** The first seq that does not count of an ended key's access feed, for now; `undefined` once somebody has said where it ends. */
export function stopFact(key: FeedKey, from: number | undefined): [string, Uint8Array] {
  return [STOP + toHex(fromKey(key)), encodeCbor(from ?? null)];
}

export function stopsIn(facts: Facts): readonly (readonly [FeedKey, number])[] {
  return [...facts].flatMap(([name, value]) => {
    const key = name.startsWith(STOP) ? fromHex(name.slice(STOP.length)) : undefined;
    const from = decodeCbor(value);
    return key === undefined || !isCount(from)
      ? []
      : [[toKey(key) as FeedKey, from] satisfies [FeedKey, number]];
  });
}
