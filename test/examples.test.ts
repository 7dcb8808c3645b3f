// The examples run as they are written, since a reader will try them.
import test, { type ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '@logline/federation-server';

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function example(name: string, ...args: string[]): Promise<Outcome> {
  const path = fileURLToPath(new URL(`../../examples/dist/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text.out += String(chunk)));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (text.err += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...text };
}

async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'logline-examples-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('a service that holds a node itself appends, reads and follows', async (t) => {
  const { code, out, err } = await example('embedded', await temporaryDirectory(t));
  t.is(code, 0, err);
  t.is(err, '');
  t.regex(out, /^appended: accepted, accepted, accepted$/m);
  t.is(out.match(/^read: \{.*"title":"(ordered|paid|shipped)"/gm)?.length, 3);
  t.is(out.match(/^followed: [0-9a-f-]{36}$/gm)?.length, 3);
});

test('a service with a document of its own settles what two people changed apart', async (t) => {
  const { code, out, err } = await example('own-document');
  t.is(code, 0, err);
  t.regex(out, /^to decide: (closed or waiting|waiting or closed)$/m);
  t.regex(out, /^decided: waiting, open: false$/m);
  t.regex(out, /^labels: urgent$/m);
  t.is(out.match(/^note: /gm)?.length, 2);
});

test('two processes that disagree read the same under each policy', async (t) => {
  const { code, out, err } = await example('disagree');
  t.is(code, 0, err);
  t.deepEqual(out.trim().split('\n'), [
    'timestamp: both read reverted',
    'priority of alice: both read executed',
    'manual: both read reverted, to be decided',
    'decided at alice: both read executed',
  ]);
});

test('a service that talks to a node appends once, and follows until it sees its span', async (t) => {
  const server = await startServer({
    dataDir: await temporaryDirectory(t),
    bindHost: '127.0.0.1',
    bindPort: 0,
    logLevel: 'silent',
  });
  t.teardown(() => server.close());
  const { code, out, err } = await example('client', server.url);
  t.is(code, 0, err);
  t.regex(out, /^appended: 1 new, then 1 already there$/m);
  t.regex(out, /^written by the shop in the last hour: order paid$/m);
  t.regex(out, /^followed: order paid at \S+$/m);
});

test('a service whose node is not running says so', async (t) => {
  const server = await startServer({
    dataDir: await temporaryDirectory(t),
    bindHost: '127.0.0.1',
    bindPort: 0,
    logLevel: 'silent',
  });
  await server.close();
  const { code, err } = await example('client', server.url);
  t.is(code, 1);
  t.true(err.startsWith(`unreachable: no answer from ${server.url}`), err);
});
