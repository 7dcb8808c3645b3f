// Bodies that somebody hopes we trip over: each is refused with a reason, none is stored, none is a fault of ours.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { startServer, type RunningServer } from '../dist/index.js';
import { get, lineOf, patch, post, postLines, serve, spanOf, uuid, type Answer } from './helpers.js';
import { JSON_ROUTES } from './json-routes.js';
import { BODIES } from './tenancy-callers.js';

const good = JSON.stringify(spanOf(1));
const withMember = (member: string): string => `${good.slice(0, -1)},${member}}`;
const bytes = (...parts: readonly (string | Uint8Array | readonly number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))));

/** None of these is a span, nor any other request. */
const HOSTILE: Readonly<Record<string, string | Uint8Array>> = {
  null: 'null',
  true: 'true',
  'a number': '1',
  'a text': '"x"',
  'a text without an end': '"x',
  'an empty object': '{}',
  'only a brace': '{',
  'two braces too many': `${good}}}`,
  'two objects': `${good}${good}`,
  'a trailing comma': `${good.slice(0, -1)},}`,
  'single quotes': "{'id':1}",
  'a name without quotes': '{id:1}',
  'a comment': `/* x */${good}`,
  'a byte order mark': `\ufeff${good}`,
  'UTF-16': Buffer.from(good, 'utf16le'),
  NaN: withMember('"x":NaN'),
  Infinity: withMember('"x":-Infinity'),
  'an octal number': withMember('"x":0777'),
  'a hexadecimal number': withMember('"x":0xff'),
  'a number with a plus': withMember('"x":+1'),
  'an open fraction': withMember('"x":1.'),
  'a number beyond doubles': withMember('"x":1e999'),
  'an integer beyond 2^53': withMember('"x":9007199254740993'),
  'an integer of 400 digits': withMember(`"x":${'9'.repeat(400)}`),
  'a member twice': withMember('"title":"other"'),
  'a member twice, once escaped': withMember('"titl\\u0065":"other"'),
  'a member twice, deep inside': withMember('"data":{"a":[{"b":1,"b":2}]}'),
  'the prototype twice': withMember('"__proto__":{"x":1},"__proto__":{"y":1}'),
  'a lone high surrogate': withMember('"x":"\\ud800"'),
  'a lone low surrogate': withMember('"x":"\\udc00 "'),
  'surrogates the wrong way round': withMember('"x":"\\udc00\\ud800"'),
  'a lone surrogate as a name': withMember('"\\ud800":1'),
  'a bad escape': withMember('"x":"\\q"'),
  'half an escape': withMember('"x":"\\u12"'),
  'a raw line break in a text': withMember('"x":"a\nb"'),
  'a raw tab in a text': withMember('"x":"a\tb"'),
  'a raw zero in a text': withMember('"x":"a\0b"'),
  'a zero byte behind': bytes(good, [0]),
  'an overlong slash': bytes(good.slice(0, -1), ',"x":"', [0xc0, 0xaf], '"}'),
  'a surrogate in UTF-8': bytes(good.slice(0, -1), ',"x":"', [0xed, 0xa0, 0x80], '"}'),
  'a code point beyond Unicode': bytes(good.slice(0, -1), ',"x":"', [0xf4, 0x90, 0x80, 0x80], '"}'),
  'a cut character': bytes(good.slice(0, -1), ',"x":"', [0xe2, 0x82], '"}'),
  'a lone continuation': bytes(good.slice(0, -1), ',"x":"', [0x80], '"}'),
  'Latin-1': bytes(good.slice(0, -1), ',"x":"', [0xe9], '"}'),
  '65 levels': withMember(`"x":${'['.repeat(64)}1${']'.repeat(64)}`),
  '30,000 levels of arrays': withMember(`"x":${'['.repeat(30_000)}${']'.repeat(30_000)}`),
  '10,000 levels of objects': withMember(`"x":${'{"x":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
  '1,000,000 levels of arrays': withMember(`"x":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`),
  '1,000,000 levels of objects': withMember(`"x":${'{"x":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`),
  '60,000 open brackets': `{"x":${'['.repeat(60_000)}`,
  'an id of 1 MB': JSON.stringify({ ...spanOf(1), id: 'x'.repeat(1_000_000) }),
  'an id with a line break': JSON.stringify({ ...spanOf(1), id: 'x\r\nSet-Cookie: a=b' }),
  'an id with terminal escapes': JSON.stringify({ ...spanOf(1), id: '\u001b[31mred' }),
  'an id that is a number': JSON.stringify({ ...spanOf(1), id: 1 }),
  'an id that is null': JSON.stringify({ ...spanOf(1), id: null }),
  'an id that is an object': JSON.stringify({ ...spanOf(1), id: { $ne: 1 } }),
  'a title that is a list': JSON.stringify({ ...spanOf(1), title: ['x'] }),
  'an empty title': JSON.stringify({ ...spanOf(1), title: '' }),
  'no title': JSON.stringify({ ...spanOf(1), title: undefined }),
  'no logline_id': JSON.stringify({ ...spanOf(1), logline_id: undefined }),
  'a timestamp without an offset': JSON.stringify({ ...spanOf(1), timestamp: '2025-01-01T00:00:00' }),
  'a timestamp that is a number': JSON.stringify({ ...spanOf(1), timestamp: 1_700_000_000 }),
  '30 February': JSON.stringify({ ...spanOf(1), timestamp: '2025-02-30T00:00:00Z' }),
  'a status of its own': JSON.stringify({ ...spanOf(1), status: 'done' }),
  'tags that are a text': JSON.stringify({ ...spanOf(1), tags: 'x' }),
  'a tenant that is a number': JSON.stringify({ ...spanOf(1), tenant_id: 7 }),
  'a tenant with a slash': JSON.stringify({ ...spanOf(1), tenant_id: 'a/../b' }),
  'a tenant other than the request names': JSON.stringify({ ...spanOf(1), tenant_id: 'globex' }),
  'a span of 300 KB': JSON.stringify({ ...spanOf(1), data: 'x'.repeat(300_000) }),
};

const SPANS = '/v1/timeline/spans?tenant_id=acme';

function isProblem(answer: Answer): boolean {
  const { type, title, status, detail, error } = answer.body;
  return (
    answer.headers.get('content-type') === 'application/problem+json' &&
    [type, title, detail, error].every((text) => typeof text === 'string' && text !== '') &&
    status === answer.status
  );
}

let server: RunningServer;
let directory: string;

test.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'logline-hostile-'));
  server = await startServer({ dataDir: directory, bindHost: '127.0.0.1', bindPort: 0, logLevel: 'silent' });
});

