// Trust, quarantine and access through the client, against real nodes.
import test from 'ava';
import { randomBytes } from 'node:crypto';
import { fingerprintOf } from '@logline/federation-core';
import { createCrypto } from '@logline/federation-core/node';
import { eventually } from '@logline/federation-core/testing';
import { LoglineFederationClient, LoglineFederationError } from '../dist/index.js';
import { answer, serve } from './http-server.js';
import { spanOf, startService, type TestService } from './service.js';

const NETWORK = { networkKey: 'the network of the tests', tenants: '*' } as const;

async function befriend(a: TestService, b: TestService): Promise<void> {
  await a.client.establishTrust({ peer_address: b.server.url });
  await b.client.establishTrust({ peer_address: a.server.url });
  await eventually('both are verified', async () =>
    (await Promise.all([a, b].map(({ client }) => levelsAt(client)))).every(
      ([level]) => level === 'verified',
    ),
  );
}

async function levelsAt(client: LoglineFederationClient): Promise<readonly string[]> {
  return (await client.trustRelationships()).map((one) => one.trust_level);
}

test('trust is withdrawn, what fell is listed and released, and the peer comes back', async (t) => {
  const alice = await startService(t, { ...NETWORK, name: 'alice' });
  const bob = await startService(t, { ...NETWORK, name: 'bob' });
  await befriend(alice, bob);
  await bob.client.append(spanOf(1));
  await eventually('the span has come', async () => (await alice.client.query()).spans.length === 1);

  const { trust, quarantine } = alice.client;
  const dry = await trust.revoke({ peer_id: 'bob', from: 'all', dry_run: true });
  t.is(dry.revocation, null);
  t.is(dry.spans, 1);
  const done = await trust.revoke({ peer_id: 'bob', from: 'all', reason: 'a test' });
  t.regex(done.revocation ?? '', /^[0-9a-f]{64}$/);
  t.is((await alice.client.query()).spans.length, 0);
  const { feeds } = await quarantine.list({ peer_id: 'bob', limit: 10 });
  t.true(feeds.some((feed) => feed.tenant_id === 'acme' && feed.spans === 1));
  const refused = await t.throwsAsync(alice.client.establishTrust({ peer_address: bob.server.url }), {
    instanceOf: LoglineFederationError,
  });
  t.is(refused.code, 'revoked');
  await alice.client.establishTrust({ peer_address: bob.server.url, readmit: true });
  await trust.release('bob');
  await eventually('the span is back', async () => (await alice.client.query()).spans.length === 1);
  t.true((await quarantine.list()).feeds.every((feed) => feed.tenant_id === null));

  const graph = await trust.graph();
  t.is(graph.root, alice.server.node.fingerprint);
  t.true((await trust.picture('dot')).startsWith('digraph'));
  t.true((await trust.picture('mermaid')).startsWith('flowchart'));
  t.true((await trust.acts({ limit: 3 })).acts.length === 3);
  const noFork = await t.throwsAsync(quarantine.proof('bob', feeds[0]?.feed ?? ''), {
    instanceOf: LoglineFederationError,
  });
  t.is(noFork.status, 400);
});

test('rights are granted, shown and taken back', async (t) => {
  const { client, server } = await startService(t, { name: 'alice' });
  const key = fingerprintOf(createCrypto().keyPair(randomBytes(32)).publicKey);
  const granted = await client.tenants.grant('acme', key, { read: true, write: false });
  t.like(granted.grants[0], { fingerprint: key, read: true, write: false });
  t.deepEqual(await client.tenants.access('acme'), granted);
  t.deepEqual(await client.tenants.list(), [granted]);
  t.true((await client.tenants.ungrant('acme', key)).grants.every((one) => !one.read && !one.write));
  const { primary } = await client.tenants.designate('acme', server.node.id);
  t.is(primary?.fingerprint, server.node.fingerprint);
});

test('a call that changes trust is sent again under one key when the answer is lost', async (t) => {
  const keys: (string | undefined)[] = [];
  const report = { revocation: 'ab', peer_id: null, fingerprint: 'x', feeds: [], entries: 0, spans: 0 };
  const server = await serve(t, (request, response, count) => {
    request.resume();
    keys.push(request.headers['idempotency-key'] as string | undefined);
    if (count === 1) return void response.socket?.destroy();
    return answer(response, 200, report);
  });
  const client = new LoglineFederationClient({ baseUrl: server.url, retry: { firstDelayMs: 1 } });
  const told: unknown = await client.trust.revoke({ peer_id: 'bob' });
  t.deepEqual(told, report);
  t.is(keys.length, 2);
  t.is(keys[0], keys[1]);
  t.regex(keys[0] ?? '', /^[\w-]{36}$/);
});

test('names of tenants and peers are put into paths and queries as what they are', async (t) => {
  const server = await serve(t, (request, response) => {
    request.resume();
    return answer(response, 200, {});
  });
  const client = new LoglineFederationClient({ baseUrl: server.url });
  await client.tenants.access('a/../b?c#d');
  await client.quarantine.list({ peer_id: 'a&limit=1', after: 'x y' });
  t.deepEqual(
    server.requests.map(({ url }) => url),
    ['/v1/tenants/a%2F..%2Fb%3Fc%23d/access', '/v1/quarantine?peer_id=a%26limit%3D1&after=x%20y'],
  );
});
