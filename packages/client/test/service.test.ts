// The client against a real node: every method does what it says.
import test from 'ava';
import { parseTenant } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import { DEFAULT_ACCESS } from '@logline/federation-server';
import { LoglineFederationClient, LoglineFederationError, type Span } from '../dist/index.js';
import { answer, serve } from './http-server.js';
import { spanOf, startService } from './service.js';

const ACME = ['acme'].flatMap((name) => parseTenant(name) ?? []);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('a node alone tells that it is well, has no peers and has never synchronized', async (t) => {
  const { client, server } = await startService(t, { name: 'alice' });
  const health = await client.health();
  t.is(health.status, 'healthy');
  t.is(health.node_id, server.node.id);
  t.is(health.last_sync, null);
  t.deepEqual(await client.nodes(), []);
  t.deepEqual(await client.trustRelationships(), []);
  t.deepEqual((await client.discover()).nodes, []);
  t.is((await client.syncStatus()).last_sync, null);
  t.is((await client.sync()).status, 'no_peers');
  t.is((await client.openapi())['openapi'], '3.1.0');
});

test('two nodes that trust each other hold the same spans after a sync', async (t) => {
  const alice = await startService(t, { name: 'alice', tenants: ACME });
  const bob = await startService(t, { name: 'bob', tenants: ACME });
  const pending = await alice.client.establishTrust({ peer_address: bob.server.url });
  t.is(pending.trust_level, 'pending');
  const verified = await bob.client.establishTrust({
    peer_address: alice.server.url,
    fingerprint: alice.server.node.fingerprint,
  });
  t.is(verified.trust_level, 'verified');
  t.is(verified.peer_id, alice.server.node.id);

  await alice.client.append(spanOf(1));
  const result = await bob.client.sync({ tenant_filter: 'acme' });
  t.is(result.status, 'completed');
  t.like(await bob.client.get(spanOf(1).id), spanOf(1));
  const [peer] = await bob.client.nodes();
  t.is(peer?.status, 'connected');
  t.is(peer?.fingerprint, alice.server.node.fingerprint);
  const [relationship] = await bob.client.trustRelationships();
  t.is(relationship?.trust_level, 'verified');
  t.deepEqual((await bob.client.syncStatus()).peers_in_sync, [alice.server.node.id]);
  await eventually('discovery finds the peer', async () => (await bob.client.discover()).nodes.length === 1);
});

test('a sync that becomes a job is followed to its end', async (t) => {
  const peers = [
    {
      peer_id: null,
      address: 'ws://bob:1',
      outcome: 'in_sync',
      entries_received: 1,
      entries_sent: 2,
      duration_ms: 3,
      detail: null,
    },
  ];
  const server = await serve(t, (request, response, count) => {
    request.resume();
    if (request.method === 'POST')
      return answer(response, 202, { status: 'running', job_id: 'j 1', status_url: '/x' });
    const times = { job_id: 'j 1', started_at: 'now', finished_at: null };
    if (count < 4) return answer(response, 200, { ...times, status: 'running', detail: null, peers: [] });
    return answer(response, 200, { ...times, status: 'completed', detail: null, peers });
  });
  const client = new LoglineFederationClient({ baseUrl: `${server.url}/federation/` });
  const result: unknown = await client.sync();
  t.deepEqual(result, { status: 'completed', detail: null, peers });
  t.deepEqual(
    server.requests.map(({ url }) => url),
    ['/federation/v1/sync/timeline', ...Array.from({ length: 3 }, () => '/federation/v1/sync/jobs/j%201')],
  );
});

test('an unhealthy node says so without delay, and that is no error', async (t) => {
  const health = {
    status: 'unhealthy',
    node_id: 'logline-id://node/alice',
    peers_connected: 0,
    last_sync: null,
    reasons: ['the disk is full'],
  };
  const server = await serve(t, (_request, response) => answer(response, 503, health));
  const told: unknown = await new LoglineFederationClient({ baseUrl: server.url }).health();
  t.deepEqual(told, health);
  t.is(server.requests.length, 1);
});

test('appended spans are there to read, and appending them again changes nothing', async (t) => {
  const { client } = await startService(t);
  t.like(await client.append(spanOf(1)), { accepted: 1, duplicates: 0, rejected_total: 0 });
  t.like(await client.append([spanOf(1), spanOf(2)]), { accepted: 1, duplicates: 1 });
  t.like(await client.append({ ...spanOf(2), title: 'another' }), { accepted: 0, conflicts_total: 1 });
  t.like(await client.get(spanOf(2).id), { id: spanOf(2).id });
  t.is((await client.query({ limit: 1 })).spans.length, 1);
});

