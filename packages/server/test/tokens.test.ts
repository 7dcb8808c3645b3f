// T17: which tokens of the identity service count, and that all others get one answer.
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { DEFAULT_ACCESS } from '../dist/index.js';
import {
  ACCESS,
  ADMIN_TOKEN,
  bearer,
  claims,
  inSeconds,
  JWT_SECRET,
  SERVICE_TOKEN,
  signedWith,
  tokenOf,
  user,
} from './callers.js';
import { get, serve, type Answer } from './helpers.js';

const SPANS = '/v1/timeline/spans?tenant_id=acme';
const ACME = { tenant: 'acme' };
const hmac = (hash: string, key: string | Buffer) => (input: string) =>
  createHmac(hash, key).update(input).digest();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** The answer without the id that is its own. */
function withoutId(answer: Answer): unknown {
  const { request_id: _, ...body } = answer.body;
  const headers = [...answer.headers].filter(([name]) => !['x-request-id', 'date'].includes(name));
  return [answer.status, body, headers.toSorted(([a], [b]) => (a < b ? -1 : 1))];
}

test('a token of the identity service counts, from either issuer, up to its last second', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  for (const differing of [
    {},
    { iss: 'logline-id' },
    { aud: ['other', 'logline'] },
    { exp: inSeconds(-2) },
    { iat: undefined },
    { nbf: inSeconds(-10) },
    { scope: 'timeline:read federation:read' },
    { tenant: 'acme', extra: { deep: [1] } },
  ])
    t.is((await get(url + SPANS, user({ ...ACME, ...differing }))).status, 200, JSON.stringify(differing));
  const lower = { authorization: user(ACME)['authorization']?.replace('Bearer', 'bearer') ?? '' };
  t.is((await get(url + SPANS, lower)).status, 200, 'the scheme is written as one likes');
});

const good = tokenOf(claims(ACME));
const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.');
const refused: Readonly<Record<string, string>> = {
  'no token': '',
  'a word': 'x',
  'two parts': `${goodHeader}.${goodPayload}`,
  'an empty signature': `${goodHeader}.${goodPayload}.`,
  'four parts': `${good}.x`,
  'a signature of another secret': tokenOf(claims(ACME), undefined, hmac('sha256', 'x'.repeat(32))),
  'a signature of the empty secret': tokenOf(claims(ACME), undefined, hmac('sha256', '')),
  'a signature that is cut': good.slice(0, -4),
  'a signature with a byte behind': `${good}AA`,
  'a claim changed after signing': `${goodHeader}.${Buffer.from(JSON.stringify(claims({ tenant: 'globex' }))).toString('base64url')}.${goodSignature}`,
  'alg none': tokenOf(claims(ACME), { alg: 'none' }, () => Buffer.alloc(0)),
  'alg None': tokenOf(claims(ACME), { alg: 'None' }, () => Buffer.alloc(0)),
  'alg nOnE with a signature': tokenOf(claims(ACME), { alg: 'nOnE' }),
  'no alg': tokenOf(claims(ACME), { typ: 'JWT' }),
  'alg HS384': tokenOf(claims(ACME), { alg: 'HS384' }, hmac('sha384', JWT_SECRET)),
  'alg HS512': tokenOf(claims(ACME), { alg: 'HS512' }, hmac('sha512', JWT_SECRET)),
  'alg hs256': tokenOf(claims(ACME), { alg: 'hs256' }),
  'alg as a list': tokenOf(claims(ACME), { alg: ['HS256'] }),
  'an unknown critical header': tokenOf(claims(ACME), { alg: 'HS256', crit: ['x'], x: 1 }),
  'an unencoded payload': tokenOf(claims(ACME), { alg: 'HS256', b64: false, crit: ['b64'] }),
  'HS256 under a public key': tokenOf(claims(ACME), undefined, hmac('sha256', rsaPem)),
  'RS256 without a key set': tokenOf(claims(ACME), { alg: 'RS256' }, signedWith(rsa.privateKey, 'RS256')),
  'a key of its own': tokenOf(
    claims(ACME),
    { alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) },
    signedWith(rsa.privateKey, 'RS256'),
  ),
  'a key set of its own': tokenOf(
    claims(ACME),
    { alg: 'RS256', jku: 'http://127.0.0.1:9/keys' },
    signedWith(rsa.privateKey, 'RS256'),
  ),
  'expired a minute ago': tokenOf(claims({ ...ACME, exp: inSeconds(-60) })),
  'no expiry': tokenOf(claims({ ...ACME, exp: undefined })),
  'an expiry that is a text': tokenOf(claims({ ...ACME, exp: String(inSeconds(60)) })),
  'not valid yet': tokenOf(claims({ ...ACME, nbf: inSeconds(60) })),
  'no audience': tokenOf(claims({ ...ACME, aud: undefined })),
  'another audience': tokenOf(claims({ ...ACME, aud: 'logline-ui' })),
  'no issuer': tokenOf(claims({ ...ACME, iss: undefined })),
  'another issuer': tokenOf(claims({ ...ACME, iss: 'evil' })),
  'an issuer in a list': tokenOf(claims({ ...ACME, iss: ['logline-identity'] })),
  'no subject': tokenOf(claims({ ...ACME, sub: undefined })),
  'an empty subject': tokenOf(claims({ ...ACME, sub: '' })),
  'a subject that is a number': tokenOf(claims({ ...ACME, sub: 1 })),
  'a tenant that is no name': tokenOf(claims({ tenant: 'a/b' })),
  'an empty tenant': tokenOf(claims({ tenant: '' })),
  'a tenant that is a list': tokenOf(claims({ tenant: ['acme'] })),
  'a scope that is an object': tokenOf(claims({ ...ACME, scope: { admin: true } })),
  'claims that are a list': tokenOf([claims(ACME)]),
  'claims that are a text': tokenOf('claims'),
  'the operator’s token with a character more': `${ADMIN_TOKEN}x`,
  'the start of the operator’s token': ADMIN_TOKEN.slice(0, -1),
  'the operator’s token in capitals': ADMIN_TOKEN.toUpperCase(),
  'the gateway’s token': SERVICE_TOKEN,
  'the secret itself': JWT_SECRET.toString('base64url'),
};

