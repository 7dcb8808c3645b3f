// Two services that meet: trust over REST, replication both ways, and what is said when something is in the way.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import * as schemas from '../dist/schemas.js';
import * as replicationSchemas from '../dist/schemas-replication.js';
import * as trustSchemas from '../dist/schemas-trust.js';
import {
  get,
  lineOf,
  post,
  postLines,
  serve,
  spanCount,
  spanOf,
  temporaryDirectory,
  type Body,
  textOf,
} from './helpers.js';

const ACME = '/v1/timeline/spans?tenant_id=acme';
/** With a secret that all share, a first contact needs nobody's confirmation. */
const NETWORK = { networkKey: 'a network of tests' } as const;
const TENANTS = { tenants: '*', ...NETWORK } as const;

const trust = (url: string, body: Body) => post(`${url}/v1/trust/establish`, body);
const titlesAt = async (url: string): Promise<readonly string[]> =>
  ((await get(`${url}${ACME}&limit=1000`)).body['spans'] as { title: string }[]).map((span) => span.title);

test('two services establish trust over REST, replicate both ways, and say that they are in sync', async (t) => {
  const alice = await serve(t, { name: 'alice', ...TENANTS });
  const bob = await serve(t, { name: 'bob', ...TENANTS });
  await postLines(alice.url + ACME, [lineOf(1), lineOf(3)]);
  await postLines(bob.url + ACME, [lineOf(2)]);

  const first = await trust(alice.url, { peer_address: bob.url });
  t.is(first.status, 202, first.text);
  t.like(first.body, { trust_level: 'pending', fingerprint: bob.node.fingerprint });
  t.true(textOf(first.body['detail']).includes(alice.node.fingerprint));
  const second = await trust(bob.url, {
    peer_id: alice.node.id,
    peer_address: `${alice.url}#${alice.node.fingerprint}`,
    verification_method: 'signature',
  });
  t.is(second.status, 200, second.text);
  t.like(second.body, { peer_id: alice.node.id, trust_level: 'verified', detail: null });
  t.deepEqual(
    (await trust(bob.url, { peer_address: alice.url })).body,
    second.body,
    'the same again changes nothing',
  );

  const synced = await post(`${alice.url}/v1/sync/timeline`, { tenant_filter: 'acme', since: '1 hour ago' });
  t.is(synced.status, 200);
  t.is(synced.body['status'], 'completed', synced.text);
  t.true(schemas.syncResult.safeParse(synced.body).success);
  for (const server of [alice, bob]) t.deepEqual(await titlesAt(server.url), ['span 1', 'span 2', 'span 3']);

  await post(bob.url + ACME, spanOf(4));
  await eventually('a span travels by itself', async () => (await titlesAt(alice.url)).includes('span 4'));
  await eventually('both are in sync', () => alice.node.peers()[0]?.inSync === true);

  const status = await get(`${alice.url}/v1/sync/status`);
  t.true(replicationSchemas.syncStatus.safeParse(status.body).success, status.text);
  t.like(status.body, {
    pending_syncs: 0,
    sync_conflicts: 0,
    peers_in_sync: [bob.node.id],
    spans: { acme: 4 },
  });
  t.is(typeof status.body['last_sync'], 'string');
  const nodes = await get(`${alice.url}/v1/nodes`);
  t.true(schemas.nodeList.safeParse(nodes.body).success, nodes.text);
  t.like(nodes.body, {
    nodes: [{ id: bob.node.id, status: 'connected', trust_level: 'verified', in_sync: true }],
  });
  const related = await get(`${bob.url}/v1/trust/relationships`);
  t.true(trustSchemas.relationshipList.safeParse(related.body).success, related.text);
  t.like(related.body, {
    relationships: [{ peer_id: alice.node.id, pinned_by: 'operator', method: 'signature' }],
  });
  t.like((await get(`${alice.url}/health`)).body, { status: 'healthy', peers_connected: 1 });
  await get(`${alice.url}/metrics`);
  const metrics = (await get(`${alice.url}/metrics`)).text;
  t.true(metrics.includes('federation_trust_relationships_total 1\n'));
  t.true(metrics.includes('federation_peers_connected 1\n'));
  t.true(metrics.includes('federation_sync_duration_seconds_count{outcome="in_sync"} 1\n'));

  const found = await post(`${alice.url}/v1/nodes/discover`, {
    discovery_method: 'manual',
    network_key: NETWORK.networkKey,
  });
  t.true(schemas.discoverResult.safeParse(found.body).success, found.text);
  t.like(found.body, { method: 'manual', nodes: [{ id: bob.node.id }], errors: [] });
});

