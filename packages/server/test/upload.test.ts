// Uploads of lines: any length, bounded memory, and an honest account of what was stored.
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { LoglineError, type AppendReport, type SpanInput } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import { LineSplitter, type Line } from '../dist/ndjson.js';
import { SERVER_LIMITS } from '../dist/limits.js';
import { Tally } from '../dist/tally.js';
import { uploadLines } from '../dist/upload.js';
import { get, lineOf, post, postLines, raw, serve, spanCount, uuid, type Body } from './helpers.js';

const ACME = '/v1/timeline/spans?tenant_id=acme';
const LINES = { 'content-type': 'application/x-ndjson' };

testProp(
  'however the bytes are cut, the lines are the same',
  [
    fc.array(fc.nat(13)),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
    fc.constantFrom('\n', '\r\n'),
  ],
  (t, lengths, cuts, end) => {
    const lines = lengths.map((length, i) => String.fromCharCode(97 + (i % 26)).repeat(length));
    const bytes = Buffer.from(lines.join(end));
    const splitter = new LineSplitter(10);
    const found: Line[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = cuts[i % cuts.length] ?? 1;
      found.push(...splitter.push(bytes.subarray(at, at + length)));
      at += length;
      t.true(splitter.heldBytes <= 11);
    }
    const last = splitter.end();
    if (last !== undefined) found.push(last);
    const texts = found.map(({ index, bytes: line }) => ({
      index,
      text: line === undefined ? 'too long' : Buffer.from(line).toString(),
    }));
    const expected = lines.map((line, index) => ({ index, text: line.length > 10 ? 'too long' : line }));
    t.deepEqual(
      texts,
      expected.filter((line) => line.text !== ''),
    );
  },
);

test('of 50,000 lines one bad one is named by its place and the rest is stored', async (t) => {
  const { url } = await serve(t);
  function* lines(): Generator<string> {
    for (let n = 0; n < 50_000; n++) yield n === 31_415 ? `{"id":"${uuid(n)}"}\n` : `${lineOf(n)}\n`;
  }
  const response = await fetch(url + ACME, {
    method: 'POST',
    headers: LINES,
    body: Readable.toWeb(Readable.from(lines())) as ReadableStream,
    duplex: 'half',
  });
  const answer = (await response.json()) as Body;
  t.is(response.status, 201);
  t.like(answer, { accepted: 49_999, duplicates: 0, conflicts_total: 0, rejected_total: 1 });
  t.deepEqual(answer['rejected'], [{ index: 31_415, id: uuid(31_415), error: 'logline_id: required' }]);
  const status = await get(`${url}/v1/sync/status`);
  t.deepEqual(status.body['spans'], { acme: 49_999 });
});

test('at most 1,000 rejected lines are listed, and all are counted', async (t) => {
  const { url } = await serve(t);
  const answer = await postLines(
    url + ACME,
    Array.from({ length: 2_500 }, () => 'x'),
  );
  t.is((answer.body['rejected'] as unknown[]).length, 1_000);
  t.is(answer.body['rejected_total'], 2_500);
  t.is(answer.body['cursor'], null);
});

test('no more than two pieces wait for the disk, however fast the lines come', async (t) => {
  let waiting = 0;
  let most = 0;
  let pulled = 0;
  const release: (() => void)[] = [];
  const append = async (spans: readonly SpanInput[]): Promise<AppendReport> => {
    most = Math.max(most, ++waiting);
    t.true(spans.length <= SERVER_LIMITS.pieceLines);
    await new Promise<void>((resolve) => release.push(resolve));
    waiting--;
    return { outcomes: spans.map((_, index) => ({ index, id: null, outcome: 'accepted' })), cursor: null };
  };
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 100; n++) {
      pulled++;
      yield Buffer.from(`${lineOf(n)}\n`.repeat(100));
    }
  }
  const tally = new Tally();
  const done = uploadLines(source(), { node: { append }, tally, tenant: undefined });
  for (let i = 0; i < 50; i++) await turn();
  t.is(waiting, SERVER_LIMITS.piecesInFlight);
  // Two pieces wait and one is being gathered: nothing beyond that has been read.
  t.true(pulled <= 12, `${pulled} buffers were read`);
  let isDone = false;
  void done.then(() => (isDone = true));
  while (!isDone) {
    release.shift()?.();
    await turn();
  }
  t.is(most, SERVER_LIMITS.piecesInFlight);
  t.is(tally.answer().accepted, 10_000);
});

