/** T17: who asks is who has shown it. Headers of a gateway that is none, tokens that are wrong in every way, and guesses without end. */

import { randomBytes } from 'node:crypto';
import { newSpan } from '@logline/federation-core/testing';
import { figure, TENANT } from '../support/rest.js';
import type { Siege } from '../support/siege.js';
import { openTcp, within } from '../support/strangers.js';
import { ask, sameFor, signed, type Answer } from './callers.js';
import { CLOSE_MS } from '../support/link-ends.js';
import { appendTo, hostileGround } from './ground.js';

const ADMIN = randomBytes(24).toString('hex');
const SERVICE = randomBytes(24).toString('hex');
const SECRET = randomBytes(40).toString('hex').slice(0, 63);
/** Wrong tokens that an address may show within a minute. */
const GUESSES = 30;

const hostile = hostileGround({
  tenants: '*',
  adminToken: ADMIN,
  env: { FEDERATION_SERVICE_TOKEN: SERVICE, FEDERATION_JWT_SECRET: SECRET },
});

const SPANS = `/v1/timeline/spans?tenant_id=${TENANT}`;
const ROUTES = [
  SPANS,
  '/v1/timeline/spans',
  '/v1/nodes',
  '/v1/sync/status',
  '/v1/trust/graph',
  '/v1/tenants',
];
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

function claims(differing: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    sub: 'alice',
    iss: 'logline-identity',
    aud: 'logline',
    exp: inSeconds(300),
    scope: 'federation:read federation:write',
    tenant: TENANT,
    ...differing,
  };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Something that only who may read the tenant sees. */
async function plantCanary(siege: Siege, tenant: string): Promise<string> {
  const canary = randomBytes(20).toString('hex');
  await appendTo(siege, tenant, [newSpan({ title: canary })]);
  return canary;
}

