// The process: what it says at its start, and how it ends.
import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { get as httpGet, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import { ADMIN_TOKEN, gateway, JWT_SECRET, operator, SERVICE_TOKEN, user } from './callers.js';
import { get, lineOf, post, postLines, spanOf, temporaryDirectory, textOf, uuid } from './helpers.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const ACME = '/v1/timeline/spans?tenant_id=acme';

class Process {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(t: ExecutionContext, env: Record<string, string>, fileBlocksMost?: number) {
    // A shell that bounds the size of files before it becomes the node: the disk is full for it from there on.
    const limited = ['-c', `ulimit -f ${fileBlocksMost}; exec "$0" "$@"`, process.execPath, MAIN];
    this.child =
      fileBlocksMost === undefined
        ? spawn(process.execPath, [MAIN], { env })
        : spawn('/bin/sh', limited, { env });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = once(this.child, 'close').then(([code]) => code as number | null);
    t.teardown(() => this.child.kill('SIGKILL'));
  }

  events(name: string): readonly Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((event) => event['event'] === name);
  }

  async url(): Promise<string> {
    const started = await eventually('the node has started', () => this.events('node_started')[0], {
      timeoutMs: 30_000,
    });
    return String(started['url']);
  }
}

async function start(
  t: ExecutionContext,
  env: Record<string, string> = {},
  fileBlocksMost?: number,
): Promise<Process> {
  const defaults = {
    FEDERATION_DATA_DIR: await temporaryDirectory(t),
    FEDERATION_BIND_HOST: '127.0.0.1',
    FEDERATION_BIND_PORT: '0',
  };
  return new Process(t, { ...defaults, ...env }, fileBlocksMost);
}

test('bad settings stop the start with one message that lists them all, and exit code 2', async (t) => {
  const node = await start(t, {
    FEDERATION_BIND_PORT: 'x',
    FEDERATION_NODE_NAME: '-',
    FEDERATION_NETWORK_KEY: 'hunter2',
  });
  t.is(await node.exited, 2);
  t.is(node.stdout, '');
  const lines = node.stderr.trim().split('\n');
  t.is(lines.length, 3);
  t.true(node.stderr.includes('FEDERATION_BIND_PORT: ') && node.stderr.includes('FEDERATION_NODE_NAME: '));
  t.false(node.stderr.includes('hunter2') || node.stderr.includes('    at '));
});