test('a disk that fails in the middle is told with the counts so far', async (t) => {
  let calls = 0;
  const append = async (spans: readonly SpanInput[]): Promise<AppendReport> => {
    if (++calls === 3) throw new LoglineError('disk_failed', 'the disk is gone');
    return { outcomes: spans.map((_, index) => ({ index, id: null, outcome: 'accepted' })), cursor: 'c' };
  };
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 1000; n++) yield Buffer.from('{}\n'.repeat(500));
  }
  const tally = new Tally();
  await t.throwsAsync(uploadLines(source(), { node: { append }, tally, tenant: undefined }), {
    message: 'the disk is gone',
  });
  t.true(calls <= 4);
  t.is(tally.answer().accepted, (calls - 1) * 500);
});

test('a slow upload is stored while it still runs', async (t) => {
  const { url, node } = await serve(t);
  const { hostname, port } = new URL(url);
  const upload = request({ hostname, port, path: ACME, method: 'POST', headers: LINES });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    upload.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
  for (let n = 0; n < 3; n++) {
    upload.write(`${lineOf(n)}\n`);
    await eventually('the line is stored', () => spanCount(node) === n + 1);
  }
  upload.end();
  t.is(await answered, 201);
});

test('a client that goes away in the middle loses nothing that was stored, and harms nobody', async (t) => {
  const { url, node } = await serve(t);
  const { hostname, port } = new URL(url);
  const upload = request({ hostname, port, path: ACME, method: 'POST', headers: LINES });
  upload.on('error', () => undefined);
  upload.write(`${lineOf(0)}\n${lineOf(1)}\n{"id":"half`);
  await eventually('both lines are stored', () => spanCount(node) === 2);
  upload.destroy();
  t.is((await postLines(url + ACME, [lineOf(2)])).body['accepted'], 1);
  t.is(spanCount(node), 3);
});

test('a line that is too long is named, not kept, and does not hold up the others', async (t) => {
  const { url } = await serve(t);
  const long = JSON.stringify({ x: 'y'.repeat(3_000_000) });
  const answer = await postLines(url + ACME, [lineOf(0), long, lineOf(1), long]);
  t.like(answer.body, { accepted: 2, rejected_total: 2 });
  const rejected = answer.body['rejected'] as { index: number; error: string }[];
  t.deepEqual(
    rejected.map((one) => one.index),
    [1, 3],
  );
  t.true(rejected.every((one) => one.error.startsWith('larger than')));
});

test('gzip and br are inflated on the way, and damage is told with the counts so far', async (t) => {
  const { url } = await serve(t);
  const lines = Buffer.from(Array.from({ length: 20_000 }, (_, n) => lineOf(n)).join('\n'));
  const packed = gzipSync(lines);
  const gzip = { ...LINES, 'content-encoding': 'gzip' };
  t.is((await post(url + ACME, packed, gzip)).body['accepted'], 20_000);
  const br = { ...LINES, 'content-encoding': 'br' };
  t.is((await post(url + ACME, brotliCompressSync(lines.subarray(0, 100_000)), br)).status, 201);

  const cut = await post(url + ACME, packed.subarray(0, packed.length - 1000), gzip);
  t.is(cut.status, 400, cut.text);
  t.true(Number(cut.body['duplicates']) > 0, cut.text);
  t.is((await post(url + ACME, lines, gzip)).status, 400);
  for (const encoding of ['deflate', 'gzip, br', 'zstd', '__proto__'])
    t.is((await post(url + ACME, packed, { ...LINES, 'content-encoding': encoding })).status, 415, encoding);
});

test('a small body that inflates beyond the bound is refused', async (t) => {
  const { url } = await serve(t);
  const bomb = gzipSync(Buffer.alloc(200_000_000, ' '));
  const gzip = { 'content-encoding': 'gzip' };
  t.is((await post(url + ACME, bomb, gzip)).status, 413);
  t.is((await post(`${url}/v1/trust/establish`, bomb, gzip)).status, 413);
  const line = await post(url + ACME, gzipSync(Buffer.alloc(50_000_000, 'x')), { ...LINES, ...gzip });
  t.like(line.body, { accepted: 0, rejected_total: 1 });
});

test('a refusal reaches a client that is still sending, and one that sent more than was read', async (t) => {
  const { port } = await serve(t);
  const head = 'POST /v1/trust/establish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  const part = 'x'.repeat(65_536);
  const announced = await raw(port, `${head}Content-Length: 99999999\r\n\r\n${part}`);
  const unannounced = await raw(
    port,
    `${head}Transfer-Encoding: chunked\r\n\r\n${`10000\r\n${part}\r\n`.repeat(320)}`,
  );
  const inOneGo = await raw(port, `${head}Content-Length: ${320 * part.length}\r\n\r\n${part.repeat(320)}`);
  for (const answer of [announced, unannounced, inOneGo]) {
    t.regex(answer, /^HTTP\/1\.1 413 /);
    t.true(answer.includes('"error":"too_large"'));
  }
});
