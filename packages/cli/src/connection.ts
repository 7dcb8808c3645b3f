/** From options and environment to a client of the node that is meant. */

import { readFileSync } from 'node:fs';
import { LoglineFederationClient } from 'logline-federation-client';
import { UsageError } from './exit-code.js';
import type { Io } from './output.js';

export const DEFAULT_URL = 'http://localhost:8080';

/** Throws a `UsageError` for an address that is none, and for a token file that cannot be read. */
export function connect(url: string | undefined, env: Io['env']): LoglineFederationClient {
  const fromEnv = env['LOGLINE_FEDERATION_URL']?.trim();
  const baseUrl = url ?? (fromEnv === undefined || fromEnv === '' ? DEFAULT_URL : fromEnv);
  try {
    return new LoglineFederationClient({ baseUrl, token: tokenFrom(env) });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const where = url === undefined ? 'LOGLINE_FEDERATION_URL' : '--url';
    throw new UsageError(
      `${where}: expected an address such as ${DEFAULT_URL}, got ${JSON.stringify(baseUrl)}`,
    );
  }
}

/** The token itself never is an option: other users of the machine could read it from the list of processes. */
function tokenFrom(env: Io['env']): string | undefined {
  const token = env['LOGLINE_FEDERATION_TOKEN']?.trim() ?? '';
  const path = env['LOGLINE_FEDERATION_TOKEN_FILE']?.trim() ?? '';
  if (token !== '' && path !== '') {
    throw new UsageError(
      'LOGLINE_FEDERATION_TOKEN and LOGLINE_FEDERATION_TOKEN_FILE are both set: unset one',
    );
  }
  if (path === '') return token === '' ? undefined : token;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`LOGLINE_FEDERATION_TOKEN_FILE: the file cannot be read: ${reason}`);
  }
}
