/** What operators do about trust and access, and what it does to three nodes that are linked, cut off and linked again. */

import test from 'ava';
import { House, tenantId, Town } from './town.js';

const ACME = tenantId('acme');
const NIGHT_MS = 40_000;

/** Everyone lists everyone, and all are connected. */
async function neighbours(
  t: Parameters<Town['start']>[0],
  names: readonly string[],
): Promise<{ readonly town: Town; readonly houses: readonly House[] }> {
  const town = new Town();
  const houses: House[] = [];
  for (const name of names)
    houses.push(await town.start(t, name, { peers: names.filter((other) => other !== name) }));
  await town.time.advance(NIGHT_MS);
  return { town, houses };
}

test('two nodes that list each other end up verified on both sides, each with its own signed word', async (t) => {
  const { houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  t.deepEqual([alice.levelOf(bob), bob.levelOf(alice)], ['verified', 'verified']);
  const [seen] = alice.node.operator.relationships();
  t.is(String(seen?.id), 'logline-id://node/bob');
  t.is(seen?.signature?.length, 64);
  const graph = alice.node.operator.trustGraph();
  const words = graph.edges.map(({ from, to, kind, isEffective }) => `${from} ${kind} ${to} ${isEffective}`);
  t.deepEqual(
    new Set(words),
    new Set([
      `${alice.node.fingerprint} verify ${bob.node.fingerprint} true`,
      `${bob.node.fingerprint} verify ${alice.node.fingerprint} true`,
    ]),
    'the word of each has reached the other',
  );
});

test('a revocation cuts the link within a second, and what was held before it stays', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  await bob.append('acme', 1, 2);
  await town.time.advance(1_000);
  t.deepEqual(await alice.shows('acme'), [1, 2]);
  const report = await alice.operate((desk) => desk.revoke({ key: bob.key.publicKey, from: 'heads' }));
  t.is(report.entries, 0, 'nothing falls');
  t.truthy(report.revocation);
  await town.time.advance(800);
  t.false(alice.isConnectedTo(bob));
  t.is(alice.levelOf(bob), 'revoked');
  await bob.append('acme', 3);
  await town.time.advance(NIGHT_MS);
  t.false(alice.isConnectedTo(bob));
  t.deepEqual(await alice.shows('acme'), [1, 2]);
  await alice.restart();
  await town.time.advance(NIGHT_MS);
  t.is(alice.levelOf(bob), 'revoked', 'it outlives a restart');
  t.deepEqual(await alice.shows('acme'), [1, 2]);
});

test('a dry run tells what would fall, and changes nothing', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  await bob.append('acme', 1, 2);
  await bob.append('acme', 3);
  await town.time.advance(1_000);
  const report = await alice.operate((desk) =>
    desk.revoke({ key: bob.key.publicKey, from: 'all', dryRun: true }),
  );
  t.is(report.revocation, undefined);
  const acme = report.feeds.find(({ feed }) => feed.startsWith('timeline/acme/'));
  t.deepEqual([acme?.heldTo, acme?.cutAt, acme?.entries, acme?.spans], [2, 0, 2, 3]);
  await town.time.advance(2_000);
  t.true(alice.isConnectedTo(bob));
  t.deepEqual(await alice.shows('acme'), [1, 2, 3]);
  t.deepEqual(await alice.operate((desk) => desk.quarantine()), []);
});

test('a revocation of all that a key wrote takes it out of the reading, and a release brings it back', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  await alice.append('acme', 9);
  await bob.append('acme', 1);
  await bob.append('acme', 2);
  await town.time.advance(1_000);
  await alice.operate((desk) => desk.revoke({ key: bob.key.publicKey, from: 'all', reason: 'stolen' }));
  t.deepEqual(await alice.shows('acme'), [9]);
  const [listed] = (await alice.operate((desk) => desk.quarantine())).filter(({ tenant }) => tenant === ACME);
  t.deepEqual(
    [listed?.fingerprint, listed?.from, listed?.to, listed?.reason, listed?.isProvisional],
    [bob.node.fingerprint, 1, 2, 'revoked', false],
  );
  const feed = listed?.feed ?? '';
  await alice.operate((desk) => desk.release({ key: bob.key.publicKey, feed, to: 1 }));
  t.deepEqual(await alice.shows('acme'), [1, 9]);
  await alice.restart();
  t.deepEqual(await alice.shows('acme'), [1, 9], 'the cut is where it was moved to');
  await alice.operate((desk) => desk.release({ key: bob.key.publicKey }));
  t.deepEqual(await alice.shows('acme'), [1, 2, 9]);
  t.is(alice.levelOf(bob), 'revoked', 'to release what a key wrote is not to trust it');
});

