/** JSON Web Tokens of the identity service: signature, issuer, audience and time are checked before a claim is believed. */

import { parseTenant, type TenantId } from '@logline/federation-core';
import type * as Jose from 'jose';
import { rolesIn, type Role } from './caller.js';
import type { AccessConfig } from './config-access.js';
import { SERVER_LIMITS } from './limits.js';
import { HttpProblem, messageOf } from './problem.js';

/** What a token says of its bearer. */
export interface Claims {
  readonly subject: string;
  readonly tenant: TenantId | undefined;
  readonly roles: ReadonlySet<Role>;
  readonly expiresAtMs: number;
}

/** Why a token does not count: for our own figures, never for the answer. */
export class TokenRefused extends Error {}

export interface Tokens {
  /** Throws `TokenRefused`, and the problem `keys_unavailable` where the key set cannot be had now. */
  verify(token: string): Promise<Claims>;
}

const AUDIENCE = 'logline';
const CLOCK_TOLERANCE_SECONDS = 5;
/** One family for each source of keys, so that a public key is never taken for a shared secret. */
const SECRET_ALGORITHMS = ['HS256'];
const KEY_SET_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

/** `undefined` where no source of keys is configured. */
export async function openTokens(access: AccessConfig): Promise<Tokens | undefined> {
  const { jwtSecret, jwksUrl } = access;
  if (jwtSecret === undefined && jwksUrl === undefined) return undefined;
  const jose = await import('jose');
  const keySet = jwksUrl === undefined ? undefined : openKeySet(jose, jwksUrl);
  return {
    async verify(token) {
      const options = {
        issuer: [...access.jwtIssuers],
        audience: AUDIENCE,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      };
      try {
        const { alg = '' } = jose.decodeProtectedHeader(token);
        if (jwtSecret !== undefined && SECRET_ALGORITHMS.includes(alg)) {
          const algorithms = SECRET_ALGORITHMS;
          return claimsOf((await jose.jwtVerify(token, jwtSecret, { ...options, algorithms })).payload);
        }
        if (keySet !== undefined && KEY_SET_ALGORITHMS.includes(alg)) {
          const algorithms = KEY_SET_ALGORITHMS;
          return claimsOf((await jose.jwtVerify(token, keySet, { ...options, algorithms })).payload);
        }
      } catch (error) {
        if (error instanceof HttpProblem || error instanceof TokenRefused) throw error;
        throw new TokenRefused(messageOf(error), { cause: error });
      }
      throw new TokenRefused('its algorithm is none of those configured');
    },
  };
}

/**
 * What a token says, without a look at its signature. Good only for refusing: whoever may vouch for the token has
 * said something else of its bearer. Throws `TokenRefused`.
 */
export async function readUnverified(token: string): Promise<Claims> {
  const jose = await import('jose');
  try {
    return claimsOf(jose.decodeJwt(token));
  } catch (error) {
    throw new TokenRefused(messageOf(error), { cause: error });
  }
}

function claimsOf(payload: Jose.JWTPayload): Claims {
  const { sub, exp, scope = '', tenant } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > SERVER_LIMITS.headerChars)
    throw new TokenRefused('its sub is no name of a user');
  if (typeof exp !== 'number') throw new TokenRefused('it has no exp');
  if (typeof scope !== 'string') throw new TokenRefused('its scope is not a text');
  const parsed = typeof tenant === 'string' ? parseTenant(tenant) : undefined;
  // A tenant that is none must not count as "bound to none".
  if (tenant !== undefined && tenant !== null && parsed === undefined)
    throw new TokenRefused('its tenant is no tenant name');
  const expiresAtMs = (exp + CLOCK_TOLERANCE_SECONDS) * 1000;
  return { subject: sub, tenant: parsed, roles: rolesIn(scope), expiresAtMs };
}

/** The published keys, fetched when they are needed, and at most every 30 s for a key that is not known. */
function openKeySet(jose: typeof Jose, url: string): Jose.JWTVerifyGetKey {
  const find = jose.createRemoteJWKSet(new URL(url), {
    timeoutDuration: SERVER_LIMITS.keySetMs,
    [jose.customFetch]: fetchKeySet,
  });
  const { JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JOSENotSupported } = jose.errors;
  const faultsOfToken = [JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JOSENotSupported];
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (error) {
      if (faultsOfToken.some((kind) => error instanceof kind)) throw error;
      const detail = 'the keys that tokens are checked with cannot be had now: try again in a moment';
      throw new HttpProblem('keys_unavailable', detail, { cause: error });
    }
  };
}

/** Never follows a redirect, and reads no more than a key set may have. */
async function fetchKeySet(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the key set's address answered ${response.status}`);
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > SERVER_LIMITS.keySetBytes)
      throw new Error(`the key set has more than ${SERVER_LIMITS.keySetBytes} bytes`);
    parts.push(part);
  }
  return new Response(Buffer.concat(parts));
}
