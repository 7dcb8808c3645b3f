/** How conflicts are settled, as operators say: the primary for all nodes of a tenant, else each for its own. */

import test, { type ExecutionContext } from 'ava';
import type { AnnotatedSpan } from '../dist/index.js';
import { alice, bob, carol, tools, uuid } from './forge.js';
import { tenantId, Town, type House, type Settings } from './town.js';

const ID = uuid(1);
const ACME = tenantId('acme');

/** Nodes that are at odds about a status. */
async function atOdds(
  t: ExecutionContext,
  settings: Settings = {},
): Promise<{ readonly town: Town; readonly a: House; readonly b: House }> {
  const town = new Town();
  const a = await town.start(t, 'alice', { peers: ['bob'], ...settings });
  const b = await town.start(t, 'bob', { peers: ['alice'], ...settings });
  await town.time.advance(5_000);
  if (settings.primaries !== undefined)
    await a.operate((desk) => desk.grant(ACME, bob.publicKey, { read: true, write: true }));
  await a.append('acme', 1);
  await town.time.advance(1_000);
  const say = (house: House, status: string): Promise<AnnotatedSpan> =>
    house.does((node) => node.timeline('acme').annotate(ID, { status }));
  await say(a, 'reverted');
  await say(b, 'simulated');
  await town.time.advance(1_000);
  return { town, a, b };
}

async function statusOn(house: House): Promise<string> {
  const found = await house.node.timeline('acme').read(ID);
  const { status, conflicted } = JSON.parse(
    tools.text.decode(found?.span ?? new Uint8Array(0)) ?? '',
  ) as Record<string, unknown>;
  return `${String(status)} ${JSON.stringify(conflicted ?? [])} ${house.node.status().openConflicts}`;
}

test('what the primary says of conflicts holds on all nodes from then on, whatever they were configured with', async (t) => {
  const primaries = new Map([[ACME, alice.publicKey]]);
  const { town, a, b } = await atOdds(t, { primaries, conflictPolicy: 'manual', primaryNodes: ['bob'] });
  for (const house of [a, b])
    t.is(await statusOn(house), 'simulated [] 0', 'the latest, while she says nothing');
  t.is(
    (await a.operate((desk) => desk.setPolicy(ACME, 'status', 'manual'))).policies.get('status'),
    'manual',
  );
  await town.time.advance(1_000);
  for (const house of [a, b]) t.is(await statusOn(house), 'simulated ["status"] 1');
  await a.operate((desk) => desk.setPolicy(ACME, 'status', 'priority'));
  await a.operate((desk) => desk.prioritise(ACME, [alice.publicKey, bob.publicKey]));
  await town.time.advance(1_000);
  for (const house of [a, b]) t.is(await statusOn(house), 'reverted [] 0');
  await b.restart();
  await town.time.advance(20_000);
  t.is(await statusOn(b), 'reverted [] 0');
  await t.throwsAsync(
    b.operate((desk) => desk.setPolicy(ACME, 'status', 'timestamp')),
    { message: /it alone says/ },
  );
  await t.throwsAsync(
    b.operate((desk) => desk.prioritise(ACME, [])),
    { message: /it alone says/ },
  );
});

test('without a primary each node settles conflicts as its own operator says', async (t) => {
  const { town, a, b } = await atOdds(t);
  await a.operate((desk) => desk.setPolicy(ACME, '*', 'manual'));
  await town.time.advance(1_000);
  t.is(await statusOn(a), 'simulated ["status"] 1');
  t.is(await statusOn(b), 'simulated [] 0');
});

test('digests are equal where all is read alike, and say whether the rules differ or what is accepted', async (t) => {
  const { town, a, b } = await atOdds(t);
  const before = a.node.timeline(ACME).readingDigest();
  t.deepEqual(b.node.timeline(ACME).readingDigest(), before);
  await a.operate((desk) => desk.setPolicy(ACME, 'status', 'manual'));
  await town.time.advance(1_000);
  const { accepted, rules } = a.node.timeline(ACME).readingDigest();
  t.is(accepted, before.accepted);
  t.not(rules, before.rules);
  t.deepEqual(b.node.timeline(ACME).readingDigest(), before);
  await b.operate((desk) => desk.revoke({ key: alice.publicKey, from: 'all' }));
  await town.time.advance(1_000);
  t.not(b.node.timeline(ACME).readingDigest().accepted, before.accepted);
  t.is(b.node.timeline(ACME).readingDigest().rules, before.rules);
});

test('where the clock is set back, a conflict of words that lie ahead again is none until their time comes', async (t) => {
  const { town, a } = await atOdds(t, { conflictPolicy: 'manual' });
  t.is(await statusOn(a), 'simulated ["status"] 1');
  town.skewMs = -120_000;
  a.node.status();
  await town.time.advance(1_000);
  t.is(await statusOn(a), 'undefined [] 0');
  t.deepEqual((await a.node.timeline('acme').conflicts()).conflicts, []);
  await town.time.advance(120_000);
  t.is(await statusOn(a), 'simulated ["status"] 1');
});

test('where the clock is set forward, a conflict of words that lay ahead is counted as soon as somebody asks', async (t) => {
  const { town, a } = await atOdds(t, { conflictPolicy: 'manual' });
  town.skewMs = -7_200_000;
  await a.restart();
  await town.time.advance(1_000);
  t.is(await statusOn(a), 'undefined [] 0');
  town.skewMs = 0;
  a.node.status();
  await town.time.advance(1);
  t.is(await statusOn(a), 'simulated ["status"] 1');
});

test('saying again how conflicts are settled writes nothing, and what cannot be meant is refused', async (t) => {
  const { a } = await atOdds(t);
  await a.operate((desk) => desk.setPolicy(ACME, 'metadata.*', 'manual'));
  await a.operate((desk) => desk.prioritise(ACME, [carol.publicKey]));
  const { entries } = a.node.status();
  await a.operate((desk) => desk.setPolicy(ACME, 'metadata.*', 'manual'));
  await a.operate((desk) => desk.prioritise(ACME, [carol.publicKey]));
  t.is(a.node.status().entries, entries);
  await t.throwsAsync(
    a.operate((desk) => desk.setPolicy(ACME, 'title', 'manual')),
    { message: /none that nodes can/ },
  );
  const twice = [carol.publicKey, carol.publicKey];
  await t.throwsAsync(
    a.operate((desk) => desk.prioritise(ACME, twice)),
    { message: /each once/ },
  );
});
