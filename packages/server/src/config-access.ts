/** What the operator configures about callers: tokens, keys of tokens, and how often a caller may ask. */

import { list, ok, optional, problem, expected, readWhole, type Read } from './config-values.js';
import { SERVER_LIMITS } from './limits.js';

/** Who may ask this node. Where none of the secrets is set, addresses decide instead. */
export interface AccessConfig {
  /** The operator's; `Authorization: Bearer`. */
  readonly adminToken: string | undefined;
  /** The gateway's; `X-Service-Token`. */
  readonly serviceToken: string | undefined;
  /** The key of HS256 tokens, as bytes. */
  readonly jwtSecret: Uint8Array | undefined;
  /** Where the public keys of RS256, ES256 and EdDSA tokens are. */
  readonly jwksUrl: string | undefined;
  readonly jwtIssuers: readonly string[];
  /** For each caller; unbounded where absent. */
  readonly requestsPerMinute: number | undefined;
  /** Wrong tokens of one address; not set by a variable. */
  readonly failedLoginsPerMinute: number;
}

const DEFAULT_ISSUERS = ['logline-identity', 'logline-id'];

export const DEFAULT_ACCESS: AccessConfig = {
  adminToken: undefined,
  serviceToken: undefined,
  jwtSecret: undefined,
  jwksUrl: undefined,
  jwtIssuers: DEFAULT_ISSUERS,
  requestsPerMinute: undefined,
  failedLoginsPerMinute: SERVER_LIMITS.failedLogins,
};

/** Whether any kind of caller is configured: then every request needs one. */
export function hasCallers(access: AccessConfig): boolean {
  const { adminToken, serviceToken, jwtSecret, jwksUrl } = access;
  return [adminToken, serviceToken, jwtSecret, jwksUrl].some((one) => one !== undefined);
}

const SECRET_BYTES_MIN = 32;
const TOKEN_CHARS = { least: 16, most: 512 };
const RATE = { least: 1, most: 1_000_000 };
const ISSUER_CHARS_MAX = 256;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAKE_ONE = 'make one with: openssl rand -base64 32';

const token = optional((value) =>
  /^[\x21-\x7e]+$/.test(value) && value.length >= TOKEN_CHARS.least && value.length <= TOKEN_CHARS.most
    ? ok(value)
    : problem(
        `expected ${TOKEN_CHARS.least} to ${TOKEN_CHARS.most} printable ASCII characters without spaces, got ${value.length} characters (not shown): ${MAKE_ONE}`,
      ),
);

/** Standard base64 where it is that, else the text's own bytes: as the identity service reads it. */
export function readJwtSecret(value: string): Read<Uint8Array> {
  const decoded = Buffer.from(value, 'base64');
  const isBase64 = BASE64.test(value) && decoded.toString('base64') === value;
  const bytes = isBase64 ? decoded : Buffer.from(value, 'utf8');
  if (bytes.length >= SECRET_BYTES_MIN) return ok(Uint8Array.from(bytes));
  const from = isBase64 ? 'base64 of ' : '';
  return problem(
    `expected at least ${SECRET_BYTES_MIN} bytes, got ${from}${bytes.length} (not shown): ${MAKE_ONE}, and give the identity service the same`,
  );
}

function readJwksUrl(value: string): Read<string> {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isPlain = url !== undefined && url.username === '' && url.password === '' && url.hash === '';
  if (url !== undefined && isPlain && /^https?:$/.test(url.protocol)) return ok(url.href);
  // What cannot be read may hold a password.
  return problem('expected https://host/path of a JSON Web Key Set, without user, password or #');
}

function readIssuer(value: string): Read<string> {
  return value.length <= ISSUER_CHARS_MAX
    ? ok(value)
    : expected(`issuers of at most ${ISSUER_CHARS_MAX} characters`, value);
}

/** The variables, as parts of the one schema of the configuration. */
export const ACCESS_VARIABLES = {
  FEDERATION_ADMIN_TOKEN: token,
  FEDERATION_SERVICE_TOKEN: token,
  FEDERATION_JWT_SECRET: optional(readJwtSecret),
  FEDERATION_JWKS_URL: optional(readJwksUrl),
  FEDERATION_JWT_ISSUERS: list(readIssuer, (issuers) =>
    issuers.find((issuer, i) => issuers.indexOf(issuer) !== i),
  ),
  FEDERATION_RATE_LIMIT: optional((value) => readWhole(value, RATE)),
} as const;

/** Variables whose value may come from the file that `<name>_FILE` names. */
export const SECRET_VARIABLES = [
  'FEDERATION_NETWORK_KEY',
  'FEDERATION_ADMIN_TOKEN',
  'FEDERATION_SERVICE_TOKEN',
  'FEDERATION_JWT_SECRET',
  'FEDERATION_DNS_UPDATE_KEY',
] as const;

interface AccessValues {
  readonly FEDERATION_ADMIN_TOKEN: string | undefined;
  readonly FEDERATION_SERVICE_TOKEN: string | undefined;
  readonly FEDERATION_JWT_SECRET: Uint8Array | undefined;
  readonly FEDERATION_JWKS_URL: string | undefined;
  readonly FEDERATION_JWT_ISSUERS: readonly string[];
  readonly FEDERATION_RATE_LIMIT: number | undefined;
}

export function accessOf(values: AccessValues): AccessConfig {
  const issuers = values.FEDERATION_JWT_ISSUERS;
  return {
    adminToken: values.FEDERATION_ADMIN_TOKEN,
    serviceToken: values.FEDERATION_SERVICE_TOKEN,
    jwtSecret: values.FEDERATION_JWT_SECRET,
    jwksUrl: values.FEDERATION_JWKS_URL,
    jwtIssuers: issuers.length === 0 ? DEFAULT_ISSUERS : issuers,
    requestsPerMinute: values.FEDERATION_RATE_LIMIT,
    failedLoginsPerMinute: DEFAULT_ACCESS.failedLoginsPerMinute,
  };
}

/** What is wrong with settings that are right one by one, each with the variable that has to change. */
export function conflictsIn(access: AccessConfig): readonly string[] {
  const found: string[] = [];
  if (access.adminToken !== undefined && access.adminToken === access.serviceToken) {
    found.push(
      `FEDERATION_SERVICE_TOKEN: is the same as FEDERATION_ADMIN_TOKEN, so that the gateway would be the operator: ${MAKE_ONE}`,
    );
  }
  if (access.requestsPerMinute !== undefined && !hasCallers(access)) {
    found.push(
      'FEDERATION_RATE_LIMIT: bounds callers, and none is configured: set FEDERATION_ADMIN_TOKEN, FEDERATION_SERVICE_TOKEN, FEDERATION_JWT_SECRET or FEDERATION_JWKS_URL too, or leave it out',
    );
  }
  return found;
}
