// Taking peers off the list, and what the list says of keys that wait for a word.
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import * as shapes from '../dist/schemas-trust.js';
import { get, post, textOf, type Answer, type Body } from './helpers.js';
import { befriend, establish, join, listOf, shows, write } from './meeting.js';

const remove = (url: string, body: Body, headers = {}): Promise<Answer> =>
  post(`${url}/v1/trust/remove`, body, headers);

test('a peer that is taken off the list is trusted no more, stays off, and can be added again', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  await write(bob, [1]);
  await shows(alice, [1]);
  const nobody = await remove(alice.url, { peer: 'carol' });
  t.is(nobody.status, 404, nobody.text);
  t.is(nobody.body['error'], 'unknown_peer');
  t.is((await remove(alice.url, {})).status, 400);
  const key = { 'idempotency-key': 'k' };
  const done = await remove(alice.url, { peer: 'bob' }, key);
  t.is(done.status, 200, done.text);
  t.true(shapes.removeResult.safeParse(done.body).success, done.text);
  t.like(listOf(done, 'removed')[0], { peer_id: bob.node.id, fingerprint: bob.node.fingerprint });
  t.is(done.body['detail'], null);
  t.deepEqual((await remove(alice.url, { peer: 'bob' }, key)).body, done.body, 'a retry');
  t.is((await remove(alice.url, { peer: 'bob' })).status, 404, 'another wish');
  t.deepEqual((await get(`${alice.url}/v1/nodes`)).body['nodes'], []);
  await eventually('the link has ended', () => bob.node.peers()[0]?.status !== 'connected');
  await write(bob, [2]);
  await shows(alice, [1]);
  const [act] = listOf(await get(`${alice.url}/v1/trust/acts`), 'acts');
  t.regex(textOf(act?.['detail']), /take bob off the list/);
  await establish(alice, bob);
  await shows(alice, [1, 2]);
});

test('each address of a node goes by itself, and its name stands for all of them', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  const other = bob.url.replace('127.0.0.1', 'localhost');
  await post(`${alice.url}/v1/trust/establish`, { peer_address: other, fingerprint: bob.node.fingerprint });
  t.is((await remove(alice.url, { peer: other })).status, 200);
  t.is(alice.node.peers().length, 1);
  await post(`${alice.url}/v1/trust/establish`, { peer_address: other, fingerprint: bob.node.fingerprint });
  t.is(listOf(await remove(alice.url, { peer: bob.node.fingerprint }), 'removed').length, 2);
  t.is(alice.node.peers().length, 0);
});

test('who is configured comes back at the next start, and the answer says so', async (t) => {
  const bob = await join(t, 'bob');
  const address = bob.url.replace('http', 'ws') + '/v1/federation';
  const alice = await join(t, 'alice', { trustedPeers: [{ address }] });
  const done = await remove(alice.url, { peer: bob.url });
  t.regex(textOf(done.body['detail']), /FEDERATION_TRUSTED_PEERS names it/);
});

test('a key that waits to be confirmed is shown wherever its peer is', async (t) => {
  const open = { networkKey: '' };
  const [alice, bob] = [await join(t, 'alice', open), await join(t, 'bob', open)];
  await establish(alice, bob);
  const seen = { fingerprint: null, unconfirmed_fingerprint: bob.node.fingerprint };
  for (const [path, name] of [
    ['/v1/nodes', 'nodes'],
    ['/v1/trust/relationships', 'relationships'],
  ] as const)
    await eventually(`${name} show it`, async () => {
      const [one] = listOf(await get(alice.url + path), name);
      return one?.['fingerprint'] === null && one['unconfirmed_fingerprint'] === seen.unconfirmed_fingerprint;
    });
  const [node] = listOf(await get(`${alice.url}/v1/nodes`), 'nodes');
  t.false(Number.isNaN(Date.parse(textOf(node?.['last_error_at']))), JSON.stringify(node));
  const startedAtMs = performance.now();
  const sync = await post(`${alice.url}/v1/sync/timeline`, {});
  t.is(sync.status, 200, sync.text);
  t.true(sync.text.includes(`trust confirm ${textOf(node?.['address'])} ${bob.node.fingerprint}`), sync.text);
  t.log(`answered after ${Math.round(performance.now() - startedAtMs)} ms`);
});
