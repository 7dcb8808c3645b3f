/** Callers who are not who they say: requests from any address of this machine, with headers and tokens of any shape. */

import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import type { Siege } from '../support/siege.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface Asked {
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  /** By name, or as names and values in turn, so that one may come twice. */
  readonly headers?: Readonly<Record<string, string>> | readonly string[];
  readonly body?: string;
  /** Which address of this machine asks: each fails by itself. */
  readonly from?: string;
}

/** Asks alice, who cannot tell these addresses of loopback from those of different machines. */
export function ask(
  siege: Siege,
  { path, method = 'GET', headers = {}, body, from }: Asked,
): Promise<Answer> {
  const { hostname, port } = new URL(siege.alice.url);
  // Given as a list, headers are sent as they are, and Node adds none.
  const own: readonly string[] = isList(headers) ? headers : Object.entries(headers).flat();
  const sent = ['Host', `${hostname}:${port}`, 'Connection', 'close', ...own];
  if (body !== undefined) sent.push('Content-Length', String(Buffer.byteLength(body)));
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        hostname,
        port,
        path,
        method,
        headers: sent,
        agent: false,
        ...(from !== undefined && { localAddress: from }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    asking.on('error', reject).end(body);
  });
}

function isList(headers: NonNullable<Asked['headers']>): headers is readonly string[] {
  return Array.isArray(headers);
}

/** An answer without what differs between any two. */
export function sameFor({ status, text }: Answer): string {
  return `${status} ${text.replaceAll(/"request_id":"[^"]*"/g, '')}`;
}

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token signed with a secret by HMAC, whatever its header says. */
export function signed(
  claims: unknown,
  secret: string | Uint8Array,
  header: unknown = { alg: 'HS256', typ: 'JWT' },
  hash = 'sha256',
): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`;
}
