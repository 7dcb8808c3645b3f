/** From options and environment to a client of the node that is meant. */

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { UsageError } from './exit-code.js';
import type { Io } from './output.js';

export const DEFAULT_URL = 'http://localhost:8080';

const FOR_GROUP_OR_WORLD = 0o077;
const TOKEN_FILE_BYTES_MOST = 64 * 1024;

/** Where to ask, and as whom. */
export interface Target {
  readonly baseUrl: string;
  readonly token: string | undefined;
}

/** Throws a `UsageError` for an address that is none, and for a token file that cannot be read. */
export function targetOf(url: string | undefined, env: Io['env'], warn: (text: string) => void): Target {
  const fromEnv = env['LOGLINE_FEDERATION_URL']?.trim();
  const baseUrl = url ?? (fromEnv === undefined || fromEnv === '' ? DEFAULT_URL : fromEnv);
  const where = url === undefined ? 'LOGLINE_FEDERATION_URL' : '--url';
  const parsed = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (parsed !== undefined && parsed.username + parsed.password !== '')
    throw new UsageError(
      `${where}: expected an address without user and password (not shown): a token goes into LOGLINE_FEDERATION_TOKEN`,
    );
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(
      `${where}: expected an address such as ${DEFAULT_URL}, got ${JSON.stringify(baseUrl.replace(/[^/]*@/, '…@'))}`,
    );
  }
  return { baseUrl, token: tokenFrom(env, warn) };
}

/** The token itself never is an option: other users of the machine could read it from the list of processes. */
function tokenFrom(env: Io['env'], warn: (text: string) => void): string | undefined {
  const token = env['LOGLINE_FEDERATION_TOKEN']?.trim() ?? '';
  const path = env['LOGLINE_FEDERATION_TOKEN_FILE']?.trim() ?? '';
  if (token !== '' && path !== '') {
    throw new UsageError(
      'LOGLINE_FEDERATION_TOKEN and LOGLINE_FEDERATION_TOKEN_FILE are both set: unset one',
    );
  }
  if (path === '') return token === '' ? undefined : checked(token, 'LOGLINE_FEDERATION_TOKEN');
  return checked(readToken(path, warn), 'LOGLINE_FEDERATION_TOKEN_FILE');
}

/** Whoever can read the file can do what its owner may. Some systems mount secrets so, hence no refusal. */
function readToken(path: string, warn: (text: string) => void): string {
  try {
    const file = openSync(path, 'r');
    try {
      const found = fstatSync(file);
      if (found.isFile() && (found.mode & FOR_GROUP_OR_WORLD) !== 0)
        warn(`warning: other users can reach the token in ${path}; run: chmod 600 '${path}'`);
      if (found.size > TOKEN_FILE_BYTES_MOST)
        throw new Error(`it has ${found.size} bytes, which is no token`);
      return readFileSync(file, 'utf8').trim();
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `LOGLINE_FEDERATION_TOKEN_FILE: the file cannot be read: ${reason}; check the path and its permissions`,
    );
  }
}

/** What a header can carry. A token that is refused here is not shown. */
function checked(token: string, variable: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new UsageError(
    `${variable}: expected one token of printable ASCII characters without spaces, got ${token.length} characters (not shown)`,
  );
}
