// T17: the gateway's headers, the operator's token, and what each role may do.
import test from 'ava';
import { rolesIn, seesAllTenants, type Caller } from '../dist/caller.js';
import { DEFAULT_ACCESS, ROUTES, type AccessConfig } from '../dist/index.js';
import {
  ACCESS,
  ADMIN_TOKEN,
  bearer,
  claims,
  type Claims,
  gateway,
  inSeconds,
  operator,
  SERVICE_TOKEN,
  tokenOf,
  user,
} from './callers.js';
import { get, lineOf, post, postLines, raw, serve, spanCount, spanOf, type Body } from './helpers.js';

const SPANS = '/v1/timeline/spans';
const READ = 'federation:read';
const GATEWAY_ONLY: AccessConfig = { ...DEFAULT_ACCESS, serviceToken: SERVICE_TOKEN };
const GATEWAY_AND_TOKENS: AccessConfig = { ...ACCESS, adminToken: undefined };

test('as soon as one caller is configured, every route but probes, links and the description needs one', async (t) => {
  for (const access of [
    { ...DEFAULT_ACCESS, adminToken: ADMIN_TOKEN },
    GATEWAY_ONLY,
    { ...DEFAULT_ACCESS, jwtSecret: ACCESS.jwtSecret },
    { ...DEFAULT_ACCESS, jwksUrl: 'http://127.0.0.1:9/keys' },
  ]) {
    const { url } = await serve(t, { access });
    const answering: string[] = [];
    for (const { method, path } of ROUTES) {
      const response = await fetch(url + path.replace(':id', 'x'), { method });
      await response.arrayBuffer();
      if (response.status !== 401) answering.push(`${method} ${path}`);
    }
    t.deepEqual(answering.toSorted(), [
      'GET /health',
      'GET /livez',
      // From loopback: a scraper of the own network.
      'GET /metrics',
      'GET /openapi.json',
      'GET /readyz',
      'GET /v1/federation',
    ]);
  }
});

test('the gateway speaks for a user, with the roles and the tenant of its headers', async (t) => {
  const { url } = await serve(t, { access: GATEWAY_ONLY });
  const writes = gateway('acme', 'federation:write');
  t.is((await post(url + SPANS, spanOf(1), writes)).status, 201);
  t.is((await get(url + SPANS, writes)).status, 403, 'writing is not reading');
  const reads = gateway('acme', `timeline:write ${READ}`);
  t.true((await get(url + SPANS, reads)).text.includes('span 1'));
  t.is((await post(url + SPANS, spanOf(2), reads)).status, 403);
  t.false((await get(url + SPANS, gateway('globex', READ))).text.includes('span 1'));
  const all = gateway(undefined, 'federation:admin');
  t.true((await get(`${url + SPANS}?tenant_id=acme`, all)).text.includes('span 1'));
  t.is((await get(`${url + SPANS}?tenant_id=acme`, gateway(undefined, READ))).status, 403);
});

test('behind the gateway, which sends a request again, a span has an id or the request a key', async (t) => {
  const { url, node } = await serve(t, { access: ACCESS });
  const { id: _, ...nameless } = spanOf(1);
  const writes = gateway('acme', 'federation:write');
  for (const body of [nameless, [nameless], [nameless, nameless]]) {
    const refused = await post(url + SPANS, JSON.stringify(body), writes);
    t.is(refused.status, 400);
    t.is(refused.body['error'], 'id_required');
    t.is(spanCount(node), 0);
  }
  const mixed = await post(url + SPANS, JSON.stringify([nameless, spanOf(2)]), writes);
  t.like(mixed.body, { accepted: 1, rejected_total: 1 });
  const lines = await postLines(url + SPANS, [JSON.stringify(nameless), lineOf(3)], writes);
  t.like(lines.body, { accepted: 1, rejected_total: 1 });
  t.true(lines.text.includes('id: required'));
  const keyed = { ...writes, 'idempotency-key': 'order-7' };
  for (const accepted of [1, 0]) t.is((await post(url + SPANS, nameless, keyed)).body['accepted'], accepted);
  t.is((await postLines(url + SPANS, [JSON.stringify(nameless)], keyed)).body['duplicates'], 1);
  const direct = await post(url + SPANS, nameless, user({ tenant: 'acme' }));
  t.regex(direct.headers.get('location') ?? '', /spans\/[0-9a-f]{8}-[0-9a-f]{4}-7/, 'a UUIDv7');
});