test('trust and spans outlive a restart of a service', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const alice = await serve(t, { name: 'alice', ...TENANTS });
  const before = await serve(t, { name: 'bob', dataDir, ...TENANTS });
  await trust(alice.url, { peer_address: before.url });
  await trust(before.url, { peer_address: alice.url });
  await before.close();
  await postLines(alice.url + ACME, [lineOf(1)]);
  t.is((await get(`${alice.url}/health`)).status, 200);
  const after = await serve(t, { name: 'bob', dataDir, ...TENANTS });
  await eventually('what was written meanwhile has come', () => spanCount(after.node) === 1);
});

test('a sync that moves nothing since no tenant is federated says so', async (t) => {
  const alice = await serve(t, { name: 'alice', ...NETWORK });
  const bob = await serve(t, { name: 'bob', ...TENANTS });
  await trust(alice.url, { peer_address: bob.url });
  await trust(bob.url, { peer_address: alice.url });
  await postLines(alice.url + ACME, [lineOf(1)]);
  const synced = await post(`${alice.url}/v1/sync/timeline`, '');
  t.is(synced.body['status'], 'nothing_shared');
  t.true(synced.text.includes('FEDERATION_TENANTS'));
  t.is(spanCount(bob.node), 0);
});

test('a peer that nobody answers for is reported within seconds, not with the deadline', async (t) => {
  const gone = await serve(t, { name: 'gone' });
  await gone.close();
  const alice = await serve(t, { name: 'alice', ...TENANTS });
  const established = await trust(alice.url, { peer_address: gone.url });
  t.is(established.status, 202);
  t.like(established.body, { peer_id: null, trust_level: 'pending', fingerprint: null });
  t.true(textOf(established.body['detail']).length > 20);
  t.like((await get(`${alice.url}/health`)).body, { status: 'degraded', peers_connected: 0 });
  const startedAtMs = performance.now();
  const synced = await post(`${alice.url}/v1/sync/timeline`, '');
  t.is(synced.status, 200, synced.text);
  t.is(synced.body['status'], 'failed');
  t.like(synced.body, { peers: [{ outcome: 'unreachable', peer_id: null }] });
  t.true(performance.now() - startedAtMs < 13_000);
  const found = await post(`${alice.url}/v1/nodes/discover`, { discovery_method: 'manual' });
  t.like(found.body, { nodes: [], errors: [{ address: gone.url.replace('http', 'ws') + '/v1/federation' }] });
});

test('a peer under another name than was said is told, and so is one that is not listed', async (t) => {
  const alice = await serve(t, { name: 'alice', ...TENANTS });
  const bob = await serve(t, { name: 'bob', ...TENANTS });
  await trust(bob.url, { peer_address: alice.url });
  const atFirst = await trust(alice.url, { peer_address: bob.url, peer_id: 'logline-id://node/carol' });
  t.is(atFirst.status, 409, atFirst.text);
  t.true(atFirst.text.includes('stays trusted'));
  const wrong = await trust(alice.url, { peer_address: bob.url, peer_id: 'logline-id://node/carol' });
  t.is(wrong.status, 409);
  t.is(wrong.body['error'], 'name_mismatch');
  t.true(wrong.text.includes('nothing was changed'));
  t.true(wrong.text.includes('node/bob') && wrong.text.includes('node/carol'));
  const synced = await post(`${alice.url}/v1/sync/timeline`, {
    peer_ids: ['logline-id://node/carol', 'bob'],
  });
  const outcomes = (synced.body['peers'] as { outcome: string; peer_id: string }[]).map((one) => [
    one.peer_id,
    one.outcome,
  ]);
  t.deepEqual(outcomes, [
    ['logline-id://node/bob', 'in_sync'],
    ['logline-id://node/carol', 'unknown_peer'],
  ]);
  t.is(synced.body['status'], 'partial');
});