test('a node cut off while its peer is revoked shows the same as the one that revoked it, once they meet', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob', 'carol']);
  const [alice, bob, carol] = houses as [House, House, House];
  await carol.append('acme', 1);
  await town.time.advance(2_000);
  town.network.partition([['alice'], ['bob', 'carol']]);
  await alice.operate((desk) => desk.revoke({ key: carol.key.publicKey, from: 'heads' }));
  await carol.append('acme', 2);
  await bob.append('acme', 20);
  await alice.append('acme', 10);
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await bob.shows('acme'), [1, 2, 20]);
  town.network.heal();
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await alice.shows('acme'), [1, 10, 20]);
  t.deepEqual(await bob.shows('acme'), [1, 10, 20], 'what followed the cut has fallen');
  t.is(bob.levelOf(carol), 'revoked');
  t.false(bob.isConnectedTo(carol));
  const held = (await bob.operate((desk) => desk.quarantine())).filter(({ tenant }) => tenant === ACME);
  t.deepEqual(
    held.map(({ from, to, spans, isProvisional }) => [from, to, spans, isProvisional]),
    [[2, 2, 1, false]],
  );
  // Both take her back, each by its own word; she hears it and begins anew, without a restart.
  await alice.operate((desk) => desk.readmit(carol.key.publicKey));
  await bob.operate((desk) => desk.readmit(carol.key.publicKey));
  await town.time.advance(NIGHT_MS);
  await carol.append('acme', 3);
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await alice.shows('acme'), [1, 3, 10, 20]);
  t.deepEqual(await bob.shows('acme'), [1, 3, 10, 20], 'her tail stays out, what she writes now flows');
  t.deepEqual([alice.levelOf(carol), bob.levelOf(carol)], ['verified', 'verified']);
});

test('a node that follows nobody keeps its own opinion of a revoked key', async (t) => {
  const town = new Town();
  const all = ['alice', 'bob', 'carol'];
  const others = (name: string): readonly string[] => all.filter((other) => other !== name);
  const alice = await town.start(t, 'alice', { peers: others('alice') });
  const bob = await town.start(t, 'bob', { peers: others('bob'), trust: { follow: false } });
  const carol = await town.start(t, 'carol', { peers: others('carol') });
  await town.time.advance(NIGHT_MS);
  await alice.operate((desk) => desk.revoke({ key: carol.key.publicKey, from: 'heads' }));
  await carol.append('acme', 1);
  await town.time.advance(NIGHT_MS);
  t.true(bob.isConnectedTo(carol));
  t.deepEqual(await bob.shows('acme'), [1]);
  t.deepEqual(await alice.shows('acme'), []);
});

/** alice – bob – carol: bob is everyone's only neighbour. */
async function chain(t: Parameters<Town['start']>[0], settings: object): Promise<readonly House[]> {
  const town = new Town();
  const alice = await town.start(t, 'alice', { peers: ['bob'], ...settings });
  const bob = await town.start(t, 'bob', { peers: ['alice', 'carol'], ...settings });
  const carol = await town.start(t, 'carol', { peers: ['bob'], ...settings });
  await town.time.advance(NIGHT_MS);
  return [alice, bob, carol];
}

test('without a primary what a node may read it may share on', async (t) => {
  const [alice, bob, carol] = (await chain(t, {})) as [House, House, House];
  await alice.append('acme', 1);
  await alice.operate(async () => undefined);
  await bob.operate(async () => undefined);
  await carol.append('acme', 3);
  await carol.operate(async () => undefined);
  for (let i = 0; i < 50; i++) await carol.operate(async () => undefined);
  t.deepEqual(await carol.shows('acme'), [1, 3]);
  t.deepEqual(await alice.shows('acme'), [1, 3]);
});

