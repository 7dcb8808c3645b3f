/** From what a request shows to who asks: the gateway, the operator, or the bearer of a token. */

import { parseTenant, type TenantId } from '@logline/federation-core';
import { ROLES, rolesIn, type Caller } from './caller.js';
import type { AccessConfig } from './config-access.js';
import { HttpProblem } from './problem.js';
import { isSameSecret } from './secret.js';
import { readUnverified, TokenRefused, type Claims, type Tokens } from './tokens.js';

/** The headers that say who asks, each sent once. */
export interface Shown {
  readonly authorization: string | undefined;
  readonly serviceToken: string | undefined;
  readonly tenant: string | undefined;
  readonly userId: string | undefined;
  readonly userRoles: string | undefined;
}

const GATEWAY = 'gateway';
const OPERATOR = 'operator';
const BEARER = /^bearer +([\x21-\x7e]+)$/i;

/** One answer for every reason, so that nobody can feel their way to a token. */
export function unauthorized(): HttpProblem {
  return new HttpProblem(
    'unauthorized',
    'this needs a caller that the node knows: send Authorization: Bearer and a token that is valid now, from the identity service or the operator',
    { headers: { 'WWW-Authenticate': 'Bearer realm="logline-federation"' } },
  );
}

/**
 * Who asks. Everything that is shown has to be right: a good token does not excuse a wrong one beside it.
 * Throws `TokenRefused` for whom we do not know.
 */
export async function identify(
  shown: Shown,
  access: AccessConfig,
  tokens: Tokens | undefined,
): Promise<Caller> {
  // Where no gateway is configured, its token is a header of somebody else's business.
  if (access.serviceToken !== undefined && shown.serviceToken !== undefined) {
    if (!isSameSecret(shown.serviceToken, access.serviceToken))
      throw new TokenRefused('the service token is wrong');
    return gatewayCaller(shown, tokens);
  }
  const token = bearerToken(shown.authorization);
  if (access.adminToken !== undefined && isSameSecret(token, access.adminToken)) {
    return {
      kind: 'operator',
      name: OPERATOR,
      roles: new Set(ROLES),
      tenant: undefined,
      expiresAtMs: undefined,
    };
  }
  if (tokens === undefined) throw new TokenRefused('the token is none that is configured');
  return callerOfClaims('bearer', await tokens.verify(token));
}

/**
 * The user for whom the gateway asks. It passes on its clients' own headers, so where it forwards a token the
 * headers beside have to agree with it: a client whose token names no tenant could have named one in a header.
 */
async function gatewayCaller(shown: Shown, tokens: Tokens | undefined): Promise<Caller> {
  const tenant = shown.tenant === undefined ? undefined : tenantOfHeader(shown.tenant);
  const roles = rolesIn(shown.userRoles ?? '');
  if (shown.authorization === undefined) {
    return { kind: 'gateway', name: shown.userId ?? GATEWAY, roles, tenant, expiresAtMs: undefined };
  }
  const token = bearerToken(shown.authorization);
  const claims = tokens === undefined ? await readUnverified(token) : await tokens.verify(token);
  if (shown.userId !== undefined && shown.userId !== claims.subject)
    throw new TokenRefused('X-User-ID and the forwarded token name two users');
  if (tokens === undefined) {
    // The gateway has verified the token, we cannot: it may only narrow what the gateway says.
    if (tenant !== claims.tenant || shown.userId === undefined)
      throw new TokenRefused('the headers of the gateway and the forwarded token differ');
    const both = new Set([...roles].filter((role) => claims.roles.has(role)));
    return { ...callerOfClaims('gateway', claims), roles: both };
  }
  if (claims.tenant !== undefined && tenant !== undefined && tenant !== claims.tenant)
    throw new TokenRefused('X-Tenant-ID and the forwarded token name two tenants');
  return callerOfClaims('gateway', claims);
}

function callerOfClaims(kind: 'gateway' | 'bearer', claims: Claims): Caller {
  const { subject, roles, tenant, expiresAtMs } = claims;
  return { kind, name: subject, roles, tenant, expiresAtMs };
}

function bearerToken(authorization: string | undefined): string {
  const [, token] = BEARER.exec(authorization ?? '') ?? [];
  if (token === undefined) throw new TokenRefused('no bearer token is shown');
  return token;
}

function tenantOfHeader(text: string): TenantId {
  const tenant = parseTenant(text);
  if (tenant === undefined) throw new HttpProblem('bad_request', 'X-Tenant-ID: this is no tenant name');
  return tenant;
}
