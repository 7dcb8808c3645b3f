// Appending spans and reading them back: what is answered, what is stored, and in whose timeline.
import test from 'ava';
import { appendResult, spanPage } from '../dist/schemas.js';
import {
  get,
  lineOf,
  post,
  postLines,
  raw,
  serve,
  spanOf,
  uuid,
  type Answer,
  type Json,
  textOf,
} from './helpers.js';

const SPANS = '/v1/timeline/spans';
const ACME = `${SPANS}?tenant_id=acme`;

const titlesOf = (page: Answer): readonly string[] =>
  (page.body['spans'] as { title: string }[]).map((span) => span.title);
const errorOf = (answer: Answer): readonly Json[] => [answer.status, answer.body['error'] ?? ''];

test('one span is stored exactly as it was sent', async (t) => {
  const { url } = await serve(t);
  const sent = `{ "id":"${uuid(1).toUpperCase()}","timestamp":"2025-10-03T22:00:00.123456789123+02:00", "logline_id":"x","title":"caf\\u00e9","n":1.50,"__proto__":{"a":1},"unknown":[ 1,2 ] }`;
  const answer = await post(url + ACME, sent);
  t.is(answer.status, 201);
  t.true(appendResult.safeParse(answer.body).success, answer.text);
  t.like(answer.body, { accepted: 1, duplicates: 0, conflicts_total: 0, rejected_total: 0, rejected: [] });
  const location = answer.headers.get('location') ?? '';
  t.is(location, `${SPANS}/${uuid(1)}?tenant_id=acme`);
  t.is((await get(url + location)).text, sent);
  t.is((await get(url + ACME)).text, `{"spans":[${sent}],"next_cursor":null}`);
});

test('a span without id and timestamp gets both, and its sender learns the id', async (t) => {
  const { url } = await serve(t);
  const answer = await post(url + SPANS, { tenant_id: 'acme', logline_id: 'x', title: 'y' });
  const location = answer.headers.get('location') ?? '';
  const { body } = await get(url + location);
  t.regex(textOf(body['id']), /^[0-9a-f-]{36}$/);
  t.true(location.includes(textOf(body['id'])));
  t.false(Number.isNaN(Date.parse(textOf(body['timestamp']))));
});

test('the same span again is a duplicate, other content under its id a conflict, and both are answered 201', async (t) => {
  const { url } = await serve(t);
  await post(url + ACME, spanOf(1));
  const again = await post(url + ACME, spanOf(1));
  t.like(again.body, { accepted: 0, duplicates: 1, conflicts_total: 0, cursor: null });
  const other = await post(url + ACME, spanOf(1, { title: 'other' }));
  t.is(other.status, 201);
  t.like(other.body, {
    accepted: 0,
    duplicates: 0,
    conflicts_total: 1,
    conflicts: [{ index: 0, id: uuid(1) }],
  });
});

test('a retry with the same Idempotency-Key stores nothing twice', async (t) => {
  const { url } = await serve(t);
  const span = { logline_id: 'x', title: 'y' };
  const key = { 'idempotency-key': 'order-7' };
  const first = await post(url + ACME, span, key);
  const second = await post(url + ACME, span, key);
  t.like(second.body, { accepted: 0, duplicates: 1 });
  t.is(second.headers.get('location'), first.headers.get('location'));
  const lines = ['', JSON.stringify(span), '', JSON.stringify({ ...span, title: 'z' })];
  t.like((await postLines(url + ACME, lines, key)).body, { accepted: 1, duplicates: 1 });
  t.like((await postLines(url + ACME, lines, key)).body, { accepted: 0, duplicates: 2 });
  t.deepEqual(titlesOf(await get(url + ACME)).toSorted(), ['y', 'z']);
});

test('of an array the bad ones are named by their place and the others are stored', async (t) => {
  const { url } = await serve(t);
  const answer = await post(url + ACME, ` [ ${lineOf(1)} , 7, ${lineOf(2)}, {"id":"${uuid(3)}"} ] `);
  t.is(answer.status, 201);
  t.like(answer.body, { accepted: 2, rejected_total: 2 });
  t.deepEqual(answer.body['rejected'], [
    { index: 1, id: null, error: 'not a JSON object' },
    { index: 3, id: uuid(3), error: 'logline_id: required' },
  ]);
  t.deepEqual(titlesOf(await get(url + ACME)), ['span 1', 'span 2']);
});

