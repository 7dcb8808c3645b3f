// Who may ask for what while no authentication is configured.
import { hostname } from 'node:os';
import test from 'ava';
import { checkConnection, connectionOf, type Access, type Connection } from '../dist/access.js';
import { isLoopback, isPrivate } from '../dist/addresses.js';
import { reachableFrom } from '../dist/admission.js';
import { HttpProblem } from '../dist/problem.js';
import { get, post, raw, serve, spanOf } from './helpers.js';

const LOOPBACK = ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1', '::ffff:7f00:1'];
const PRIVATE = [
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.0.9',
  '::ffff:10.1.2.3',
  'fd12:3456::1',
  'fc00::1',
  'fe80::1',
  'fe80::1%eth0',
];
const PUBLIC = [
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.1.1',
  '192.169.1.1',
  '100.64.0.1',
  '100.127.255.255',
  '126.255.255.255',
  '128.0.0.1',
  '0.0.0.0',
  '::',
  '::ffff:8.8.8.8',
  '::ffff:100.64.0.1',
  '2001:db8::1',
  'fec0::1',
  '64:ff9b::7f00:1',
  '::127.0.0.1',
  '',
  'localhost',
  '127.0.0.1.evil.example',
];

test('loopback is this machine, also when IPv6 wraps it, and nothing else', (t) => {
  for (const address of LOOPBACK) t.true(isLoopback(address), address);
  for (const address of [...PRIVATE, ...PUBLIC]) t.false(isLoopback(address), address);
});

test('private addresses are those of the local network; carrier-grade NAT is not among them', (t) => {
  for (const address of [...LOOPBACK, ...PRIVATE]) t.true(isPrivate(address), address);
  for (const address of PUBLIC) t.false(isPrivate(address), address);
});

const caller = (members: Partial<Connection> = {}): Connection => ({
  address: '127.0.0.1',
  method: 'GET',
  host: 'localhost:8080',
  origin: undefined,
  relay: undefined,
  ...members,
});

const isAllowed = (access: Access, members: Partial<Connection>): boolean => {
  try {
    checkConnection(access, caller(members));
    return true;
  } catch (error) {
    if (error instanceof HttpProblem && error.status === 403 && error.message.length > 40) return false;
    throw error;
  }
};

test('each kind of route answers its own callers only', (t) => {
  const answers = (address: string): readonly boolean[] =>
    (['open', 'private', 'loopback'] as const).map((access) => isAllowed(access, { address }));
  t.deepEqual(answers('127.0.0.1'), [true, true, true]);
  t.deepEqual(answers('192.168.1.1'), [true, true, false]);
  t.deepEqual(answers('8.8.8.8'), [true, false, false]);
});

const PUBLIC_NAMES = [
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'xlocalhost.',
  'evil.local.',
  '8.8.8.8',
  '8.8.8.8:80',
  '[2001:db8::1]:80',
  '[::1',
  '',
];

test('on loopback routes the Host header names loopback, by an address or by a name that cannot be public', (t) => {
  const own = ['localhost', 'LOCALHOST:1', '127.0.0.1:80', '127.8.8.8', '[::1]:80', '[::1]'];
  for (const host of own) t.true(isAllowed('loopback', { host }), host);
  t.is(isAllowed('loopback', { host: hostname() }), !hostname().includes('.'));
  for (const host of [...PUBLIC_NAMES, '192.168.1.2', 'logline-federation:8080', 'node.local', undefined])
    t.false(isAllowed('loopback', { host }), host);
});

test('on routes for the local network it names something that public DNS does not serve', (t) => {
  const inner = ['localhost:8084', '192.168.1.2', '[fd12::1]:80', 'logline-federation:8080', hostname()];
  for (const host of [
    ...inner,
    'alpha.default.svc.cluster.local',
    'Alpha.Internal:80',
    'pi.lan',
    'a.home.arpa',
  ])
    t.true(isAllowed('private', { host, address: '10.0.0.1' }), host);
  for (const host of [...PUBLIC_NAMES, undefined])
    t.false(isAllowed('private', { host, address: '10.0.0.1' }), host);
});

