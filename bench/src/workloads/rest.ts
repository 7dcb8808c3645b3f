/** A100 and Q through the server's REST interface, as a client on the same machine sees them. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rate, type Bench } from '../bench.js';
import { nowMs } from '../driver.js';
import { makeSpans, TENANT, timestampAt } from '../spans.js';
import { quantile } from '../statistics.js';

const BATCH = 100;
const WARM_UP = 1000;
const MEASURED_MOST = 20_000;
const PAGES = 200;

export async function measureRest(bench: Bench): Promise<void> {
  const dir = join(bench.dir, 'rest');
  await mkdir(dir, { recursive: true });
  const { server, url } = await startServer(dir);
  try {
    const count = Math.min(MEASURED_MOST, bench.spans);
    await append(url, 0, WARM_UP);
    bench.samples.add('ours', 'A100_rest', rate(await append(url, WARM_UP, count)));
    bench.samples.add('ours', 'Q_rest', quantile(await pages(url, WARM_UP + count), 0.5));
  } finally {
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
    await rm(dir, { recursive: true, force: true });
  }
}

async function startServer(dir: string): Promise<{ readonly server: ChildProcess; readonly url: string }> {
  const program = join(dirname(fileURLToPath(import.meta.resolve('@logline/federation-server'))), 'main.js');
  const server = spawn(process.execPath, [program], {
    env: {
      PATH: process.env['PATH'],
      FEDERATION_DATA_DIR: dir,
      FEDERATION_BIND_HOST: '127.0.0.1',
      FEDERATION_BIND_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 2],
  });
  const { stdout } = server;
  if (stdout === null) throw new Error('a child with pipes has no pipes');
  const url = await new Promise<string>((resolve, reject) => {
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: stdout }).on('line', (text) => {
      const line = text.startsWith('{') ? (JSON.parse(text) as { event?: string; url?: string }) : {};
      if (line.event === 'node_started') resolve(String(line.url));
    });
  });
  return { server, url };
}

async function append(url: string, from: number, count: number): Promise<{ count: number; ms: number }> {
  const bodies: string[] = [];
  for (let at = 0; at < count; at += BATCH) bodies.push(JSON.stringify(makeSpans('A', from + at, BATCH)));
  const sinceMs = nowMs();
  for (const body of bodies) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/timeline/spans?tenant_id=${TENANT}`, {
      method: 'POST',
      headers,
      body,
    });
    const text = await response.text();
    if (response.status !== 201) throw new Error(`spans were not stored: ${response.status} ${text}`);
  }
  return { count: bodies.length * BATCH, ms: nowMs() - sinceMs };
}

async function pages(url: string, length: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < PAGES; i++) {
    const since = timestampAt(Math.floor((i / PAGES) * (length - 2 * BATCH)));
    const sinceMs = nowMs();
    const response = await fetch(
      `${url}/v1/timeline/spans?tenant_id=${TENANT}&since=${since}&limit=${BATCH}`,
    );
    await response.arrayBuffer();
    times.push(nowMs() - sinceMs);
    if (!response.ok) throw new Error(`a page was refused: ${response.status}`);
  }
  return times;
}