test('a key that one caller used is another one’s to use as if it were new', async (t) => {
  const { url, node } = await serve(t, { access: ACCESS });
  const { id: _, ...nameless } = spanOf(1);
  const write = async (headers: Record<string, string>, title: string): Promise<Body> =>
    (
      await post(
        `${url}${SPANS}?tenant_id=acme`,
        { ...nameless, title },
        { ...headers, 'idempotency-key': 'k' },
      )
    ).body;
  const alice = user({ tenant: 'acme' });
  t.like(await write(alice, 'hers'), { accepted: 1 });
  t.like(await write(user({ tenant: 'acme', sub: 'bob' }), 'his'), { accepted: 1 });
  t.like(
    await write(user({ tenant: 'acme', sub: 'carol' }), 'hers'),
    { accepted: 1 },
    'the same content too',
  );
  t.like(await write(operator, 'hers'), { accepted: 1 });
  t.like(
    await write(gateway('acme', 'federation:write'), 'hers'),
    { duplicates: 1 },
    'alice, by the gateway',
  );
  t.is((await write(alice, 'other'))['error'], 'bad_request', 'her own with other content');
  t.is(spanCount(node), 4);
});

test('without the gateway’s token its headers say nothing, and a wrong one is refused', async (t) => {
  const { url, port } = await serve(t, { access: ACCESS });
  const { 'x-service-token': _, ...forged } = gateway('globex', 'federation:admin');
  t.is((await get(url + SPANS, forged)).status, 401);
  for (const token of ['', 'x', SERVICE_TOKEN.slice(1), `${SERVICE_TOKEN}x`, ADMIN_TOKEN]) {
    const headers = { ...forged, 'x-service-token': token };
    t.is((await get(url + SPANS, headers)).status, 401, token);
    t.is(
      (await get(url + SPANS, { ...headers, ...user({ tenant: 'acme' }) })).status,
      401,
      'nor beside a good one',
    );
    t.is((await get(`${url + SPANS}?tenant_id=acme`, { ...headers, ...operator })).status, 401);
  }
  const reader = user({ tenant: 'acme', scope: READ });
  const lifted = { ...reader, 'x-user-roles': 'federation:admin', 'x-user-id': 'root' };
  t.is((await post(url + SPANS, spanOf(1), lifted)).status, 403, 'roles come from the token alone');
  t.is((await get(url + SPANS, { ...reader, 'x-tenant-id': 'globex' })).status, 404);
  // Underscores are another header, which some proxies make of the same name.
  const underscored = await raw(
    port,
    `GET ${SPANS}?tenant_id=acme HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx_service_token: ${SERVICE_TOKEN}\r\nx_user_roles: federation:admin\r\n\r\n`,
  );
  t.regex(underscored, /^HTTP\/1\.1 401 /);
});

