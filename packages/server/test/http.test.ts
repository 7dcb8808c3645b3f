// Manners of the HTTP server: paths and methods that are not there, probes, metrics, and odd requests.
import test from 'ava';
import { get, post, raw, serve, spanOf } from './helpers.js';

test('an unknown path is 404, a wrong method 405 with what is allowed', async (t) => {
  const { url } = await serve(t);
  for (const path of [
    '/',
    '/v1',
    '/v1/node',
    '/v1/nodes/',
    '/V1/nodes',
    '/v1/timeline/spans/a/b',
    '//v1/nodes',
    '/%',
    '/%00',
    '/v1/timeline/spans/%E0%A4%A/x',
  ]) {
    const answer = await get(url + path);
    t.is(answer.status, 404, `${path}: ${answer.text}`);
    t.is(answer.body['error'], 'not_found');
  }
  for (const method of ['DELETE', 'PUT', 'PATCH', 'PROPFIND', 'POST']) {
    const answer = await fetch(`${url}/v1/nodes`, { method });
    t.is(answer.status, 405, method);
    t.is(answer.headers.get('allow'), 'HEAD, GET, OPTIONS');
    await answer.arrayBuffer();
  }
  const spans = await fetch(`${url}/v1/timeline/spans`, { method: 'PUT' });
  t.deepEqual((spans.headers.get('allow') ?? '').split(', ').toSorted(), ['GET', 'HEAD', 'OPTIONS', 'POST']);
  t.is((await fetch(`${url}/v1/nodes`, { method: 'OPTIONS' })).status, 204);
  t.is((await fetch(`${url}/health`, { method: 'HEAD' })).status, 200);
});

test('an id in a path that cannot be decoded is no fault of ours', async (t) => {
  const { url, port } = await serve(t);
  for (const id of ['%', '%E0%A4%A', '%00', '%2e%2e', '__proto__', 'x'.repeat(8000)]) {
    const answer = await get(`${url}/v1/timeline/spans/${id}?tenant_id=acme`);
    t.true(answer.status >= 400 && answer.status < 500, `${id.slice(0, 20)}: ${answer.status}`);
  }
  for (const target of ['http://evil.example/health', '*', '/health?%', '/health#x', '\\health']) {
    const answer = await raw(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    t.notRegex(answer, /^HTTP\/1\.1 5/, target);
  }
});

test('every answer carries an id, and a usable one of the caller is kept', async (t) => {
  const { url } = await serve(t);
  t.regex((await get(`${url}/health`)).headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  const kept = await get(`${url}/v1/nope`, { 'x-request-id': 'trace-7' });
  t.is(kept.headers.get('x-request-id'), 'trace-7');
  t.is(kept.body['request_id'], 'trace-7');
  const odd = await get(`${url}/health`, { 'x-request-id': 'a b"c' });
  t.not(odd.headers.get('x-request-id'), 'a b"c');
});

test('answers forbid browsers to do anything with them', async (t) => {
  const { url } = await serve(t);
  const { headers } = await get(`${url}/health`);
  t.is(headers.get('x-content-type-options'), 'nosniff');
  t.is(headers.get('content-security-policy'), "default-src 'none';frame-ancestors 'none'");
  t.is(headers.get('access-control-allow-origin'), null);
});

test('a node without peers is healthy, live and ready; the last sync is null before the first', async (t) => {
  const { url } = await serve(t, { name: 'alice' });
  const { body } = await get(`${url}/health`);
  const { disk, ...rest } = body;
  t.deepEqual(rest, {
    status: 'healthy',
    node_id: 'logline-id://node/alice',
    peers_connected: 0,
    last_sync: null,
    reasons: [],
    connectivity: { status: 'ok', peers_listed: 0, peers_connected: 0, peers_away: 0 },
    sync: { status: 'ok', pending_syncs: 0, peers_in_sync: 0, last_sync: null },
    trust: { status: 'ok', verified: 0, pending: 0, revoked: 0, unconfirmed_keys: 0 },
    latency: { status: 'unknown', median_ms: null, max_ms: null, peers_skewed: 0 },
    certificate: { status: 'none', expires_at: null },
  });
  t.true(['ok', 'unknown'].includes((disk as { status: string }).status));
  t.deepEqual((await get(`${url}/livez`)).body, { status: 'ok' });
  t.deepEqual((await get(`${url}/readyz`)).body, { status: 'ok' });
});

test('the metrics have the names of the specification, and count what happened', async (t) => {
  const { url } = await serve(t);
  await post(`${url}/v1/timeline/spans?tenant_id=secret-tenant`, spanOf(1));
  await get(`${url}/v1/no-such-route-${'x'.repeat(50)}`);
  const answer = await get(`${url}/metrics`);
  t.is(answer.status, 200);
  t.true((answer.headers.get('content-type') ?? '').startsWith('text/plain; version=0.0.4'));
  for (const type of [
    'federation_peers_connected gauge',
    'federation_sync_duration_seconds histogram',
    'federation_trust_relationships_total counter',
    'federation_network_latency_seconds histogram',
  ])
    t.true(answer.text.includes(`# TYPE ${type}\n`), type);
  t.true(answer.text.includes('federation_spans_written_total 1\n'));
  t.true(answer.text.includes('federation_peers_connected 0\n'));
  // Names that callers choose must not become series.
  t.false(answer.text.includes('secret-tenant') || answer.text.includes('no-such-route'));
  for (const [, name, type] of answer.text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    t.is(name?.endsWith('_total'), type === 'counter', name);
  for (const [, name] of answer.text.matchAll(/^# TYPE (\S+) /gm))
    t.true(answer.text.includes(`# HELP ${name} `), name);
});

test('the link between nodes answers plain requests and foreign upgrades with 426', async (t) => {
  const { url, port } = await serve(t);
  const plain = await get(`${url}/v1/federation`);
  t.is(plain.status, 426);
  t.is(plain.headers.get('upgrade'), 'websocket');
  const upgrade =
    'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  t.regex(await raw(port, `GET /v1/federation HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 426 /);
  const foreign = `${upgrade}Sec-WebSocket-Protocol: chat\r\n\r\n`;
  t.regex(await raw(port, `GET /v1/federation HTTP/1.1\r\n${foreign}`), /^HTTP\/1\.1 426 /);
  t.regex(await raw(port, `GET /v1/nodes HTTP/1.1\r\n${upgrade}\r\n`), /^HTTP\/1\.1 404 /);
});

test('an offer to speak HTTP/2 is passed over, as many clients make it', async (t) => {
  const { port } = await serve(t);
  const offer =
    'Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
  const answer = await raw(port, `GET /health HTTP/1.1\r\n${offer}\r\n`);
  t.regex(answer, /^HTTP\/1\.1 200 /);
  t.true(answer.includes('"status":"healthy"'));
  const withBody = await raw(port, `POST /v1/sync/timeline HTTP/1.1\r\n${offer}Content-Length: 2\r\n\r\n{}`);
  t.regex(withBody, /^HTTP\/1\.1 400 /);
});

test('a connection that does not finish its headers is given up', async (t) => {
  const { port } = await serve(t);
  const [nothing, half] = await Promise.all([raw(port, ''), raw(port, 'GET /health HTTP/1.1\r\nHost: loc')]);
  // Node answers where a request has begun.
  t.is(nothing.replace(/^HTTP\/1\.1 408 [\s\S]*$/, ''), '');
  t.regex(half, /^HTTP\/1\.1 408 /);
});
