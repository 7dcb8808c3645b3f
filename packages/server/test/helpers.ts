// Servers on free ports over temporary directories, and requests to them.
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FederationNode } from '@logline/federation-core';
import type { ExecutionContext } from 'ava';
import { startServer, type RunningServer, type ServerOptions } from '../dist/index.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Body = { readonly [member: string]: Json };

export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'logline-server-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A quiet server on loopback that is closed with the test. */
export async function serve(
  t: ExecutionContext,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> {
  const dataDir = options.dataDir ?? (await temporaryDirectory(t));
  const server = await startServer({
    bindHost: '127.0.0.1',
    bindPort: 0,
    logLevel: 'silent',
    ...options,
    dataDir,
  });
  t.teardown(() => server.close());
  return server;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return read(await fetch(url, { headers }));
}

/** Posts an object as JSON, or text and bytes as they are. */
export function post(
  url: string,
  body: Body | string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send('POST', url, body, { 'content-type': 'application/json', ...headers });
}

/** Sends a JSON merge patch. */
export function patch(
  url: string,
  body: Body | string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send('PATCH', url, body, { 'content-type': 'application/merge-patch+json', ...headers });
}

async function send(
  method: string,
  url: string,
  body: Body | string | Uint8Array,
  headers: Record<string, string>,
): Promise<Answer> {
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return read(await fetch(url, { method, body: content, headers }));
}

export function postLines(
  url: string,
  lines: readonly string[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  return post(url, lines.join('\n'), { 'content-type': 'application/x-ndjson', ...headers });
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const body = (type.includes('json') && text !== '' ? JSON.parse(text) : {}) as Body;
  return { status: response.status, headers: response.headers, text, body };
}

/**
 * Sends bytes as they are on a connection of their own, and resolves to all that comes back. A server that has answered
 * need not read the rest: a write that fails after that is no fault.
 */
export function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (text) => (answer += String(text)));
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answer));
    socket.on('error', (error) => {
      if (answer === '') reject(error);
    });
  });
}

/** Resolves when the connection is over. A write that comes too late is no fault; to `once` it would be. */
export function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.on('close', () => resolve()));
}

/** A member that is a text; anything else is none. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Spans of all tenants. */
export function spanCount(node: FederationNode): number {
  return [...node.status().spans.values()].reduce((sum, count) => sum + count, 0);
}

/** A UUID that follows from a number. */
export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** A span with everything in it that is required, in a timeline of its own order. */
export function spanOf(n: number, members: Record<string, Json> = {}): { readonly [member: string]: Json } {
  return {
    id: uuid(n),
    timestamp: new Date(Date.UTC(2025, 0, 1) + n * 1000).toISOString(),
    logline_id: 'logline-id://person/alice',
    title: `span ${n}`,
    ...members,
  };
}

export function lineOf(n: number, members: Record<string, Json> = {}): string {
  return JSON.stringify(spanOf(n, members));
}