test('a header that says who asks and comes twice is refused, whatever it says', async (t) => {
  const { port } = await serve(t, { access: ACCESS });
  const headers = { ...gateway('acme', READ), ...user({ tenant: 'acme', scope: READ }) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const ask = (more: readonly string[]): Promise<string> =>
    raw(
      port,
      [`GET ${SPANS} HTTP/1.1`, 'Host: x', 'Connection: close', ...lines, ...more, '', ''].join('\r\n'),
    );
  t.regex(await ask([]), /^HTTP\/1\.1 200 /);
  for (const line of lines) {
    t.regex(await ask([line]), /^HTTP\/1\.1 400 /, line);
    t.regex(await ask([`${line.split(':')[0]?.toUpperCase()}: evil`]), /^HTTP\/1\.1 400 /, line);
  }
});

test('a second header is not hidden by however many stand before it', async (t) => {
  const { port } = await serve(t, { access: GATEWAY_ONLY });
  const ask = (many: number, last: string): Promise<string> => {
    const own = Object.entries(gateway('acme', READ)).map(([name, value]) => `${name}: ${value}\r\n`);
    const lines = [`GET ${SPANS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`, ...own];
    return raw(port, `${lines.join('')}${'a:\r\n'.repeat(many)}${last}\r\n`);
  };
  for (const last of ['X-Tenant-ID: globex\r\n', 'Authorization: Bearer nobody\r\n', 'X-User-Roles: x\r\n'])
    t.regex(await ask(2500, last), /^HTTP\/1\.1 40[01] /, last);
  t.regex(await ask(2500, ''), /^HTTP\/1\.1 200 /, 'their number alone is no offence');
  t.regex(await ask(20_000, ''), /^HTTP\/1\.1 431 /, 'their bytes are bounded');
});

test('a token that the gateway forwards is verified again, and has to agree with the headers', async (t) => {
  const { url } = await serve(t, { access: GATEWAY_AND_TOKENS });
  const ask = async (tenant: string | undefined, token: string, headers = {}): Promise<number> =>
    (await get(`${url + SPANS}?tenant_id=acme`, gateway(tenant, READ, { ...bearer(token), ...headers })))
      .status;
  t.is(await ask('acme', tokenOf(claims({ tenant: 'acme' }))), 200);
  t.is(await ask(undefined, tokenOf(claims({ tenant: 'acme' }))), 200, 'the token’s tenant is enough');
  t.is(await ask('globex', tokenOf(claims({ tenant: 'acme' }))), 401);
  t.is(await ask('acme', tokenOf(claims({ tenant: 'globex' }))), 401);
  t.is(await ask('acme', tokenOf(claims({ tenant: 'acme', sub: 'bob' }))), 401, 'another user');
  t.is(await ask('acme', tokenOf(claims({ tenant: 'acme', exp: inSeconds(-60) }))), 401, 'expired');
  t.is(
    await ask(
      'acme',
      tokenOf(claims({ tenant: 'acme' }), undefined, () => Buffer.alloc(32)),
    ),
    401,
    'forged',
  );
  t.is(await ask('acme', 'x'), 401);
  t.is(await ask('acme', tokenOf(claims({ tenant: 'acme', scope: '' }))), 403, 'roles come from the token');
  // The client's own header passed through the gateway, since the token names no tenant.
  t.is(await ask('acme', tokenOf(claims())), 403);
  t.is(await ask('acme', tokenOf(claims({ scope: 'federation:admin' }))), 200, 'who sees all may name one');
});

test('where it cannot be verified here, a forwarded token can only narrow what the gateway says', async (t) => {
  const { url } = await serve(t, { access: GATEWAY_ONLY });
  const ask = async (tenant: string | undefined, roles: string, differing: Claims): Promise<number> =>
    (await get(`${url + SPANS}?tenant_id=acme`, gateway(tenant, roles, user({ ...differing })))).status;
  t.is(await ask('acme', READ, { tenant: 'acme' }), 200);
  t.is(await ask('acme', READ, {}), 401, 'a tenant that only the client named');
  t.is(await ask(undefined, 'federation:admin', { tenant: 'acme' }), 401);
  t.is(await ask('acme', READ, { tenant: 'acme', sub: 'bob' }), 401);
  t.is(await ask('acme', READ, { tenant: 'acme', scope: 'federation:write' }), 403, 'roles that both name');
  t.is(await ask('acme', 'federation:write', { tenant: 'acme', scope: READ }), 403);
  t.is((await get(url + SPANS, gateway('acme', READ, bearer('x')))).status, 401);
});

test('the operator comes by itself, never through the gateway', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  t.is((await get(`${url + SPANS}?tenant_id=acme`, operator)).status, 200);
  t.is((await get(`${url}/v1/sync/status`, operator)).status, 200);
  t.is((await get(`${url + SPANS}?tenant_id=acme`, gateway(undefined, READ, operator))).status, 401);
  t.is((await get(`${url + SPANS}?tenant_id=acme`, { 'x-service-token': ADMIN_TOKEN })).status, 401);
  // A page of another origin cannot know the token, and a gateway passes its clients' origins on.
  const origin = { origin: 'https://console.example' };
  t.is((await post(`${url + SPANS}?tenant_id=acme`, spanOf(1), { ...operator, ...origin })).status, 201);
});