test('the tenant comes from the span, the query or the header, and there must be one', async (t) => {
  const { url } = await serve(t);
  t.is((await post(url + SPANS, spanOf(1, { tenant_id: 'acme' }))).status, 201);
  t.is((await post(url + ACME, spanOf(2))).status, 201);
  t.is((await post(url + SPANS, spanOf(3), { 'x-tenant-id': 'acme' })).status, 201);
  t.is((await post(url + ACME, spanOf(4, { tenant_id: 'acme' }), { 'x-tenant-id': 'acme' })).status, 201);
  t.deepEqual(titlesOf(await get(url + ACME)), ['span 1', 'span 2', 'span 3', 'span 4']);
  t.deepEqual(titlesOf(await get(url + SPANS, { 'x-tenant-id': 'acme' })).length, 4);

  t.deepEqual(errorOf(await post(url + SPANS, spanOf(5))), [400, 'tenant_required']);
  t.deepEqual(errorOf(await post(url + SPANS, spanOf(5, { tenant_id: null }))), [400, 'tenant_required']);
  t.deepEqual(errorOf(await get(url + SPANS)), [400, 'tenant_required']);
  t.deepEqual(errorOf(await get(`${url}${SPANS}/${uuid(1)}`)), [400, 'tenant_required']);
  t.deepEqual(errorOf(await get(`${url}/v1/timeline/stream`)), [400, 'tenant_required']);
  t.like((await postLines(url + SPANS, [lineOf(5), lineOf(6, { tenant_id: 'acme' })])).body, {
    accepted: 1,
    rejected_total: 1,
  });
});

test('two tenants that differ are refused, wherever they stand', async (t) => {
  const { url } = await serve(t);
  const globex = { 'x-tenant-id': 'globex' };
  t.deepEqual(errorOf(await post(url + ACME, spanOf(1), globex)), [400, 'tenant_mismatch']);
  t.deepEqual(errorOf(await get(url + ACME, globex)), [400, 'tenant_mismatch']);
  t.deepEqual(errorOf(await get(`${url}${SPANS}/${uuid(1)}?tenant_id=acme`, globex)), [
    400,
    'tenant_mismatch',
  ]);
  t.deepEqual(errorOf(await get(`${url}/v1/timeline/stream?tenant_id=acme`, globex)), [
    400,
    'tenant_mismatch',
  ]);
  const alone = await post(url + ACME, spanOf(1, { tenant_id: 'globex' }));
  t.deepEqual(errorOf(alone), [400, 'bad_request']);
  t.true(textOf(alone.body['detail']).includes('"globex"'));
  const many = await postLines(url + ACME, [lineOf(1, { tenant_id: 'globex' }), lineOf(2)]);
  t.like(many.body, { accepted: 1, rejected_total: 1 });
  t.deepEqual(titlesOf(await get(`${url}${SPANS}?tenant_id=globex`)), []);
});

test('a tenant header that comes twice is refused, even when both say the same', async (t) => {
  const { port } = await serve(t);
  for (const second of ['acme', 'globex']) {
    const answer = await raw(
      port,
      `GET ${SPANS} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: acme\r\nX-Tenant-ID: ${second}\r\nConnection: close\r\n\r\n`,
    );
    t.regex(answer, /^HTTP\/1\.1 400 /);
    t.true(answer.includes('x-tenant-id comes 2 times'));
  }
  const joined = await raw(
    port,
    `GET ${SPANS} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: evil, acme\r\nConnection: close\r\n\r\n`,
  );
  t.regex(joined, /^HTTP\/1\.1 400 /);
});

test('one tenant learns nothing of what another has', async (t) => {
  const { url } = await serve(t);
  await post(url + ACME, spanOf(1));
  const ofOther = await get(`${url}${SPANS}/${uuid(1)}?tenant_id=globex`, { 'x-request-id': 'r' });
  const absent = await get(`${url}${SPANS}/${uuid(2)}?tenant_id=globex`, { 'x-request-id': 'r' });
  const noId = await get(`${url}${SPANS}/nonsense?tenant_id=globex`, { 'x-request-id': 'r' });
  t.is(ofOther.status, 404);
  t.is(ofOther.text, absent.text);
  t.is(ofOther.text, noId.text);
  t.is((await get(`${url}${SPANS}?tenant_id=globex`)).text, '{"spans":[],"next_cursor":null}');
});