test('every token that does not count gets the same 401, whatever is wrong with it', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  const nothing = await get(url + SPANS);
  t.is(nothing.status, 401);
  t.is(nothing.headers.get('www-authenticate'), 'Bearer realm="logline-federation"');
  t.is(nothing.body['error'], 'unauthorized');
  for (const [name, token] of Object.entries(refused)) {
    const answer = await get(url + SPANS, bearer(token));
    t.deepEqual(withoutId(answer), withoutId(nothing), name);
  }
  for (const authorization of [
    'Basic YTpi',
    `Token ${ADMIN_TOKEN}`,
    ADMIN_TOKEN,
    `Bearer ${good} x`,
    'Bearer',
  ])
    t.deepEqual(withoutId(await get(url + SPANS, { authorization })), withoutId(nothing), authorization);
});

test('a kid is a name and never a path or an address', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  const nothing = await get(url + SPANS);
  const kids = [
    '../../../../dev/null',
    '/etc/passwd',
    "' OR 1=1",
    'http://127.0.0.1:9/',
    '\0',
    'x'.repeat(4000),
  ];
  for (const kid of kids) {
    const empty = tokenOf(claims(ACME), { alg: 'HS256', kid }, hmac('sha256', ''));
    t.deepEqual(withoutId(await get(url + SPANS, bearer(empty))), withoutId(nothing), kid);
    const signed = tokenOf(claims(ACME), { alg: 'HS256', kid });
    t.is((await get(url + SPANS, bearer(signed))).status, 200, 'a kid changes nothing for the one secret');
  }
});

interface KeySet {
  readonly url: string;
  asked: number;
}

/** The keys of an identity service. */
async function publish(t: ExecutionContext, answer: RequestListener): Promise<KeySet> {
  const server = createServer((request, response) => {
    keySet.asked++;
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const keySet = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, asked: 0 };
  return keySet;
}

const jwk = (key: KeyObject, kid: string): object => ({ ...key.export({ format: 'jwk' }), kid });
const KEYS = { keys: [jwk(rsa.publicKey, 'rsa'), jwk(ec.publicKey, 'ec'), jwk(ed.publicKey, 'ed')] };
const json =
  (body: unknown): RequestListener =>
  (_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));

const byRsa = (kid = 'rsa', payload = claims(ACME)): string =>
  tokenOf(payload, { alg: 'RS256', kid }, signedWith(rsa.privateKey, 'RS256'));

test('published keys verify RS256, ES256 and EdDSA, and are fetched once', async (t) => {
  const keySet = await publish(t, json(KEYS));
  const { url } = await serve(t, { access: { ...DEFAULT_ACCESS, jwksUrl: keySet.url } });
  const tokens = [
    byRsa(),
    tokenOf(claims(ACME), { alg: 'ES256', kid: 'ec' }, signedWith(ec.privateKey, 'ES256')),
    tokenOf(claims(ACME), { alg: 'EdDSA', kid: 'ed' }, signedWith(ed.privateKey, 'EdDSA')),
  ];
  for (const token of tokens) t.is((await get(url + SPANS, bearer(token))).status, 200, token);
  t.is(keySet.asked, 1);
});

