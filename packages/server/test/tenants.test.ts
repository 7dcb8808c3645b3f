// Access over REST: who may read and write a tenant, and that data flows exactly so.
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import * as shapes from '../dist/schemas-trust.js';
import { ACCESS, operator, user } from './callers.js';
import { get, post, serve, textOf, type Body } from './helpers.js';
import { befriend, join, listOf, shows, strangersKey, titlesAt, write } from './meeting.js';

const RIVAL = '/v1/timeline/spans?tenant_id=rival';
const tenantCall = (url: string, action: string, body: Body, tenant = 'acme') =>
  post(`${url}/v1/tenants/${tenant}/${action}`, body);

test('spans of a tenant flow once both sides have granted it to each other, and no longer after', async (t) => {
  const none = { tenants: [] };
  const [alice, bob] = [await join(t, 'alice', none), await join(t, 'bob', none)];
  await befriend(alice, bob);
  await write(alice, [1]);
  await write(alice, [1], RIVAL);
  const both = { read: true, write: true };
  const granted = await tenantCall(alice.url, 'grant', { peer_id: 'bob', ...both });
  t.is(granted.status, 200, granted.text);
  t.true(shapes.tenantAccess.safeParse(granted.body).success, granted.text);
  t.like(granted.body, { tenant_id: 'acme', federated: true, primary: null });
  t.like(listOf(granted, 'grants')[0], { fingerprint: bob.node.fingerprint, ...both, by: 'operator' });
  t.deepEqual((await tenantCall(alice.url, 'grant', { peer_id: 'bob', ...both })).body, granted.body);
  t.deepEqual(await titlesAt(bob), [], 'bob has not granted it');
  t.is((await tenantCall(bob.url, 'grant', { peer_id: alice.node.fingerprint, ...both })).status, 200);
  await shows(bob, [1]);
  t.deepEqual(await titlesAt(bob, RIVAL), []);

  const taken = await tenantCall(alice.url, 'ungrant', { peer_id: bob.node.id });
  t.is(taken.status, 200, taken.text);
  await write(bob, [2]);
  await write(alice, [3]);
  await eventually('alice says that bob has no rights', async () => {
    const { body } = await get(`${alice.url}/v1/tenants/acme/access`);
    return (body['grants'] as { read: boolean; write: boolean }[]).every((one) => !one.read && !one.write);
  });
  const synced = await post(`${bob.url}/v1/sync/timeline`, '');
  t.is(synced.status, 200);
  t.deepEqual(await titlesAt(bob), ['span 1', 'span 2']);
  t.deepEqual(await titlesAt(alice), ['span 1', 'span 3']);
});

test('a tenant with a primary is granted by that node alone', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  const designated = await tenantCall(alice.url, 'designate', { peer_id: bob.node.id });
  t.is(designated.status, 200, designated.text);
  t.like(designated.body, {
    primary: { fingerprint: bob.node.fingerprint, peer_id: bob.node.id, by: 'operator' },
  });
  const own = await tenantCall(bob.url, 'designate', { peer_id: bob.node.id });
  t.like(own.body, { primary: { fingerprint: bob.node.fingerprint } }, 'a node may be the primary itself');
});

test('how conflicts are settled is said field by field, by the primary where there is one', async (t) => {
  const [alice, bob] = [await join(t, 'alice'), await join(t, 'bob')];
  await befriend(alice, bob);
  const said = await tenantCall(alice.url, 'policy', { field: 'status', policy: 'manual' });
  t.is(said.status, 200, said.text);
  t.true(shapes.tenantAccess.safeParse(said.body).success, said.text);
  t.deepEqual(said.body['policies'], { status: 'manual' });
  const first = await tenantCall(alice.url, 'prioritise', { peer_ids: ['bob', alice.node.id] });
  t.deepEqual(first.body['priorities'], [bob.node.fingerprint, alice.node.fingerprint]);
  for (const body of [
    { field: 'title', policy: 'manual' },
    { field: 'status', policy: 'newest' },
    { field: '', policy: 'manual' },
  ])
    t.is((await tenantCall(alice.url, 'policy', body)).status, 400, JSON.stringify(body));
  t.is((await tenantCall(alice.url, 'prioritise', { peer_ids: ['bob', 'bob'] })).status, 400);
  await tenantCall(alice.url, 'designate', { peer_id: bob.node.id });
  t.is((await tenantCall(alice.url, 'policy', { field: 'status', policy: 'priority' })).status, 400);
  await eventually('what alice said no longer counts', async () => {
    const { body } = await get(`${alice.url}/v1/tenants/acme/access`);
    return Object.keys(body['policies'] ?? {}).length === 0;
  });
});