test('with a primary only those whom it granted read and write, for every relay on the path', async (t) => {
  const primaries = new Map([[ACME, new House('alice', new Town(), {}).key.publicKey]]);
  const [alice, bob, carol] = (await chain(t, { primaries })) as [House, House, House];
  await alice.operate((desk) => desk.grant(ACME, bob.key.publicKey, { read: true, write: true }));
  for (let i = 0; i < 50; i++) await alice.operate(async () => undefined);
  await alice.append('acme', 1);
  await carol.append('acme', 3);
  await bob.append('acme', 2);
  for (let i = 0; i < 100; i++) await alice.operate(async () => undefined);
  t.deepEqual(await alice.shows('acme'), [1, 2]);
  t.deepEqual(await bob.shows('acme'), [1, 2]);
  t.deepEqual(await carol.shows('acme'), [3], 'carol has what she wrote, and nothing else');
  // Once she is granted, everything flows both ways.
  await alice.operate((desk) => desk.grant(ACME, carol.key.publicKey, { read: true, write: true }));
  for (let i = 0; i < 200; i++) await alice.operate(async () => undefined);
  t.deepEqual(await carol.shows('acme'), [1, 2, 3]);
  t.deepEqual(await alice.shows('acme'), [1, 2, 3]);
});

test('a right that is withdrawn stops what comes after it, on a link that stays up', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  await alice.append('acme', 1);
  await town.time.advance(2_000);
  await alice.operate((desk) => desk.grant(ACME, bob.key.publicKey, { read: false, write: false }));
  await town.time.advance(2_000);
  await alice.append('acme', 2);
  await bob.append('acme', 3);
  await town.time.advance(NIGHT_MS);
  t.true(alice.isConnectedTo(bob));
  t.deepEqual(await bob.shows('acme'), [1, 3]);
  t.deepEqual(await alice.shows('acme'), [1, 2]);
  await alice.operate((desk) => desk.grant(ACME, bob.key.publicKey, { read: true, write: true }));
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await bob.shows('acme'), [1, 2, 3]);
  t.deepEqual(await alice.shows('acme'), [1, 2, 3]);
});

test('acts are kept as signed entries that leave the node for nobody', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  const act = (action: string) => ({ caller: 'operator', action, detail: 'why not', outcome: 'done' });
  const { entries } = alice.node.status();
  await alice.operate((desk) => desk.noteAct(act('first')));
  t.is(alice.node.status().entries, entries, 'what is of no other node is not counted with what is');
  await alice.restart();
  await alice.operate((desk) => desk.noteAct(act('second')));
  await town.time.advance(NIGHT_MS);
  const page = await alice.operate((desk) => desk.acts({ limit: 1 }));
  t.deepEqual(
    page.acts.map(({ action }) => action),
    ['second'],
  );
  const rest = await alice.operate((desk) => desk.acts({ limit: 5, before: page.next ?? '' }));
  t.deepEqual(
    rest.acts.map(({ action, outcome }) => [action, outcome]),
    [['first', 'done']],
  );
  t.is(rest.next, null);
  const elsewhere = await bob.operate((desk) => desk.acts({ limit: 5 }));
  t.deepEqual(elsewhere.acts, []);
});

test('a revocation whose bars could not be made durable is no success, and shows at once what it cut after a restart', async (t) => {
  const { town, houses } = await neighbours(t, ['alice', 'bob']);
  const [alice, bob] = houses as [House, House];
  await bob.append('acme', 1);
  await town.time.advance(1_000);
  alice.spoils = (records) => records.some(({ kind }) => kind === 'bar');
  const revoked = t.throwsAsync(alice.node.operator.revoke({ key: bob.key.publicKey, from: 'all' }));
  await town.time.advance(1_000);
  t.is((await revoked)?.message, 'EIO');
  alice.spoils = () => false;
  await alice.restart();
  t.is(alice.levelOf(bob), 'revoked');
  t.deepEqual(await alice.shows('acme'), []);
});
