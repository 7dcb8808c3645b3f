// Who may ask for what while no authentication is configured.
import { hostname } from 'node:os';
import test from 'ava';
import { checkAddress, isLoopback, isPrivate, type Access, type Connection } from '../dist/access.js';
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
  forwarded: false,
  ...members,
});

const isAllowed = (access: Access, members: Partial<Connection>): boolean => {
  try {
    checkAddress(access, caller(members));
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

test('a Host header that another DNS could point here is refused on loopback routes', (t) => {
  const own = ['localhost', 'LOCALHOST:1', '127.0.0.1:80', '[::1]:80', '[::1]', '192.168.1.2', hostname()];
  for (const host of own) t.true(isAllowed('loopback', { host }), host);
  const foreign = [
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'xlocalhost',
    '',
  ];
  for (const host of foreign) t.false(isAllowed('loopback', { host }), host);
  t.true(isAllowed('private', { host: 'logline-federation:8080' }));
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

test('a request that a proxy forwarded is nobody on this machine', (t) => {
  t.false(isAllowed('loopback', { forwarded: true }));
  t.true(isAllowed('private', { forwarded: true }));
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
  for (const name of [
    'x-forwarded-for',
    'forwarded',
    'x-real-ip',
    'via',
    'x-forwarded-proto',
    'x-forwarded-host',
  ]) {
    const answer = await get(`${url}/v1/timeline/spans?tenant_id=acme`, { [name]: '127.0.0.1' });
    t.is(answer.status, 403, name);
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