test('a service stops although a peer that dialled it is connected and stays up', async (t) => {
  const gone = await serve(t, { name: 'gone' });
  await gone.close();
  const alice = await serve(t, { name: 'alice', ...TENANTS });
  const bob = await serve(t, { name: 'bob', ...TENANTS });
  // Bob cannot reach alice where he thinks she is, so the link is hers.
  await trust(bob.url, { peer_address: `${gone.url}#${alice.node.fingerprint}` });
  t.is((await trust(alice.url, { peer_address: bob.url })).status, 200);
  await bob.close();
  await eventually('alice has noticed', () => alice.node.peers()[0]?.status !== 'connected');
});

test('what cannot be trusted is refused before anything is remembered', async (t) => {
  const alice = await serve(t, { name: 'alice' });
  const key = 'A'.repeat(42) + 'E';
  const other = 'B'.repeat(42) + 'E';
  const refused: readonly Body[] = [
    {},
    { peer_address: '' },
    { peer_address: 'alpha' },
    { peer_address: 'file:///etc/passwd' },
    { peer_address: 'http://ann:secret@alpha' },
    { peer_address: 'http://0x7f.1' },
    { peer_address: 'alpha:1#short' },
    { peer_address: 'alpha:1', fingerprint: 'short' },
    { peer_address: `alpha:1#${key}`, fingerprint: other },
    { peer_address: 'alpha:1', peer_id: 'logline-id://person/ada' },
    { peer_address: 'alpha:1', peer_id: alice.node.id },
    { peer_address: 'alpha:1', fingerprint: alice.node.fingerprint },
    { peer_address: 'alpha:1', verification_method: 'magic' },
    { peer_address: 'alpha:1', trust_level: 'verified' },
  ];
  for (const body of refused) {
    const answer = await trust(alice.url, body);
    t.is(answer.status, 400, JSON.stringify(body));
    t.false(answer.text.includes('secret'));
  }
  const magic = await trust(alice.url, { peer_address: 'alpha:1', verification_method: 'magic' });
  t.true(textOf(magic.body['detail']).includes('"signature"'));
  t.deepEqual(alice.node.peers(), []);
});

test('discovery knows three methods and keeps the network key to itself', async (t) => {
  const { url } = await serve(t, { networkKey: 'our secret' });
  const magic = await post(`${url}/v1/nodes/discover`, { discovery_method: 'magic' });
  t.is(magic.status, 400);
  t.true(magic.text.includes('manual'));
  for (const [method, variable] of [
    ['broadcast', 'FEDERATION_BROADCAST'],
    ['dns', 'FEDERATION_DNS_NAME'],
  ] as const) {
    const off = await post(`${url}/v1/nodes/discover`, { discovery_method: method });
    t.true(schemas.discoverResult.safeParse(off.body).success, off.text);
    t.like(off.body, { method, nodes: [], errors: [{ address: null }] });
    t.true(off.text.includes(variable), 'a method that is off says how it is turned on');
  }
  const wrong = await post(`${url}/v1/nodes/discover`, { discovery_method: 'manual', network_key: 'guess' });
  t.is(wrong.status, 400);
  t.false(wrong.text.includes('our secret') || wrong.text.includes('guess'));
  const right = await post(`${url}/v1/nodes/discover`, {
    discovery_method: 'manual',
    network_key: 'our secret',
  });
  t.is(right.status, 200);
});

test('a node that keeps to the public internet dials no neighbour, and says why', async (t) => {
  const bob = await serve(t, { name: 'bob' });
  const alice = await serve(t, { name: 'alice', allowPrivatePeers: false });
  const answer = await trust(alice.url, { peer_address: bob.url });
  t.not(answer.status, 200);
  t.true(answer.text.includes('only addresses of the public internet'), answer.text);
  t.deepEqual(bob.node.peers(), []);
});

test('a key that is encrypted opens under its passphrase and under no other', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const keyPassphraseFile = join(dataDir, 'passphrase');
  await writeFile(keyPassphraseFile, 'correct horse battery staple\n');
  const first = await serve(t, { dataDir, keyPassphraseFile });
  const { fingerprint } = first.node;
  await first.close();
  await t.throwsAsync(() => serve(t, { dataDir }), { message: /passphrase/i });
  const again = await serve(t, { dataDir, keyPassphraseFile });
  t.is(again.node.fingerprint, fingerprint);
});