hostile('T17 headers of a gateway that shows no token of its own open nothing', async (t, siege) => {
  const canary = await plantCanary(siege, TENANT);
  const user = { 'x-user-id': 'root', 'x-tenant-id': TENANT, 'x-user-roles': 'federation:admin' };
  const forged: readonly Record<string, string>[] = [
    user,
    { ...user, 'x-service-token': '' },
    { ...user, 'x-service-token': SERVICE.slice(1) },
    { ...user, 'x-service-token': `${SERVICE}0` },
    { ...user, 'x-service-token': ADMIN },
    { ...user, x_service_token: SERVICE },
    { ...user, 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
    { ...user, authorization: `Basic ${Buffer.from(`root:${ADMIN}`).toString('base64')}` },
    { ...user, cookie: `token=${ADMIN}`, 'proxy-authorization': `Bearer ${ADMIN}` },
  ];
  const before = await figure(siege.alice, 'federation_callers_refused_total');
  let asked = 0;
  for (const [i, headers] of forged.entries()) {
    for (const path of ROUTES) {
      const answer = await ask(siege, { path, headers, from: `127.17.1.${i + 1}` });
      asked++;
      t.is(answer.status, 401, `${path} ${JSON.stringify(headers)}`);
      t.false(answer.text.includes(canary));
    }
    const post = { path: SPANS, method: 'POST', body: JSON.stringify(newSpan()) } as const;
    const write = await ask(siege, {
      ...post,
      headers: { ...headers, 'content-type': 'application/json' },
      from: `127.17.1.${i + 1}`,
    });
    asked++;
    t.is(write.status, 401);
  }
  t.true(
    (await figure(siege.alice, 'federation_callers_refused_total')) - before >= asked,
    'each is counted',
  );
  const seen = await ask(siege, { path: SPANS, headers: { ...user, 'x-service-token': SERVICE } });
  t.true(seen.text.includes(canary), 'the gateway itself is heard');
});

hostile(
  'T17 a header that says who asks and comes twice is refused, in whatever order and spelling',
  async (t, siege) => {
    const canary = await plantCanary(siege, TENANT);
    const honest = [
      'X-Service-Token',
      SERVICE,
      'X-User-ID',
      'alice',
      'X-Tenant-ID',
      'nobody',
      'X-User-Roles',
      'federation:read',
    ];
    const second = [
      ['X-Tenant-ID', TENANT],
      ['x-tenant-id', 'nobody'],
      ['X-USER-ROLES', 'federation:admin'],
      ['X-User-Id', 'root'],
      ['X-Service-Token', SERVICE],
      ['Authorization', `Bearer ${ADMIN}`, 'authorization', `Bearer ${ADMIN}`],
    ];
    for (const more of second) {
      for (const headers of [
        [...honest, ...more],
        [...more, ...honest],
      ]) {
        const answer = await ask(siege, { path: SPANS, headers });
        t.is(answer.status, 400, `${more.join(' ')}: ${answer.text.slice(0, 200)}`);
        t.false(answer.text.includes(canary));
      }
    }
    const { socket, ended } = openTcp(t, siege.url);
    const fillers = 'a:\r\n'.repeat(2500);
    socket.write(
      `GET ${SPANS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${ADMIN}\r\n${fillers}X-Tenant-ID: a\r\nX-Tenant-ID: b\r\n\r\n`,
    );
    t.regex(await within(CLOSE_MS, 'the hidden second header', ended), /^HTTP\/1\.1 400 /);
  },
);

hostile(
  'T17 every token that does not count gets one answer, whatever is wrong with it',
  async (t, siege) => {
    const canary = await plantCanary(siege, TENANT);
    const [head = '', body = '', mac = ''] = signed(claims(), SECRET).split('.');
    const none = (alg: string): string =>
      `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${body}.`;
    const other = Buffer.from(JSON.stringify(claims({ tenant: 'globex' }))).toString('base64url');
    const wrong: Readonly<Record<string, string>> = {
      'no algorithm': none('none'),
      'no algorithm, spelled otherwise': none('nOnE'),
      'an algorithm of public keys': signed(claims(), SECRET, { alg: 'RS256' }),
      'a longer hash': signed(claims(), SECRET, { alg: 'HS512' }, 'sha512'),
      'a list of algorithms': signed(claims(), SECRET, { alg: ['HS256'] }),
      'a key by its path': signed(claims(), '', { alg: 'HS256', kid: '../../../../dev/null' }),
      'a key of its own': signed(claims(), 'k', { alg: 'HS256', jwk: { kty: 'oct', k: 'aw' } }),
      'a key at an address': signed(claims(), 'k', { alg: 'HS256', jku: 'http://127.0.0.1:9/keys' }),
      'a critical header': signed(claims(), SECRET, { alg: 'HS256', crit: ['b64'], b64: false }),
      'another secret': signed(claims(), `${SECRET}0`),
      'an empty secret': signed(claims(), ''),
      'other claims under the same signature': `${head}.${other}.${mac}`,
      'no signature': `${head}.${body}.`,
      'a signature cut short': `${head}.${body}.${mac.slice(0, -2)}`,
      'a fourth part': `${head}.${body}.${mac}.${mac}`,
      'an end in the past': signed(claims({ exp: inSeconds(-60) }), SECRET),
      'no end': signed(claims({ exp: undefined }), SECRET),
      'an end that is a text': signed(claims({ exp: String(inSeconds(300)) }), SECRET),
      'a beginning in the future': signed(claims({ nbf: inSeconds(600) }), SECRET),
      'another audience': signed(claims({ aud: 'loglines' }), SECRET),
      'another issuer': signed(claims({ iss: 'mallory' }), SECRET),
      nobody: signed(claims({ sub: undefined }), SECRET),
      'a tenant that is none': signed(claims({ tenant: ['acme'] }), SECRET),
      'claims that are a list': signed([claims()], SECRET),
      'no token at all': 'x',
      'the service token': SERVICE,
    };
    t.true(Object.keys(wrong).length < GUESSES);
    const answers = new Set<string>();
    for (const [what, token] of Object.entries(wrong)) {
      const answer = await ask(siege, { path: SPANS, headers: bearer(token), from: '127.17.2.1' });
      t.is(answer.status, 401, what);
      t.false(answer.text.includes(canary), what);
      answers.add(sameFor(answer));
    }
    t.is(answers.size, 1, 'nothing is said of what was wrong');
    const good = await ask(siege, {
      path: SPANS,
      headers: bearer(signed(claims(), SECRET)),
      from: '127.17.2.1',
    });
    t.true(good.text.includes(canary), 'the right one is heard');
  },
);

hostile(
  'T17 a user of one tenant gains nothing by headers beside its token, nor by the gateway’s',
  async (t, siege) => {
    const canary = await plantCanary(siege, 'globex');
    const own = bearer(signed(claims(), SECRET));
    const lifted = {
      ...own,
      'x-user-roles': 'federation:admin',
      'x-user-id': 'root',
      'x-tenant-id': 'globex',
    };
    const spans = '/v1/timeline/spans?tenant_id=globex';
    const expected: readonly (readonly [path: string, headers: Record<string, string>, status: number])[] = [
      [spans, own, 404],
      ['/v1/timeline/spans', lifted, 404],
      ['/v1/trust/graph', lifted, 403],
      ['/v1/tenants', lifted, 403],
      ['/v1/trust/acts', lifted, 403],
      ['/metrics', lifted, 403],
      // Through the gateway, which passes its client's own headers on.
      [spans, { ...lifted, 'x-service-token': SERVICE }, 401],
      [spans, { ...own, 'x-service-token': SERVICE, 'x-user-id': 'alice' }, 404],
      [spans, { ...own, 'x-service-token': SERVICE, 'x-tenant-id': 'globex' }, 401],
      ['/v1/tenants', { ...own, 'x-service-token': SERVICE, 'x-user-roles': 'federation:admin' }, 403],
    ];
    for (const [i, [path, headers, status]] of expected.entries()) {
      const answer = await ask(siege, { path, headers, from: `127.17.3.${i + 1}` });
      t.is(answer.status, status, `${path} ${JSON.stringify(headers)} ${answer.text}`);
      t.false(answer.text.includes(canary));
    }
  },
);

hostile(
  'T17 a thousand guesses from one address are cut off, and keep nobody out but who guesses',
  async (t, siege) => {
    const from = '127.17.4.1';
    const user = bearer(signed(claims(), SECRET));
    const before = await ask(siege, { path: '/v1/nodes', headers: siege.alice.headers, from });
    t.is(before.status, 200);
    const answers: Answer[] = [];
    for (let round = 0; round < 20; round++) {
      const guesses = Array.from({ length: 50 }, () => bearer(randomBytes(24).toString('hex')));
      answers.push(
        ...(await Promise.all(guesses.map((headers) => ask(siege, { path: SPANS, headers, from })))),
      );
    }
    t.true(answers.every(({ status }) => status === 401 || status === 429));
    t.true(
      answers.filter(({ status }) => status === 401).length <= 2 * GUESSES,
      'a minute may have ended meanwhile',
    );
    const last = answers.findLast(({ status }) => status === 429);
    t.regex(String(last?.headers['retry-after']), /^([1-9]|[1-5]\d|60)$/);
    const statusOf = async (headers: Record<string, string>, at: string): Promise<number> =>
      (await ask(siege, { path: SPANS, headers, from: at })).status;
    t.is(await statusOf({ ...siege.alice.headers }, from), 200, 'the operator, who was there before');
    t.is(await statusOf(user, from), 200, 'a user with a signed token');
    t.is(await statusOf({ 'x-service-token': SERVICE.slice(1) }, from), 429);
    t.is(await statusOf(user, '127.17.4.2'), 200);
    t.is(await statusOf(bearer('x'), '127.17.4.2'), 401, 'another address is told what is wrong');
    t.true(siege.alice.told('caller_limited').some(({ address }) => String(address).endsWith(from)));
  },
);
