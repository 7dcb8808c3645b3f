// Callers of every kind, for servers that know them.
import { createHmac, sign, type KeyObject } from 'node:crypto';
import { DEFAULT_ACCESS, type AccessConfig } from '../dist/index.js';

export const ADMIN_TOKEN = 'operator-token-of-the-tests';
export const SERVICE_TOKEN = 'gateway-token-of-the-tests';
export const JWT_SECRET = Buffer.from('a secret of the tests, 32 bytes!');

export const ACCESS: AccessConfig = {
  ...DEFAULT_ACCESS,
  adminToken: ADMIN_TOKEN,
  serviceToken: SERVICE_TOKEN,
  jwtSecret: JWT_SECRET,
  // These tests are wrong more often in a minute than anybody else.
  failedLoginsPerMinute: 100_000,
};

export type Claims = Readonly<Record<string, unknown>>;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Seconds since 1970, so many from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** What the identity service writes into a token, with whatever differs. An `undefined` claim is left out. */
export function claims(differing: Claims = {}): Claims {
  return {
    sub: 'alice',
    iss: 'logline-identity',
    aud: 'logline',
    iat: inSeconds(0),
    exp: inSeconds(300),
    scope: 'federation:read federation:write',
    ...differing,
  };
}

/** A token by hand, so that it can be wrong in every way. */
export function tokenOf(
  payload: unknown,
  header: Claims = { alg: 'HS256', typ: 'JWT' },
  signature: (input: string) => Buffer = (input) => createHmac('sha256', JWT_SECRET).update(input).digest(),
): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${signature(input).toString('base64url')}`;
}

/** How RS256, ES256 and EdDSA sign. */
export function signedWith(key: KeyObject, alg: 'RS256' | 'ES256' | 'EdDSA') {
  return (input: string): Buffer =>
    alg === 'EdDSA'
      ? sign(null, Buffer.from(input), key)
      : sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** The headers of a user with a token of the identity service. */
export function user(differing: Claims = {}): Record<string, string> {
  return bearer(tokenOf(claims(differing)));
}

export const operator = bearer(ADMIN_TOKEN);

/** The headers of the gateway for a user; `roles` are scope words. */
export function gateway(
  tenant: string | undefined,
  roles: string,
  headers: Record<string, string> = {},
): Record<string, string> {
  return {
    'x-service-token': SERVICE_TOKEN,
    'x-user-id': 'alice',
    'x-user-roles': roles,
    ...(tenant !== undefined && { 'x-tenant-id': tenant }),
    ...headers,
  };
}
