/** What tests ask of a server over REST: trust, spans in, all spans out, and its figures. */

import { eventually } from '@logline/federation-core/testing';

export const TENANT = 'acme';
/** Nobody listens there: for a peer that is trusted by its key and that dials us itself. */
export const NOWHERE = 'ws://127.0.0.1:9/v1/federation';

/** As much of a server as its callers need. */
export interface Reachable {
  readonly url: string;
  readonly fingerprint: string;
  /** By which it knows its operator, where it knows callers. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestSpan {
  readonly id: string;
  readonly logline_id: string;
  readonly title: string;
}

export interface Appended {
  readonly accepted: number;
  readonly duplicates: number;
  readonly conflicts_total: number;
  readonly rejected_total: number;
}

/** Makes two servers trust each other. Only the first dials, so the second need not know where the first will be after a restart. */
export async function establishTrust(dialling: Reachable, taking: Reachable): Promise<void> {
  await Promise.all([
    trust(taking, { address: NOWHERE, fingerprint: dialling.fingerprint }),
    trust(dialling, { address: taking.url, fingerprint: taking.fingerprint }),
  ]);
  await eventually('the two servers verify each other', async () => {
    const { relationships } = (await read(dialling, '/v1/trust/relationships')) as {
      readonly relationships: readonly { readonly fingerprint: string; readonly trust_level: string }[];
    };
    const peer = relationships.find(({ fingerprint }) => fingerprint === taking.fingerprint);
    return peer?.trust_level === 'verified';
  });
}

/** Makes one server trust a key, found at an address. */
export async function trust(
  server: Reachable,
  peer: { readonly address: string; readonly fingerprint: string },
): Promise<void> {
  const response = await fetch(`${server.url}/v1/trust/establish`, {
    method: 'POST',
    headers: { ...server.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ peer_address: peer.address, fingerprint: peer.fingerprint }),
  });
  if (!response.ok) throw new Error(`trust was refused: ${response.status} ${await response.text()}`);
}

/** Sends spans as JSON: a lone one as itself, several as an array. Rejects unless every one is acknowledged. */
export async function append(server: Reachable, spans: readonly TestSpan[]): Promise<Appended> {
  const [only, ...more] = spans;
  const body = JSON.stringify(more.length === 0 ? only : spans);
  return post(server, { type: 'application/json', body });
}

/** Sends spans a line each, as slowly as `lines` yields them. */
export async function appendLines(server: Reachable, lines: AsyncIterable<Uint8Array>): Promise<Appended> {
  return post(server, { type: 'application/x-ndjson', body: lines });
}

async function post(
  server: Reachable,
  content: { readonly type: string; readonly body: string | AsyncIterable<Uint8Array> },
): Promise<Appended> {
  const response = await fetch(`${server.url}/v1/timeline/spans?tenant_id=${TENANT}`, {
    method: 'POST',
    headers: { ...server.headers, 'content-type': content.type },
    body: content.body,
    duplex: 'half',
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`spans were not stored: ${response.status} ${text}`);
  return JSON.parse(text) as Appended;
}

/** Every span of the tenant, in reading order. */
export async function readAll(server: Reachable): Promise<readonly TestSpan[]> {
  const spans: TestSpan[] = [];
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await read(server, `/v1/timeline/spans?tenant_id=${TENANT}&limit=1000${after}`)) as {
      readonly spans: readonly TestSpan[];
      readonly next_cursor: string | null;
    };
    spans.push(...page.spans);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return spans;
}

/** How many spans of the tenant a server holds: cheap, for waiting. */
export async function countSpans(server: Reachable): Promise<number> {
  const status = (await read(server, '/v1/sync/status')) as {
    readonly spans?: Readonly<Record<string, number>>;
  };
  return status.spans?.[TENANT] ?? 0;
}

/** Whether a server has a span, durable and readable. */
export async function has(server: Reachable, id: string): Promise<boolean> {
  const { url, headers = {} } = server;
  const response = await fetch(`${url}/v1/timeline/spans/${id}?tenant_id=${TENANT}`, { headers });
  await response.arrayBuffer();
  return response.ok;
}

/** The value of a figure at `/metrics`, summed over its labels. */
export async function figure(server: Reachable, name: string): Promise<number> {
  const response = await fetch(`${server.url}/metrics`, { headers: { ...server.headers } });
  const lines = (await response.text()).split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function read(server: Reachable, path: string): Promise<unknown> {
  const response = await fetch(server.url + path, { headers: { ...server.headers } });
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