test('a public key is never a shared secret, and a key only what it is made for', async (t) => {
  const keySet = await publish(t, json({ keys: [...KEYS.keys, { kty: 'oct', kid: 'oct', k: 'AAAA' }] }));
  for (const access of [
    { ...DEFAULT_ACCESS, jwksUrl: keySet.url },
    { ...ACCESS, jwksUrl: keySet.url },
  ]) {
    const { url } = await serve(t, { access });
    const wrong = {
      'HS256 under the PEM': tokenOf(claims(ACME), { alg: 'HS256', kid: 'rsa' }, hmac('sha256', rsaPem)),
      'HS256 under the JWK': tokenOf(
        claims(ACME),
        { alg: 'HS256', kid: 'rsa' },
        hmac('sha256', JSON.stringify(KEYS.keys[0])),
      ),
      'HS256 under a published secret': tokenOf(
        claims(ACME),
        { alg: 'HS256', kid: 'oct' },
        hmac('sha256', Buffer.alloc(3)),
      ),
      'RS256 of another key': tokenOf(
        claims(ACME),
        { alg: 'RS256', kid: 'rsa' },
        signedWith(otherRsa.privateKey, 'RS256'),
      ),
      'RS256 of an unknown kid': byRsa('nobody'),
      PS256: tokenOf(claims(ACME), { alg: 'PS256', kid: 'rsa' }, signedWith(rsa.privateKey, 'RS256')),
      'ES256 under the kid of RSA': tokenOf(
        claims(ACME),
        { alg: 'ES256', kid: 'rsa' },
        signedWith(ec.privateKey, 'ES256'),
      ),
      'alg none': tokenOf(claims(ACME), { alg: 'none', kid: 'rsa' }, () => Buffer.alloc(0)),
      'an expired one': byRsa('rsa', claims({ ...ACME, exp: inSeconds(-60) })),
      'another audience': byRsa('rsa', claims({ ...ACME, aud: 'x' })),
    };
    const nothing = withoutId(await get(url + SPANS));
    for (const [name, token] of Object.entries(wrong))
      t.deepEqual(withoutId(await get(url + SPANS, bearer(token))), nothing, name);
    t.is((await get(url + SPANS, bearer(byRsa()))).status, 200, 'and the right one counts');
  }
});

test('a key set that cannot be had is no fault of the token: 503, and a redirect is not followed', async (t) => {
  const canary = await publish(t, json(KEYS));
  const ways: Readonly<Record<string, RequestListener>> = {
    'an error': (_request, response) => response.writeHead(500).end(),
    'a redirect': (_request, response) => response.writeHead(302, { location: canary.url }).end(),
    'a page': (_request, response) => response.end('<html>'),
    'no keys': json({ keys: 'none' }),
    'a flood': (_request, response) => response.end(`{"keys":[${'{},'.repeat(200_000)}{}]}`),
  };
  for (const [name, answer] of Object.entries(ways)) {
    const { url: jwksUrl } = await publish(t, answer);
    const { url } = await serve(t, { access: { ...ACCESS, jwksUrl } });
    const refusal = await get(url + SPANS, bearer(byRsa()));
    t.is(refusal.status, 503, name);
    t.is(refusal.body['error'], 'keys_unavailable');
    t.not(refusal.headers.get('retry-after'), null);
    t.is((await get(url + SPANS, user(ACME))).status, 200, 'other callers are not held up');
  }
  t.is(canary.asked, 0);
});

test('only what the configuration names counts: without a secret there are no HS256 tokens', async (t) => {
  const { url } = await serve(t, { access: { ...DEFAULT_ACCESS, adminToken: ADMIN_TOKEN } });
  t.is((await get(url + SPANS, bearer(ADMIN_TOKEN))).status, 200);
  t.is((await get(url + SPANS, user(ACME))).status, 401);
  t.is((await get(url + SPANS, bearer(tokenOf(claims(ACME), undefined, hmac('sha256', ''))))).status, 401);
  const issuers = await serve(t, { access: { ...ACCESS, jwtIssuers: ['ours'] } });
  t.is((await get(issuers.url + SPANS, user({ ...ACME, iss: 'ours' }))).status, 200);
  t.is((await get(issuers.url + SPANS, user(ACME))).status, 401);
});