test('a lone span that is not valid rejects, and one of several is named', async (t) => {
  const { client } = await startService(t);
  const bad = { ...spanOf(1), timestamp: 'yesterday' };
  const error = await t.throwsAsync(client.append(bad), { instanceOf: LoglineFederationError });
  t.is(error.status, 400);
  t.regex(error.detail, /timestamp: expected RFC 3339/);
  const result = await client.append([spanOf(1), bad]);
  t.is(result.rejected_total, 1);
  t.is(result.rejected[0]?.index, 1);
});

test('what is not there and what is another tenant’s reject alike', async (t) => {
  const { client } = await startService(t);
  await client.append(spanOf(1));
  const refusals = await Promise.all(
    [client.get(spanOf(2).id), client.get(spanOf(1).id, { tenant: 'other' })].map((call) =>
      t.throwsAsync(call, { instanceOf: LoglineFederationError }),
    ),
  );
  t.deepEqual(
    refusals.map(({ status, code }) => ({ status, code })),
    Array.from({ length: 2 }, () => ({ status: 404, code: 'not_found' })),
  );
});

test('twenty thousand spans go up from a generator that is never far ahead, and come back page by page', async (t) => {
  const { client } = await startService(t);
  const total = 20_000;
  let produced = 0;
  let sent = 0;
  let furthest = 0;
  async function* story(): AsyncGenerator<Span> {
    for (produced = 0; produced < total; produced++) {
      furthest = Math.max(furthest, produced - sent);
      yield spanOf(produced);
    }
  }
  const onProgress = ({ lines }: { readonly lines: number }): void => void (sent = lines);
  t.like(await client.upload(story(), { onProgress }), { accepted: total, rejected_total: 0 });
  t.is(sent, total);
  t.true(furthest < 2000, `${furthest} spans were held`);

  t.like(await client.upload(story(), { partBytes: 500_000 }), { accepted: 0, duplicates: total });
  const titles = (await all(client.spans({ limit: 1000 }))).map(({ title }) => title);
  t.deepEqual(
    titles,
    Array.from({ length: total }, (_, n) => `order ${n}`),
  );
});

test('an upload of nothing stores nothing and is no error', async (t) => {
  const { client } = await startService(t);
  for (const partBytes of [undefined, 1000]) {
    t.like(await client.upload([], { partBytes }), { accepted: 0, rejected_total: 0, cursor: null });
  }
});

test('spans come back byte for byte as lines', async (t) => {
  const { client } = await startService(t);
  const lines = [
    '{"id":"00000000-0000-4000-8000-000000000001","timestamp":"2025-01-01T00:00:00.123456789+02:00","logline_id":"a","title":"1","n":1.00}',
    '{ "title":"2", "logline_id":"a" ,"id":"00000000-0000-4000-8000-000000000002","timestamp":"2025-01-02T00:00:00Z","text":"\\u0041}],\\"" }',
  ];
  t.like(await client.upload(lines), { accepted: 2 });
  t.deepEqual(await all(client.lines({ limit: 1 })), lines);
  t.deepEqual(await all(client.lines({ since: '2025-01-01T12:00:00Z' })), lines.slice(1));
  const { next_cursor: cursor } = await client.query({ limit: 1 });
  t.deepEqual(await all(client.lines({ cursor: cursor ?? undefined })), lines.slice(1));
});

test('a client with a token is let in, and one without is told to pass one', async (t) => {
  const adminToken = 'operator-token-of-the-tests';
  const { client, server } = await startService(t, { access: { ...DEFAULT_ACCESS, adminToken } });
  const refused = await t.throwsAsync(() => client.nodes(), { instanceOf: LoglineFederationError });
  t.like(refused, { status: 401, code: 'unauthorized' });
  t.regex(refused?.detail ?? '', /pass it as token$/);
  const known = new LoglineFederationClient({
    baseUrl: server.url,
    token: () => Promise.resolve(adminToken),
  });
  t.deepEqual(await known.nodes(), []);
  const { accepted } = await known.append(spanOf(1), { tenant: 'acme' });
  t.is(accepted, 1);
  t.is((await known.syncStatus()).spans?.['acme'], 1);
});
