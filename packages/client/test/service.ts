/** A real federation service on a free port, and a client that talks to it. */

import type { ExecutionContext } from 'ava';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer, type ServerOptions } from '@logline/federation-server';
import { LoglineFederationClient } from '../dist/index.js';

export interface TestService {
  readonly server: RunningServer;
  readonly client: LoglineFederationClient;
  readonly dataDir: string;
}

/** Starts a service that stops with the test. A data directory is made for it, unless one is given. */
export async function startService(
  t: ExecutionContext,
  options: Partial<ServerOptions> = {},
): Promise<TestService> {
  const dataDir = options.dataDir ?? (await temporaryDirectory(t));
  const server = await startServer({
    bindHost: '127.0.0.1',
    bindPort: 0,
    logLevel: 'silent',
    // With a secret that all share, a first contact needs nobody's confirmation.
    networkKey: 'a network of tests',
    ...options,
    dataDir,
  });
  t.teardown(() => server.close());
  const client = new LoglineFederationClient({
    baseUrl: server.url,
    tenant: 'acme',
    retry: { firstDelayMs: 5, mostDelayMs: 50 },
  });
  return { server, client, dataDir };
}

export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'logline-client-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The span number `n` of a story, with the same id and content each time it is told. */
export function spanOf(n: number): {
  readonly id: string;
  readonly timestamp: string;
  readonly logline_id: string;
  readonly title: string;
} {
  return {
    id: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
    timestamp: new Date(Date.UTC(2025, 0, 1) + n * 1000).toISOString(),
    logline_id: 'logline-id://app/shop',
    title: `order ${n}`,
  };
}
