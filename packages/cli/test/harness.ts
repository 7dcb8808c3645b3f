/** Running the command line in this process or as the real program, and nodes for it to talk to. */

import type { ExecutionContext } from 'ava';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { startServer, type RunningServer, type ServerOptions } from '@logline/federation-server';
import { run, type Stream } from '../dist/index.js';

export const BIN = fileURLToPath(new URL('../bin/logline.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly isTTY?: boolean;
  readonly signal?: AbortSignal;
  /** Called with all of stdout at each write. */
  readonly onOut?: (text: string) => void;
}

/** `logline federation …` in this process. */
export async function logline(
  server: { readonly url: string },
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const out = capture(options.isTTY === true, options.onOut);
  const err = capture(options.isTTY === true);
  const code = await run(['federation', ...argv], {
    stdin: Object.assign(each(options.stdin ?? []), { isTTY: options.isTTY === true }),
    stdout: out.stream,
    stderr: err.stream,
    env: { LOGLINE_FEDERATION_URL: server.url, ...options.env },
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, out: out.text(), err: err.text() };
}

/** `logline …` as a process of its own, with its stdin left open. */
export function startBin(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [BIN, ...argv], { env: { PATH: process.env['PATH'], ...env } });
}

export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text.out += String(chunk)));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (text.err += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}

/** What ends with something: a test, or a whole file of them. */
export type Lifetime = Pick<ExecutionContext, 'teardown'>;

export async function startNode(
  t: Lifetime,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer & { readonly dataDir: string }> {
  const dataDir = await temporaryDirectory(t);
  // With a secret that all share, a first contact needs nobody's confirmation.
  const shared = { networkKey: 'a network of tests' };
  const quiet = { bindHost: '127.0.0.1', bindPort: 0, logLevel: 'silent', ...shared } as const;
  const server = await startServer({ ...quiet, ...options, dataDir });
  t.teardown(() => server.close());
  return Object.assign(server, { dataDir });
}

/** A server that answers as a test says, for what a real node does not do on demand. */
export async function fakeNode(
  t: ExecutionContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export async function deadUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export async function temporaryDirectory(t: Lifetime): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'logline-cli-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Line number `n` of a story, the same each time it is told. */
export function lineOf(n: number, members: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    id: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    timestamp: new Date(Date.UTC(2025, 0, 1) + n * 1000).toISOString(),
    logline_id: 'logline-id://app/shop',
    title: `order ${n}`,
    ...members,
  });
}

export function story(count: number): string[] {
  return Array.from({ length: count }, (_, n) => lineOf(n));
}

function capture(
  isTTY: boolean,
  onText?: (text: string) => void,
): { readonly stream: Stream; readonly text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      onText?.(text);
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 200 }), text: () => text };
}

async function* each<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