test('what a role may do, with a tenant and without one', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  const routes = {
    spans: () => '/v1/timeline/spans?tenant_id=acme',
    nodes: () => '/v1/nodes',
    metrics: () => '/metrics',
  };
  const may = async (differing: Claims): Promise<Record<string, number>> => {
    const headers = user(differing);
    const statuses: Record<string, number> = {};
    for (const [name, path] of Object.entries(routes))
      statuses[name] = (await get(url + path(), headers)).status;
    statuses['append'] = (await post(`${url + SPANS}?tenant_id=acme`, spanOf(1), headers)).status;
    statuses['sync'] = (await post(`${url}/v1/sync/timeline`, '', headers)).status;
    statuses['discover'] = (
      await post(`${url}/v1/nodes/discover`, { discovery_method: 'manual' }, headers)
    ).status;
    statuses['establish'] = (await post(`${url}/v1/trust/establish`, {}, headers)).status;
    return statuses;
  };
  const acme = { tenant: 'acme' };
  const none = {
    spans: 403,
    nodes: 403,
    metrics: 403,
    append: 403,
    sync: 403,
    discover: 403,
    establish: 403,
  };
  t.deepEqual(await may({ scope: '' }), none);
  t.deepEqual(await may({ ...acme, scope: 'federation:Read xfederation:admin federation' }), none);
  t.deepEqual(await may({ ...acme, scope: READ }), { ...none, spans: 200, nodes: 200 });
  t.deepEqual(await may({ ...acme, scope: 'federation:write' }), { ...none, append: 201, sync: 200 });
  const ofTenant = { ...none, spans: 200, nodes: 200, append: 201, sync: 200 };
  t.deepEqual(await may({ ...acme, scope: 'federation:admin' }), ofTenant, 'no admin of the node');
  t.deepEqual(await may({ scope: `${READ} federation:write` }), { ...none, nodes: 200, metrics: 200 });
  const all = { ...ofTenant, metrics: 200, discover: 200, establish: 400 };
  t.deepEqual(await may({ scope: 'federation:admin' }), all);
});

test('scope words are whole words, and only an unbound admin sees all tenants', (t) => {
  t.deepEqual([...rolesIn('federation:read  federation:admin')], ['read', 'admin']);
  t.deepEqual([...rolesIn('federation:readx,federation:write\tfederation:admin federation: read')], []);
  const caller: Caller = {
    kind: 'bearer',
    name: 'alice',
    roles: new Set(['admin']),
    tenant: undefined,
    expiresAtMs: undefined,
  };
  t.true(seesAllTenants(caller));
  t.false(seesAllTenants({ ...caller, roles: new Set(['read', 'write']) }));
});

test('metrics are for scrapers of the own network, and for readers who are bound to no tenant', async (t) => {
  const { url } = await serve(t, { access: ACCESS });
  const status = async (headers = {}): Promise<number> => (await get(`${url}/metrics`, headers)).status;
  t.is(await status(), 200);
  t.is(await status(operator), 200);
  t.is(await status({ 'x-forwarded-for': '10.0.0.1' }), 401);
  t.is(await status({ 'x-tenant-id': 'acme' }), 401, 'whoever shows something is judged by it');
  t.is(await status(bearer('x')), 401);
  t.is(await status(gateway('acme', READ)), 403);
  const text = (await get(`${url}/metrics`)).text;
  t.regex(text, /^federation_callers_refused_total 3$/m);
});
