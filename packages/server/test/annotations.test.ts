// Saying things of spans over REST: what is read then, what stays as it was, and what is refused.
import test from 'ava';
import * as shapes from '../dist/schemas-annotation.js';
import { ACCESS, operator, user } from './callers.js';
import {
  get,
  lineOf,
  patch,
  post,
  serve,
  spanOf,
  temporaryDirectory,
  textOf,
  uuid,
  type Json,
} from './helpers.js';
import { ACME, listOf } from './meeting.js';

const at = (url: string, n: number, more = ''): string =>
  `${url}/v1/timeline/spans/${uuid(n)}?tenant_id=acme${more}`;
const METADATA = { cost: 1.5, deep: { a: 1 } };

test('what is said of a span is read with it, everywhere, and the span stays as it was', async (t) => {
  const { url } = await serve(t);
  const sent = `{"extra": 1.0,"tags":["a"],"metadata":${JSON.stringify(METADATA)},${lineOf(1).slice(1)}`;
  await post(url + ACME, sent);
  const first = await get(at(url, 1));
  t.is(first.text, sent, 'as it came, while nothing is said of it');
  const tag = first.headers.get('etag') ?? '';
  t.regex(tag, /^"[0-9a-f]{32}"$/);
  const said = await patch(at(url, 1), {
    status: 'reverted',
    processed: true,
    metadata: { cost: null, deep: { b: 2 } },
    tags: ['b'],
    notes: 'looked at it',
  });
  t.is(said.status, 200, said.text);
  t.like(said.body, { status: 'reverted', processed: true, metadata: { deep: { a: 1, b: 2 } } });
  t.deepEqual(said.body['tags'], ['b']);
  t.like(listOf(said, 'notes')[0], { text: 'looked at it' });
  t.true(said.text.startsWith('{"extra": 1.0,'), 'what is not annotated keeps its bytes');
  const now = await get(at(url, 1));
  t.is(now.text, said.text);
  t.is(now.headers.get('etag'), said.headers.get('etag'));
  t.not(now.headers.get('etag'), tag);
  t.is((await get(at(url, 1), { 'if-none-match': now.headers.get('etag') ?? '' })).status, 304);
  t.is((await get(at(url, 1, '&raw=true'))).text, sent);

  const list = async (more = ''): Promise<string> => (await get(url + ACME + more)).text;
  t.is(await list(), `{"spans":[${said.text}],"next_cursor":null}`);
  t.is(await list('&raw=true'), `{"spans":[${sent}],"next_cursor":null}`);
  t.is(await list('&status=reverted&tag=b'), await list(), 'filters look at what is read');
  t.is(await list('&tag=a'), '{"spans":[],"next_cursor":null}');
});

test('history tells every word, by whom, and whether it won', async (t) => {
  const { url, node } = await serve(t, { name: 'alice' });
  await post(url + ACME, spanOf(1));
  await patch(at(url, 1), { status: 'reverted' });
  await patch(at(url, 1), { status: 'ghost', tags: ['x'] });
  const answer = await get(at(url, 1, '&history=true'));
  t.true(shapes.spanHistory.safeParse(answer.body).success, answer.text);
  const items = listOf(answer, 'history');
  t.deepEqual(
    items.map(({ field, op, value, won, why }) => [field, op, value, won, why]),
    [
      ['status', 'set', 'reverted', false, 'superseded'],
      ['status', 'set', 'ghost', true, 'undisputed'],
      ['tags', 'add', 'x', true, 'undisputed'],
    ],
  );
  t.is(items[0]?.['superseded_by'], items[1]?.['ref']);
  t.like(items[0], { fingerprint: node.fingerprint, node_id: 'logline-id://node/alice' });
  t.like(answer.body['span'], { status: 'ghost' });
  t.is((await get(at(url, 1, '&history=true&raw=true'))).status, 400);
  t.is((await get(at(url, 2, '&history=true'))).status, 404);
});

test('a change for a version that is no longer read is refused and changes nothing', async (t) => {
  const { url } = await serve(t);
  await post(url + ACME, spanOf(1));
  const old = (await get(at(url, 1))).headers.get('etag') ?? '';
  t.is((await patch(at(url, 1), { processed: true }, { 'if-match': old })).status, 200);
  const late = await patch(at(url, 1), { processed: false }, { 'if-match': old });
  t.is(late.status, 412);
  t.is(late.body['error'], 'version_mismatch');
  t.is((await patch(at(url, 1), { processed: false }, { 'if-match': `W/${old}` })).status, 412);
  t.is((await patch(at(url, 1), { processed: false }, { 'if-match': `${old}, ${old}` })).status, 400);
  t.is((await get(at(url, 1))).body['processed'], true);
  t.is((await patch(at(url, 1), { processed: false }, { 'if-match': '*' })).status, 200);
});