test.after.always(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

for (const [i, [name, body]] of Object.entries(HOSTILE).entries()) {
  test(`${name} is no span, alone, in an array or as a line`, async (t) => {
    const tenant = `tenant-${i}`;
    const url = `${server.url}/v1/timeline/spans?tenant_id=${tenant}`;
    const alone = await post(url, body);
    t.is(alone.status, 400, alone.text);
    t.true(isProblem(alone), alone.text);
    t.true(alone.text.length < 2000, 'the answer repeats no more than a little of what came');

    const array = await post(url, bytes('[', lineOf(2), ',', body, ']'));
    // Whatever breaks the array itself refuses all of it.
    const isArray = array.status === 201;
    t.true(isArray ? array.body['accepted'] === 1 : array.status === 400, array.text);

    const lines = await post(url, bytes(lineOf(3), '\n', body, '\n', lineOf(4)), {
      'content-type': 'application/x-ndjson',
    });
    t.is(lines.status, 201, lines.text);
    t.is(lines.body['accepted'], 2, lines.text);
    const [rejected] = lines.body['rejected'] as { index: number; error: string }[];
    t.is(rejected?.index, 1, lines.text);
    t.true((rejected?.error ?? '').length < 300);

    const stored = await get(`${url}&limit=1000`);
    const titles = (stored.body['spans'] as { title: string }[]).map((span) => span.title);
    t.deepEqual(titles, isArray ? ['span 2', 'span 3', 'span 4'] : ['span 3', 'span 4']);
  });
}

/** Members that nobody may set, or that an object of another route might smuggle in. */
const MORE: Readonly<Record<string, string>> = {
  'a list': '[]',
  'an unknown member': '{"discovery_method":"manual","peer_address":"a:1","x":1}',
  'a role': '{"discovery_method":"manual","roles":["federation:admin"]}',
  'a caller': '{"discovery_method":"manual","caller":{"kind":"operator","tenant":null}}',
  'a tenant': '{"discovery_method":"manual","tenant_id":"globex"}',
  'a level of trust': '{"peer_address":"a:1","trust_level":"verified"}',
  'a prototype': '{"__proto__":{"peer_address":"a:1","discovery_method":"manual"}}',
  'a constructor': '{"constructor":{"prototype":{"x":1}}}',
  'lists for texts': '{"peer_address":["a:1"],"discovery_method":["manual"],"since":["1h"],"peer_ids":"x"}',
  'null for texts': '{"peer_address":null,"discovery_method":null,"since":null}',
  '2,000 peers': JSON.stringify({ peer_ids: Array.from({ length: 2000 }, () => 'x') }),
  '100 KB': JSON.stringify({ peer_address: 'x'.repeat(100_000) }),
};

for (const { name: route, path, send } of JSON_ROUTES) {
  test(`${route} refuses every hostile body with a problem, and remembers nothing`, async (t) => {
    const { url, node } = await serve(t);
    await post(url + SPANS, { ...spanOf(1), id: uuid(1) });
    for (const [name, body] of Object.entries({ ...HOSTILE, ...MORE })) {
      // Some requests need say nothing in particular, and a merge patch may change nothing.
      const maySayNothing = send === patch || Object.keys(BODIES[route] ?? {}).length === 0;
      if (name === 'an empty object' && maySayNothing) continue;
      const answer = await send(url + path, body);
      t.true([400, 413].includes(answer.status), `${name}: ${answer.status} ${answer.text}`);
      t.true(isProblem(answer), `${name}: ${answer.text}`);
      t.true(answer.text.length < 3000, name);
    }
    t.deepEqual(node.peers(), []);
    const said = await node.timeline('acme').history(uuid(1));
    t.deepEqual(said?.assertions, []);
    t.is(Object.getOwnPropertyDescriptor(Object.prototype, 'x'), undefined);
  });
}

test('what is not announced as JSON is not read as JSON', async (t) => {
  const { url } = await serve(t);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'garbage'])
    for (const { path, send } of [{ path: SPANS, send: post }, ...JSON_ROUTES]) {
      const answer = await send(url + path, good, { 'content-type': type });
      t.is(answer.status, 415, `${path} ${type}`);
      t.true(isProblem(answer));
    }
});

test('a request without a span is refused, however it is empty', async (t) => {
  const { url } = await serve(t);
  for (const body of ['', ' ', '\n\n', '[]', ' [ ] '])
    t.is((await post(url + SPANS, body)).status, 400, JSON.stringify(body));
  t.is((await postLines(url + SPANS, ['', ' ', ''])).status, 400);
});

test('a JSON body beyond the bound is refused with 413 before it is all read', async (t) => {
  const { url } = await serve(t);
  const answer = await post(url + SPANS, `[${'"x",'.repeat(3_000_000)}"x"]`);
  t.is(answer.status, 413);
  t.true(answer.text.includes('x-ndjson'));
  const many = await post(url + SPANS, `[${'{},'.repeat(20_000)}{}]`);
  t.is(many.status, 413);
});