test('pages come in the order of their timestamps, each exactly once, and end with null', async (t) => {
  const { url } = await serve(t);
  const order = Array.from({ length: 250 }, (_, i) => (i * 7) % 250);
  await postLines(
    url + ACME,
    order.map((n) => lineOf(n)),
  );
  const titles: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await get(`${url}${ACME}&limit=60${cursor === '' ? '' : `&cursor=${cursor}`}`);
    t.true(spanPage.safeParse(page.body).success);
    titles.push(...titlesOf(page));
    cursor = page.body['next_cursor'] === null ? null : textOf(page.body['next_cursor']);
  }
  t.deepEqual(
    titles,
    Array.from({ length: 250 }, (_, n) => `span ${n}`),
  );
  t.is(titlesOf(await get(url + ACME)).length, 100);
  t.is(titlesOf(await get(`${url}${ACME}&limit=240`)).length, 240);
  t.is(titlesOf(await get(`${url}${ACME}&limit=999999999`)).length, 250);
});

test('a page of large spans ends early and names where to go on', async (t) => {
  const { url } = await serve(t);
  const data = 'x'.repeat(200_000);
  for (let from = 0; from < 210; from += 35) {
    const lines = Array.from({ length: 35 }, (_, i) => lineOf(from + i, { data }));
    t.is((await postLines(url + ACME, lines)).body['accepted'], 35);
  }
  const page = await get(`${url}${ACME}&limit=1000`);
  const shown = titlesOf(page).length;
  t.true(shown > 0 && shown <= 100, String(shown));
  const rest = await get(`${url}${ACME}&limit=1000&cursor=${textOf(page.body['next_cursor'])}`);
  t.is(titlesOf(rest)[0], `span ${shown}`);
});

test('spans are found by each of their members, by time, and by a tag', async (t) => {
  const { url } = await serve(t);
  const members = {
    logline_id: 'a',
    contract_id: 'b',
    workflow_id: 'c',
    flow_id: 'd',
    author: 'e',
    status: 'executed',
    span_type: 'user',
    visibility: 'public',
  };
  const lines = [JSON.stringify(spanOf(1, { ...members, tags: ['f', 'g'] })), lineOf(2), lineOf(3)];
  await postLines(url + ACME, lines);
  for (const [name, value] of Object.entries({ ...members, tag: 'g' })) {
    t.deepEqual(titlesOf(await get(`${url}${ACME}&${name}=${value}`)), ['span 1'], name);
    if (name !== 'status') t.deepEqual(titlesOf(await get(`${url}${ACME}&${name}=zzz`)), [], name);
  }
  const at = (n: number): string => encodeURIComponent(textOf(spanOf(n)['timestamp']));
  t.deepEqual(titlesOf(await get(`${url}${ACME}&since=${at(2)}`)), ['span 2', 'span 3']);
  t.deepEqual(titlesOf(await get(`${url}${ACME}&until=${at(2)}`)), ['span 1']);
  t.deepEqual(titlesOf(await get(`${url}${ACME}&since=1%20hour%20ago`)), []);
});

test('a query that says something unknown, twice or unreadable is refused by name', async (t) => {
  const { url } = await serve(t);
  const bad: Readonly<Record<string, string>> = {
    'offset=1': 'offset',
    'tenant=acme': 'tenant',
    '__proto__=1': '__proto__',
    'tenant_id=acme': 'tenant_id',
    'limit=0': 'limit',
    'limit=-1': 'limit',
    'limit=1.5': 'limit',
    'limit=x': 'limit',
    'limit=': 'limit',
    'limit=1&limit=2': 'limit',
    'since=soon': 'since',
    'until=2025-02-30T00:00:00Z': 'until',
    'cursor=x': 'cursor',
    'author=': 'author',
    'tenant_id=a%2Fb': 'tenant_id',
  };
  for (const [query, name] of Object.entries(bad)) {
    const answer = await get(`${url}${query.startsWith('tenant_id=a%') ? `${SPANS}?` : `${ACME}&`}${query}`);
    t.is(answer.status, 400, query);
    t.true(textOf(answer.body['detail']).includes(name), `${query}: ${answer.text}`);
  }
});