test('the log is lines of JSON in the shape of the specification, without banner or secret', async (t) => {
  const node = await start(t, { FEDERATION_NODE_NAME: 'alice', FEDERATION_NETWORK_KEY: 'hunter2' });
  const url = await node.url();
  const [started] = node.events('node_started');
  t.like(started, { level: 'INFO', node_id: 'logline-id://node/alice' });
  t.regex(String(started?.['timestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.regex(String(started?.['fingerprint']), /^[\w-]{43}$/);
  t.is((await get(`${url}/health`)).status, 200);
  node.child.kill('SIGTERM');
  t.is(await node.exited, 0);
  for (const line of node.stdout.trim().split('\n')) t.notThrows(() => JSON.parse(line) as unknown, line);
  t.false(node.stdout.includes('hunter2'));
  t.is(node.stderr, '');
});

test('no secret comes out, neither in the log at its loudest nor in an answer, and the log tells who may ask', async (t) => {
  const secrets = {
    FEDERATION_NETWORK_KEY: 'secret-of-the-network',
    FEDERATION_ADMIN_TOKEN: ADMIN_TOKEN,
    FEDERATION_SERVICE_TOKEN: SERVICE_TOKEN,
    FEDERATION_JWT_SECRET: JWT_SECRET.toString('base64'),
  };
  const node = await start(t, { ...secrets, LOG_LEVEL: 'trace', npm_lifecycle_event: 'start' });
  const url = await node.url();
  const token = user({ tenant: 'acme' });
  const wrong = user({ tenant: 'acme', iss: 'evil' });
  let answers = '';
  for (const headers of [
    operator,
    token,
    wrong,
    gateway('acme', 'federation:admin'),
    { 'x-service-token': 'x' },
  ])
    for (const path of [ACME, '/v1/nodes', '/v1/nope', '/metrics', '/openapi.json']) {
      const { text, headers: given } = await get(url + path, headers);
      answers += text + JSON.stringify([...given]);
    }
  answers += (await post(`${url}/v1/trust/establish`, { peer_address: 'http://a:b@c' }, operator)).text;
  answers += (await post(url + ACME, spanOf(1), token)).text;
  node.child.kill('SIGTERM');
  await node.exited;
  t.like(node.events('callers_configured')[0], { kinds: ['operator', 'gateway', 'hs256'] });
  t.is(node.events('admin_act').length, 1);
  t.true(node.events('caller_refused').length > 0);
  const out = node.stdout + node.stderr + answers;
  const signatures = [token, wrong].map((one) => one['authorization']?.split('.').at(-1) ?? '');
  for (const secret of [...Object.values(secrets), JWT_SECRET.toString(), ...signatures])
    t.false(out.includes(secret), secret);
});

test('without callers the log says in one line who may ask, and what to set', async (t) => {
  const node = await start(t);
  await node.url();
  const [told, ...more] = await eventually('it is told', () => {
    const found = node.events('no_callers_configured');
    return found.length > 0 && found;
  });
  t.deepEqual(more, []);
  t.like(told, { level: 'WARN' });
  t.regex(String(told?.['detail']), /set FEDERATION_ADMIN_TOKEN/);
});

test('a person who starts it is told where it listens, who it is, and three lines to try that work', async (t) => {
  const node = await start(t, { npm_lifecycle_event: 'start' });
  const url = await node.url();
  const [started] = node.events('node_started');
  await eventually('the banner is there', () => node.stdout.includes('Try:'));
  for (const said of [url, String(started?.['node_id']), String(started?.['fingerprint'])])
    t.true(
      node.stdout.split('\n').some((line) => !line.startsWith('{') && line.includes(said)),
      said,
    );
  const lines = node.stdout.split('\n').filter((line) => line.trim().startsWith('curl '));
  t.is(lines.length, 3);
  t.true(lines.every((line) => line.includes(url)));
  const [, body = '', target = ''] = /-d '(.*)' '(.*)'/.exec(lines[1] ?? '') ?? [];
  t.is((await post(target, body)).status, 201);
  const [, page = ''] = /curl '(.*)'/.exec(lines[2] ?? '') ?? [];
  t.true((await get(page)).text.includes('hello'));
});

test('a port that is taken is one clear line and exit code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const node = await start(t, { FEDERATION_BIND_PORT: String(port), LOG_FORMAT: 'pretty' });
  t.is(await node.exited, 1);
  t.regex(node.stdout, /^\d\d:\d\d:\d\d\.\d{3} FATAL start_failed /m);
  t.is(node.stderr.trim().split('\n').length, 1);
  t.true(node.stderr.includes('FEDERATION_BIND_PORT'), node.stderr);
});

test('a data directory that another process uses is one clear line and exit code 1', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await start(t, { FEDERATION_DATA_DIR: dataDir });
  await first.url();
  const second = await start(t, { FEDERATION_DATA_DIR: dataDir });
  t.is(await second.exited, 1);
  t.is(second.stderr.trim().split('\n').length, 1);
  t.true(second.stderr.includes(String(first.child.pid)), second.stderr);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends streams, answers uploads under way with what is stored, and exits with 0`, async (t) => {
    const node = await start(t);
    const url = await node.url();
    const { port } = new URL(url);
    const ended = new Promise<void>((resolve, reject) => {
      httpGet(`${url}/v1/timeline/stream?tenant_id=acme`, (response) =>
        response.resume().on('end', resolve).on('error', reject),
      ).on('error', reject);
    });
    const upload = request({
      port,
      host: '127.0.0.1',
      path: ACME,
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const answered = new Promise<string>((resolve, reject) => {
      upload.on('error', reject).on('response', (response) => {
        let text = `${response.statusCode} `;
        response
          .setEncoding('utf8')
          .on('data', (part: string) => (text += part))
          .on('end', () => resolve(text));
      });
    });
    upload.write(`${lineOf(1)}\n${lineOf(2)}\n{"id":"half`);
    await eventually(
      'both lines are stored',
      async () => (await get(`${url}/v1/sync/status`)).body['spans_total'] === 2,
    );
    node.child.kill(signal);
    const answer = await answered;
    t.regex(answer, /^503 /);
    t.true(answer.includes('"accepted":2') && answer.includes('"error":"closed"'), answer);
    await ended;
    t.is(await node.exited, 0);
    t.is(node.events('stopped').length, 1);
    t.deepEqual(node.events('requests_cut'), []);
  });
}

test('what was acknowledged before the end is there after it', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const before = await start(t, { FEDERATION_DATA_DIR: dataDir });
  await postLines((await before.url()) + ACME, [lineOf(1), lineOf(2)]);
  before.child.kill('SIGTERM');
  await before.exited;
  const after = await start(t, { FEDERATION_DATA_DIR: dataDir });
  t.is((await post((await after.url()) + ACME, spanOf(2))).body['duplicates'], 1);
});

test('a disk that takes no more is told as 507, then the node only reads, and says so', async (t) => {
  const node = await start(t, {}, 2_000);
  const url = await node.url();
  t.is((await post(url + ACME, spanOf(1))).status, 201);
  const lines = Array.from({ length: 200 }, (_, n) =>
    lineOf(n + 2, { data: randomBytes(20_000).toString('base64') }),
  );
  const full = await postLines(url + ACME, lines);
  t.is(full.status, 507, full.text.slice(0, 300));
  t.is(full.body['error'], 'disk_failed');
  const later = await post(url + ACME, spanOf(999));
  t.true([503, 507].includes(later.status), later.text);
  t.true(textOf(later.body['detail']).length > 20);
  const health = await get(`${url}/health`);
  t.is(health.status, 503);
  t.like(health.body, { status: 'unhealthy' });
  const status = await get(`${url}/v1/sync/status`);
  for (const { text } of [full, later, health, status]) t.false(text.includes('logline-server-'), text);
  t.is((await get(`${url}/readyz`)).status, 503);
  t.is((await get(`${url}/livez`)).status, 200);
  t.is((await get(`${url}/v1/timeline/spans/${uuid(1)}?tenant_id=acme`)).status, 200);
  t.true((await get(`${url}/metrics`)).text.includes('federation_store_read_only 1\n'));
  node.child.kill('SIGTERM');
  t.is(await node.exited, 0);
});