test('what cannot be said of a span is refused by name, and nothing of the request is said', async (t) => {
  const { url } = await serve(t);
  await post(url + ACME, spanOf(1));
  await post(`${url}/v1/timeline/spans?tenant_id=other`, spanOf(2));
  const before = await get(at(url, 1));
  const refused: readonly (readonly [Json, RegExp])[] = [
    [{ title: 'other' }, /^title: not a member/],
    [{ node: 'logline-id://node/bob', status: 'ghost' }, /^node: not a member/],
    [{ stamp: [1, 0] }, /^stamp: not a member/],
    [{ conflicted: [] }, /^conflicted: not a member/],
    [{ status: 'undone' }, /status: /],
    [{ status: ['ghost'] }, /status: /],
    [{ processed: 'true' }, /processed: /],
    [{ metadata: 'x' }, /^metadata: /],
    [{ metadata: { a: 'x'.repeat(5000) } }, /^metadata\.a: /],
    [{ tags: [1] }, /tags/],
    [{ tags: { value: ['x'], node: 'bob' } }, /tags/],
    [{ notes: '' }, /^notes: /],
    [[], /body member/],
    ['{', /not valid JSON/],
    ['{"processed":true,"processed":false}', /twice/],
  ];
  for (const [body, why] of refused) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await patch(at(url, 1), text);
    t.is(answer.status, 400, text);
    t.regex(textOf(answer.body['detail']), why);
  }
  const missing = await patch(at(url, 3), { processed: true });
  t.is(missing.status, 404);
  const foreign = await patch(at(url, 2), { processed: true });
  t.deepEqual(
    [foreign.status, foreign.body['detail']],
    [404, missing.body['detail']],
    "another tenant's span",
  );
  t.is((await patch(at(url, 1), '{}', { 'content-type': 'text/plain' })).status, 415);
  const after = await get(at(url, 1));
  t.is(after.headers.get('etag'), before.headers.get('etag'));
  t.is(after.text, before.text);
  // A value may say what it likes: who says it is what its signature says.
  const lying = { node: 'logline-id://node/bob', stamp: [9e12, 0], supersedes: [] };
  t.is((await patch(at(url, 1), { metadata: { claim: lying } })).status, 200);
  const [item] = listOf(await get(at(url, 1, '&history=true')), 'history');
  t.is(item?.['node_id'], 'logline-id://node/local-node');
});

test('the same request sent again says nothing twice', async (t) => {
  const { url } = await serve(t);
  await post(url + ACME, spanOf(1));
  const key = { 'idempotency-key': 'k1' };
  const first = await patch(at(url, 1), { notes: 'once' }, key);
  const again = await patch(at(url, 1), { notes: 'once' }, key);
  t.deepEqual([again.status, again.text], [200, first.text]);
  t.is(listOf(await get(at(url, 1)), 'notes').length, 1);
  t.is((await patch(at(url, 1), { notes: 'other' }, key)).status, 400);
  const same = await patch(at(url, 1), { status: 'ghost' });
  t.is((await patch(at(url, 1), { status: 'ghost' })).headers.get('etag'), same.headers.get('etag'));
});

test('who may write and not read says things and is shown nothing', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  await post(url + ACME, spanOf(1), operator);
  const writer = user({ tenant: 'acme', scope: 'federation:write' });
  const said = await patch(at(url, 1), { status: 'ghost' }, writer);
  t.deepEqual([said.status, said.text], [204, '']);
  t.is((await get(at(url, 1), operator)).body['status'], 'ghost');
  const reader = user({ tenant: 'acme', scope: 'federation:read' });
  t.is((await patch(at(url, 1), { status: 'executed' }, reader)).status, 403);
  t.is((await get(at(url, 1), reader)).body['status'], 'ghost');
  const both = user({ tenant: 'acme', scope: 'federation:read federation:write' });
  t.is((await patch(at(url, 1), { status: 'executed' }, both)).status, 200);
});

test('what was said is there after a restart', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await serve(t, { dataDir });
  await post(first.url + ACME, spanOf(1));
  const said = await patch(at(first.url, 1), { status: 'ghost', tags: ['x'], notes: 'n' });
  await first.close();
  const second = await serve(t, { dataDir });
  const again = await get(at(second.url, 1));
  t.deepEqual([again.text, again.headers.get('etag')], [said.text, said.headers.get('etag')]);
});
