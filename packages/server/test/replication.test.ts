// What the interface says of where spans durably are, and to whom.
import test from 'ava';
import { eventually } from '@logline/federation-core/testing';
import { replicationRow, spanStory, syncStatus } from '../dist/schemas-replication.js';
import { ACCESS, operator, user } from './callers.js';
import { get, post, spanOf, temporaryDirectory, uuid } from './helpers.js';
import { befriend, join, listOf, shows, write } from './meeting.js';

const explainPath = (n: number, tenant = 'acme'): string =>
  `/v1/timeline/spans/${uuid(n)}/explain?tenant_id=${tenant}`;

test('an operator sees what is safe at a peer while it is away, what is not, and since when', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob', { dataDir });
  await befriend(alice, bob);
  await write(alice, [1, 2]);
  await shows(bob, [1, 2]);
  const complete = await eventually('both are confirmed', async () => {
    const [row] = listOf(await get(`${alice.url}/v1/sync/status`), 'replication');
    return row?.['status'] === 'complete' && row;
  });
  t.true(replicationRow.safeParse(complete).success);
  t.like(complete, {
    tenant_id: 'acme',
    peer_id: bob.node.id,
    connected: true,
    entries: 2,
    entries_confirmed: 2,
    oldest_missing: null,
  });

  await bob.close();
  const sinceMs = Date.now();
  await write(alice, [3, 4]);
  const status = await get(`${alice.url}/v1/sync/status`);
  t.true(syncStatus.safeParse(status.body).success, status.text);
  const [behind] = listOf(status, 'replication');
  t.like(behind, {
    status: 'behind',
    connected: false,
    entries: 4,
    entries_confirmed: 2,
    entries_missing: 2,
  });
  const oldest = behind?.['oldest_missing'] as { span_id: string; written_at: string };
  t.is(oldest.span_id, uuid(3));
  t.true(Date.parse(oldest.written_at) >= sinceMs - 1);

  const there = await get(alice.url + explainPath(2));
  t.true(spanStory.safeParse(there.body).success, there.text);
  t.like(there.body, {
    span_id: uuid(2),
    origin: { node_id: alice.node.id },
    bodies: 1,
    peers: [{ peer_id: bob.node.id, state: 'there' }],
  });
  t.like((await get(alice.url + explainPath(4))).body, { seq: 4, peers: [{ state: 'away' }] });
  t.is((await get(alice.url + explainPath(5))).status, 404);
});

test('whoever is bound to a tenant is told of that one only, and the network of none', async (t) => {
  const alice = await join(t, 'alice', { access: ACCESS, conflictPolicy: 'manual' });
  const bob = await join(t, 'bob');
  const trust = { peer_address: bob.url };
  await post(`${alice.url}/v1/trust/establish`, trust, operator);
  await post(`${bob.url}/v1/trust/establish`, { peer_address: alice.url });
  for (const tenant of ['acme', 'globex'])
    await post(`${alice.url}/v1/timeline/spans?tenant_id=${tenant}`, spanOf(tenant.length), operator);
  const tenantsFor = async (headers: Record<string, string>): Promise<unknown> => {
    const answer = await get(`${alice.url}/v1/sync/status`, headers);
    const rows = answer.body['replication'] as { tenant_id: string }[] | undefined;
    return rows?.map((row) => row.tenant_id).toSorted();
  };
  await eventually(
    'the peer is known',
    async () => (await tenantsFor(operator))?.toString() === 'acme,globex',
  );
  t.deepEqual(await tenantsFor(user({ tenant: 'acme' })), ['acme']);
  t.is(await tenantsFor(user({ scope: 'federation:read' })), undefined);
  const readingsFor = async (headers: Record<string, string>): Promise<unknown> => {
    const { body, text } = await get(`${alice.url}/v1/sync/status`, headers);
    t.true(syncStatus.safeParse(body).success, text);
    return body['readings'];
  };
  t.is(await readingsFor(user({ scope: 'federation:read' })), undefined);
  const [other, ...others] = await eventually('bob has said by which rules he reads', async () => {
    const rows = (await readingsFor(user({ tenant: 'acme' }))) as { readonly status: string }[];
    return rows[0]?.status === 'differs' && rows;
  });
  t.deepEqual(others, []);
  t.like(other, { tenant_id: 'acme', peer_id: bob.node.id, differs: ['rules'] });
  t.regex(JSON.stringify(other), /compare FEDERATION_CONFLICT_POLICY/);
  const foreign = await get(alice.url + explainPath(6, 'globex'), user({ tenant: 'acme' }));
  const absent = await get(alice.url + explainPath(9, 'acme'), user({ tenant: 'acme' }));
  const { request_id: _one, ...foreignBody } = foreign.body;
  const { request_id: _two, ...absentBody } = absent.body;
  t.is(foreign.status, 404);
  t.deepEqual(foreignBody, absentBody);
  t.is((await get(alice.url + explainPath(4, 'acme'), user({ tenant: 'acme' }))).status, 200);
});