test('every shared tenant is listed', async (t) => {
  const alice = await serve(t, { name: 'alice', tenants: [] });
  t.deepEqual((await get(`${alice.url}/v1/tenants`)).body, { tenants: [] });
  const key = strangersKey();
  await tenantCall(alice.url, 'grant', { peer_id: key, read: true, write: false });
  const listed = await get(`${alice.url}/v1/tenants`);
  t.true(shapes.tenantAccessList.safeParse(listed.body).success, listed.text);
  t.deepEqual(
    listOf(listed, 'tenants').map((one) => one['tenant_id']),
    ['acme'],
  );
  t.like(listOf(listed, 'tenants')[0], { grants: [{ fingerprint: key, read: true, write: false }] });
});

test('what makes no sense about a tenant is refused, and changes nothing', async (t) => {
  const alice = await serve(t, { name: 'alice', tenants: [] });
  const key = strangersKey();
  const refused: readonly (readonly [string, Body, number, string?])[] = [
    ['grant', {}, 400],
    ['grant', { peer_id: key }, 400],
    ['grant', { peer_id: key, read: 'yes', write: true }, 400],
    ['grant', { peer_id: key, read: true, write: true, admin: true }, 400],
    ['grant', { peer_id: 'bob', read: true, write: true }, 404],
    ['grant', { peer_id: alice.node.id, read: true, write: true }, 400],
    ['grant', { peer_id: key, read: true, write: true }, 400, 'a%20b'],
    ['grant', { peer_id: key, read: true, write: true }, 400, 'a%2Fb'],
    ['grant', { peer_id: key, read: true, write: true }, 400, '%00'],
    ['grant', { peer_id: key, read: true, write: true }, 400, '%ff'],
    ['grant', { peer_id: key, read: true, write: true }, 400, 'x'.repeat(129)],
    ['grant', { peer_id: `${'A'.repeat(42)}E`, read: true, write: true }, 400],
    ['ungrant', {}, 400],
    ['ungrant', { peer_id: 'bob' }, 404],
    ['designate', {}, 400],
    ['designate', { peer_id: '' }, 400],
    ['designate', { peer_id: 'nobody' }, 404],
  ];
  for (const [action, body, status, tenant] of refused) {
    const answer = await tenantCall(alice.url, action, body, tenant);
    t.is(answer.status, status, `${action} ${JSON.stringify(body)} ${tenant}: ${answer.text}`);
    t.true(textOf(answer.body['detail']).length > 10, answer.text);
  }
  t.deepEqual((await get(`${alice.url}/v1/tenants`)).body, { tenants: [] });
});

test('an admin who is bound to a tenant decides about none, not even its own', async (t) => {
  const alice = await serve(t, { name: 'alice', access: ACCESS });
  const key = strangersKey();
  const body = { peer_id: key, read: true, write: true };
  const bound = user({ tenant: 'acme', scope: 'federation:admin' });
  for (const tenant of ['acme', 'globex']) {
    const path = `${alice.url}/v1/tenants/${tenant}`;
    t.is((await post(`${path}/grant`, body, operator)).status, 200);
    t.is((await get(`${path}/access`, operator)).status, 200);
    const answers = [
      await get(`${path}/access`, bound),
      await post(`${path}/grant`, body, bound),
      await post(`${path}/ungrant`, { peer_id: key }, bound),
      await post(`${path}/designate`, { peer_id: key }, bound),
    ];
    for (const answer of answers) {
      t.is(answer.status, 403, answer.text);
      t.false(answer.text.includes(key));
    }
  }
  t.is((await get(`${alice.url}/v1/tenants`, bound)).status, 403);
  t.is((await get(`${alice.url}/v1/tenants`, user())).status, 403);
});
