// What an operator is told about which peer durably holds what: nodes in virtual time, that meet, part and differ.
import test, { type ExecutionContext } from 'ava';
import { fingerprintOf } from '../dist/identity.js';
import type { Replication } from '../dist/shell/replication.js';
import { formatSpanId } from '../dist/span.js';
import { tenantId, Town, type House } from './town.js';

const ACME = tenantId('acme');
const GLOBEX = tenantId('globex');
const SETTLED_MS = 5_000;

function uuid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

async function atPeer(
  town: Town,
  house: House,
  peer: House,
  tenant = ACME,
): Promise<Replication | undefined> {
  const report = house.node.replication({ tenants: [tenant], spans: true });
  await town.time.advance(1);
  return (await report).find(({ fingerprint }) => fingerprint === fingerprintOf(peer.key.publicKey));
}

async function stateOf(
  town: Town,
  house: House,
  peer: House,
  n: number,
  tenant = ACME,
): Promise<string | undefined> {
  const story = house.node.explain(tenant, uuid(n));
  await town.time.advance(1);
  return (await story)?.peers.find(({ address }) => address === peer.name)?.state;
}

async function pair(
  t: ExecutionContext,
  settings: { readonly alice?: object; readonly bob?: object } = {},
): Promise<{ readonly town: Town; readonly alice: House; readonly bob: House }> {
  const town = new Town();
  const alice = await town.start(t, 'alice', { peers: ['bob'], ...settings.alice });
  const bob = await town.start(t, 'bob', { peers: ['alice'], ...settings.bob });
  await town.time.advance(SETTLED_MS);
  return { town, alice, bob };
}

test('what a peer has confirmed is told as there, and what it missed by the first span of it and since when', async (t) => {
  const { town, alice, bob } = await pair(t);
  await alice.append('acme', 1, 2, 3);
  await town.time.advance(SETTLED_MS);
  const all = await atPeer(town, alice, bob);
  t.like(all, { entries: 1, confirmed: 1, missing: 0, oldest: undefined, isConnected: true });
  t.is(await stateOf(town, alice, bob, 2), 'there');

  await bob.stop();
  await town.time.advance(SETTLED_MS);
  const beforeMs = town.clock.now();
  await alice.append('acme', 4);
  await alice.append('acme', 5);
  await town.time.advance(60_000);
  const behind = await atPeer(town, alice, bob);
  t.like(behind, { entries: 3, confirmed: 1, missing: 2, isConnected: false });
  t.true((behind?.asOfMs ?? 0) < beforeMs, 'what is known is as old as the last word of it');
  t.is(behind?.oldest?.spanId === undefined ? '' : formatSpanId(behind.oldest.spanId), uuid(4));
  t.true(
    (behind?.oldest?.writtenAtMs ?? 0) >= beforeMs && (behind?.oldest?.writtenAtMs ?? 0) < beforeMs + 50,
  );
  t.is(await stateOf(town, alice, bob, 3), 'there', 'it is durable there, wherever it is');
  t.is(await stateOf(town, alice, bob, 5), 'away');

  await bob.start();
  await town.time.advance(60_000);
  t.like(await atPeer(town, alice, bob), { confirmed: 3, missing: 0, oldest: undefined, isConnected: true });
  t.is(await stateOf(town, alice, bob, 5), 'there');
});

test('after a restart nothing is claimed of a peer that has not been heard', async (t) => {
  const { town, alice, bob } = await pair(t);
  await alice.append('acme', 1);
  await town.time.advance(SETTLED_MS);
  await bob.stop();
  await alice.restart();
  await town.time.advance(SETTLED_MS);
  t.like(await atPeer(town, alice, bob), { entries: 1, confirmed: 0, asOfMs: undefined, isConnected: false });
  t.is(await stateOf(town, alice, bob, 1), 'away');
});

test('a span that was written a moment ago is on its way', async (t) => {
  const { town, alice, bob } = await pair(t);
  const appended = alice.node
    .timeline('acme')
    .append([
      Buffer.from(`{"id":"${uuid(1)}","timestamp":"2025-01-01T00:00:00Z","logline_id":"x","title":"y"}`),
    ]);
  await town.time.advance(1);
  await appended;
  t.is(await stateOf(town, alice, bob, 1), 'sending');
  t.like(await atPeer(town, alice, bob), { entries: 1, confirmed: 0, missing: 1 });
  await town.time.advance(SETTLED_MS);
  t.is(await stateOf(town, alice, bob, 1), 'there');
});

test('a tenant that one side does not share is told as the doing of that side', async (t) => {
  const { town, alice, bob } = await pair(t, { alice: { tenants: '*' }, bob: { tenants: [ACME] } });
  await alice.append('globex', 1);
  await bob.append('globex', 2);
  await town.time.advance(SETTLED_MS);
  t.is(await stateOf(town, alice, bob, 1, GLOBEX), 'not_taken');
  t.is(await stateOf(town, bob, alice, 2, GLOBEX), 'not_granted');
  t.is(await atPeer(town, alice, bob, GLOBEX), undefined, 'what does not flow is not missing');
});

test('what a peer keeps out by its own word is told as refused', async (t) => {
  const town = new Town();
  const stubborn = { trust: { depth: 1, vouchers: 1, follow: false } };
  const alice = await town.start(t, 'alice', { peers: ['bob', 'carol'], ...stubborn });
  const bob = await town.start(t, 'bob', { peers: ['alice', 'carol'] });
  const carol = await town.start(t, 'carol', { peers: ['alice', 'bob'] });
  await town.time.advance(SETTLED_MS);
  await carol.append('acme', 1);
  await town.time.advance(SETTLED_MS);
  await bob.operate((desk) => desk.revoke({ key: carol.key.publicKey, from: 'all', reason: 'stolen' }));
  await town.time.advance(SETTLED_MS);
  t.is(await stateOf(town, alice, bob, 1), 'refused');
  t.is(await stateOf(town, alice, carol, 1), 'there');
});

test('a span that is not here has no story, nor has one of another tenant', async (t) => {
  const { town, alice } = await pair(t);
  await alice.append('acme', 1);
  for (const [tenant, id] of [
    [ACME, uuid(2)],
    [GLOBEX, uuid(1)],
    [ACME, 'no id'],
  ] as const) {
    const story = alice.node.explain(tenant, id);
    await town.time.advance(1);
    t.is(await story, undefined);
  }
});

test('the oldest of what is missing is told, whoever wrote it', async (t) => {
  const town = new Town();
  const alice = await town.start(t, 'alice', { peers: ['bob', 'carol'] });
  const bob = await town.start(t, 'bob', { peers: ['alice', 'carol'] });
  const carol = await town.start(t, 'carol', { peers: ['alice', 'bob'] });
  await town.time.advance(SETTLED_MS);
  for (const [round, [first, second]] of [[carol, alice] as const, [alice, carol] as const].entries()) {
    await bob.stop();
    await first.append('acme', 10 + round);
    await town.time.advance(1_000);
    await second.append('acme', 20 + round);
    await town.time.advance(SETTLED_MS);
    const behind = await atPeer(town, alice, bob);
    t.is(behind?.missing, 2);
    t.is(behind?.oldest?.spanId === undefined ? '' : formatSpanId(behind.oldest.spanId), uuid(10 + round));
    await bob.start();
    await town.time.advance(60_000);
    t.is((await atPeer(town, alice, bob))?.missing, 0);
  }
});
