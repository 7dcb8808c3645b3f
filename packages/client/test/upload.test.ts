// Uploads as they look from the other end: their bytes, how far a source is read ahead, and how one ends early.
import test from 'ava';
import type { IncomingMessage } from 'node:http';
import { eventually } from '@logline/federation-core/testing';
import { LoglineFederationClient, LoglineFederationError, type UploadSource } from '../dist/index.js';
import { answer, HEALTH, NOTHING_APPENDED, serve } from './http-server.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const span = (n: number): { logline_id: string; title: string; n: number } => ({
  logline_id: 'logline-id://app/shop',
  title: 'paid',
  n,
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

const LINES = [1, 2, 3].map((n) => JSON.stringify(span(n)));
const TEXT = LINES.map((line) => `${line}\n`).join('');
const BYTES = new TextEncoder().encode(TEXT);
const SOURCES: Readonly<Record<string, () => UploadSource>> = {
  'an array of spans': () => [1, 2, 3].map(span),
  'an async generator of spans': () => each([1, 2, 3].map(span)),
  'lines of JSON': () => each(LINES),
  'lines with their line breaks': () => LINES.map((line) => `${line}\n`),
  'one text': () => TEXT,
  bytes: () => BYTES,
  'bytes cut anywhere': () => each([BYTES.subarray(0, 7), BYTES.subarray(7, 100), BYTES.subarray(100)]),
  'a stream of bytes': () => new Blob([TEXT]).stream(),
  'bytes without a last line break, then a span': () => [
    BYTES.subarray(0, -1 - (LINES[2]?.length ?? 0) - 1),
    span(3),
  ],
};

for (const [name, source] of Object.entries(SOURCES)) {
  test(`${name} are sent as newline-delimited JSON, streamed and in parts`, async (t) => {
    const bodies: string[] = [];
    const server = await serve(t, async (request, response) => {
      bodies.push(await bodyOf(request));
      answer(response, 201, NOTHING_APPENDED);
    });
    const client = new LoglineFederationClient({ baseUrl: server.url, tenant: 'acme' });
    await client.upload(source());
    t.is(bodies.splice(0).join(''), TEXT);
    await client.upload(source(), { partBytes: 1 });
    t.is(bodies.join(''), TEXT);
    t.deepEqual(
      new Set(server.requests.map(({ url, headers }) => `${url} ${headers['content-type']}`)),
      new Set(['/v1/timeline/spans?tenant_id=acme application/x-ndjson']),
    );
  });
}

test('a source is read no faster than the node takes it', async (t) => {
  const total = 64 * MIB;
  let produced = 0;
  let furthest = 0;
  const server = await serve(t, async (request, response) => {
    let received = 0;
    for await (const chunk of request) {
      received += (chunk as Buffer).length;
      furthest = Math.max(furthest, produced - received);
    }
    t.is(received, total);
    answer(response, 201, NOTHING_APPENDED);
  });
  async function* bulk(): AsyncGenerator<Uint8Array> {
    const line = new Uint8Array(64 * KIB).fill(0x20);
    line[line.length - 1] = 0x0a;
    for (; produced < total; produced += line.length) yield line;
  }
  const progress: number[] = [];
  const client = new LoglineFederationClient({ baseUrl: server.url });
  await client.upload(bulk(), { onProgress: ({ bytes }) => void progress.push(bytes) });
  // What the sockets of both ends hold, and a few chunks.
  t.true(furthest < 24 * MIB, `${furthest} bytes ahead`);
  t.is(progress.at(-1), total);
  t.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
});

test('parts end at line breaks, and refusals are numbered as if there were one request', async (t) => {
  const bodies: string[] = [];
  const server = await serve(t, async (request, response) => {
    const body = await bodyOf(request);
    bodies.push(body);
    const rejected = [{ index: 1, id: null, error: 'title: required' }];
    answer(response, 201, {
      ...NOTHING_APPENDED,
      accepted: 2,
      rejected,
      rejected_total: 1,
      cursor: `a${bodies.length}`,
    });
  });
  const line = `${JSON.stringify({ ...span(0), data: 'x'.repeat(30_000) })}\n`;
  const client = new LoglineFederationClient({ baseUrl: server.url });
  const result = await client.upload(each(Array.from({ length: 9 }, () => line)), { partBytes: 65_000 });
  t.is(bodies.length, 3);
  t.true(bodies.every((body) => body === line.repeat(3)));
  t.is(result.accepted, 6);
  t.deepEqual(
    result.rejected.map(({ index }) => index),
    [1, 4, 7],
  );
  t.is(result.rejected_total, 3);
  t.is(result.cursor, 'a3');
});

test('what a source throws comes out as it is, and the node sees a broken upload', async (t) => {
  let broken = false;
  const server = await serve(t, async (request) => {
    await bodyOf(request).catch(() => (broken = true));
  });
  async function* faulty(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(100 * KIB).fill(0x0a);
    throw new RangeError('the disk is gone');
  }
  const client = new LoglineFederationClient({ baseUrl: server.url });
  await t.throwsAsync(client.upload(faulty()), { instanceOf: RangeError, message: 'the disk is gone' });
  await eventually('the node notices', () => broken);
});

test('an abort ends an upload that waits for its source, and closes the source', async (t) => {
  const server = await serve(t, (request) => void request.resume());
  const abort = new AbortController();
  let isClosed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield new Uint8Array(100 * KIB).fill(0x0a);
        if (server.requests.length > 0) abort.abort(new Error('enough'));
      }
    } finally {
      isClosed = true;
    }
  }
  const client = new LoglineFederationClient({ baseUrl: server.url });
  await t.throwsAsync(client.upload(endless(), { signal: abort.signal }), { message: 'enough' });
  await eventually('the source is closed', () => isClosed);
});

test('a refusal in the middle of an upload is told, and the rest is not read', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.method === 'GET') return answer(response, 200, HEALTH);
    request.once('data', () =>
      answer(response, 400, { error: 'tenant_required', detail: 'name the tenant' }),
    );
  });
  let produced = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      produced++;
      yield new Uint8Array(100 * KIB).fill(0x0a);
    }
  }
  const client = new LoglineFederationClient({ baseUrl: server.url });
  const error = await t.throwsAsync(client.upload(endless()), { instanceOf: LoglineFederationError });
  t.is(error.code, 'tenant_required');
  const soFar = produced;
  for (let i = 0; i < 10; i++) await client.health();
  t.true(produced <= soFar + 1, `${produced - soFar} chunks more`);
});
