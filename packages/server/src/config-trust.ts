/** Whose tenants are shared, who rules over them, and how far the word of others goes: the settings of trust. */

import {
  keyOfFingerprint,
  LIMITS,
  parseTenant,
  type TenantId,
  type TrustSettings,
} from '@logline/federation-core';
import { expected, list, ok, onOrOff, wholeNumber, type Read } from './config-values.js';

/** A tenant to share, with the key of its primary where the operator pins one. */
interface NamedTenant {
  readonly tenant: TenantId | '*';
  readonly primary: Uint8Array | undefined;
}

export interface TrustConfig {
  readonly tenants: readonly TenantId[] | '*';
  readonly primaries: ReadonlyMap<TenantId, Uint8Array>;
  readonly trust: TrustSettings;
}

export const DEFAULT_TRUST: TrustConfig = {
  tenants: [],
  primaries: new Map(),
  trust: { depth: 1, vouchers: 2, follow: true },
};

/** How far a chain of vouching nodes may reach, and how many it may take: more says nothing about anybody. */
const DEPTH_MAX = 8;
const VOUCHERS_MAX = 100;
/** A fingerprint is 43 characters of base64url. */
const PINNED = /^(.+)@([A-Za-z0-9_-]{43})$/;

export const TRUST_VARIABLES = {
  FEDERATION_TENANTS: list(
    readTenant,
    (named) => {
      const seen = new Set<TenantId | '*'>();
      return named.find(({ tenant }) => seen.size === seen.add(tenant).size)?.tenant;
    },
    {
      // Else what is shared would not fit one message to a peer.
      most: LIMITS.sharedTenants,
      advice: 'share all with *, or grant them one by one with logline federation tenants grant',
    },
  ),
  FEDERATION_TRUST_DEPTH: wholeNumber(String(DEFAULT_TRUST.trust.depth), { least: 1, most: DEPTH_MAX }),
  FEDERATION_TRUST_VOUCHERS: wholeNumber(String(DEFAULT_TRUST.trust.vouchers), {
    least: 1,
    most: VOUCHERS_MAX,
  }),
  FEDERATION_FOLLOW_REVOCATIONS: onOrOff('on'),
};

export function trustOf(values: {
  readonly FEDERATION_TENANTS: readonly NamedTenant[];
  readonly FEDERATION_TRUST_DEPTH: number;
  readonly FEDERATION_TRUST_VOUCHERS: number;
  readonly FEDERATION_FOLLOW_REVOCATIONS: boolean;
}): TrustConfig {
  const named = values.FEDERATION_TENANTS;
  const tenants = named.flatMap(({ tenant }) => (tenant === '*' ? [] : [tenant]));
  const primaries = named.flatMap(({ tenant, primary }) =>
    tenant === '*' || primary === undefined ? [] : [[tenant, primary] as const],
  );
  return {
    tenants: named.some(({ tenant }) => tenant === '*') ? '*' : tenants,
    primaries: new Map(primaries),
    trust: {
      depth: values.FEDERATION_TRUST_DEPTH,
      vouchers: values.FEDERATION_TRUST_VOUCHERS,
      follow: values.FEDERATION_FOLLOW_REVOCATIONS,
    },
  };
}

/** `acme`, `acme@<fingerprint of its primary>`, or `*`. */
function readTenant(text: string): Read<NamedTenant> {
  const [, pinned = text, fingerprint = ''] = PINNED.exec(text) ?? [];
  const tenant = pinned === '*' ? '*' : parseTenant(pinned);
  const primary = keyOfFingerprint(fingerprint);
  if (tenant === '*' && primary !== undefined) return expected('a tenant before @, which * is none', text);
  return tenant === undefined
    ? expected(
        'tenant names of up to 128 printable characters without spaces or / * # ? % & = " \\, with @fingerprint of the primary behind it or not',
        text,
      )
    : ok({ tenant, primary });
}
