/** A real HTTP server that answers as a test tells it to, and remembers what it was asked. */

import type { ExecutionContext } from 'ava';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  /** 1 for the first request. */
  count: number,
) => void | Promise<void>;

export interface TestServer {
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
  /** When each request came, in ms of the monotonic clock. */
  readonly atMs: readonly number[];
}

/** Starts a server that stops with the test. */
export async function serve(t: ExecutionContext, handler: Handler): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const atMs: number[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    atMs.push(performance.now());
    void Promise.resolve(handler(request, response, requests.length)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, atMs };
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A port of this machine where nothing listens any more. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export const HEALTH = {
  status: 'healthy',
  node_id: 'logline-id://node/alice',
  peers_connected: 0,
  last_sync: null,
};

export const NOTHING_APPENDED = {
  accepted: 0,
  duplicates: 0,
  conflicts: [],
  conflicts_total: 0,
  rejected: [],
  rejected_total: 0,
  cursor: null,
};