test('a web page of another origin may not write, whatever the route', (t) => {
  const write = { method: 'POST', host: 'localhost:8080' };
  for (const access of ['open', 'private', 'loopback'] as const) {
    t.true(isAllowed(access, { ...write, origin: 'http://localhost:8080' }), access);
    for (const origin of ['http://evil.example', 'http://localhost:3000', 'null', 'https://localhost', ''])
      t.false(isAllowed(access, { ...write, origin }), `${access} ${origin}`);
  }
  t.true(isAllowed('private', { method: 'GET', origin: 'http://evil.example' }));
});

test('a request that a proxy or a gateway passed on is nobody of this machine or of the local network', (t) => {
  t.false(isAllowed('loopback', { relay: 'HTTP/1.0' }));
  t.false(isAllowed('private', { relay: 'the header via' }));
  t.true(isAllowed('open', { relay: 'the header via' }));
});

test('a proxy gives itself away by a header, or by the version that it speaks', (t) => {
  const relayOf = (headers: Record<string, string>, httpVersion = '1.1'): string | undefined =>
    connectionOf({ headers, httpVersion, socket: {} } as unknown as Parameters<typeof connectionOf>[0]).relay;
  t.is(relayOf({ host: 'localhost', 'x-tenant-id': 'acme', 'user-agent': 'curl' }), undefined);
  t.is(relayOf({}, '1.0'), 'HTTP/1.0');
  for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'x-user-id', 'x-service-token'])
    t.is(relayOf({ [name]: '' }), `the header ${name}`);
});

test('the rules hold on a running server', async (t) => {
  const { url, port } = await serve(t);
  const asEvil = { host: 'evil.example' };
  const rebound = await raw(
    port,
    'GET /v1/timeline/spans?tenant_id=acme HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
  );
  t.regex(rebound, /^HTTP\/1\.1 403 /);
  t.true(rebound.includes('"error":"forbidden"'), JSON.stringify(asEvil));
  for (const path of ['/v1/timeline/spans?tenant_id=acme', '/v1/nodes', '/metrics']) {
    for (const name of ['x-forwarded-for', 'via', 'x-user-roles'])
      t.is((await get(url + path, { [name]: '127.0.0.1' })).status, 403, `${name} ${path}`);
    // What nginx sends where nothing but proxy_pass is configured.
    const bare = `GET ${path} HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
    t.regex(await raw(port, bare), /^HTTP\/1\.1 403 /, path);
    t.regex(await raw(port, bare.replace('1.0', '1.1')), /^HTTP\/1\.1 200 /, path);
    t.regex(
      await raw(port, bare.replace(/1\.0(.*)\d+\r\nC/s, '1.1\r\nHost: evil.example\r\nC')),
      / 403 /,
      path,
    );
  }
  const fromPage = await post(`${url}/v1/timeline/spans?tenant_id=acme`, spanOf(1), {
    origin: 'http://evil.example',
  });
  t.is(fromPage.status, 403);
  t.is((await get(`${url}/v1/timeline/spans?tenant_id=acme`)).text, '{"spans":[],"next_cursor":null}');
});

test('without callers only probes, links and the description answer everyone', async (t) => {
  const { ROUTES } = await import('../dist/index.js');
  const answering = (access: Access): readonly string[] =>
    ROUTES.filter((route) => reachableFrom(route) === access).map((route) => `${route.method} ${route.path}`);
  t.deepEqual(answering('open').toSorted(), [
    'GET /health',
    'GET /livez',
    'GET /openapi.json',
    'GET /readyz',
    'GET /v1/federation',
  ]);
  t.deepEqual(answering('private').toSorted(), [
    'GET /metrics',
    'GET /v1/nodes',
    'GET /v1/sync/status',
    'GET /v1/trust/relationships',
  ]);
});
