/** A node that comes back under another key: its peers follow it wherever they were, and the old key says nothing more. */

import test, { type ExecutionContext } from 'ava';
import { House, tenantId, Town } from './town.js';

const ACME = tenantId('acme');
const NIGHT_MS = 40_000;

/** Everyone lists everyone, and all are connected. */
async function neighbours(
  t: ExecutionContext,
  ...names: readonly string[]
): Promise<{ readonly town: Town; readonly houses: readonly House[] }> {
  const town = new Town();
  const houses: House[] = [];
  for (const name of names)
    houses.push(await town.start(t, name, { peers: names.filter((other) => other !== name) }));
  await town.time.advance(NIGHT_MS);
  return { town, houses };
}

/** The node stops, and comes back under another key. */
async function rotate(house: House): Promise<void> {
  await house.stop();
  house.rotate();
  await house.start();
}

function pinnedAt(house: House, other: House): string | undefined {
  return house.node.peers().find((peer) => peer.address === other.name)?.fingerprint;
}

function errorAt(house: House, other: House): string {
  return house.node.peers().find((peer) => peer.address === other.name)?.lastError ?? '';
}

/** A second machine with the present key of a node, which has not stopped. */
async function copy(
  t: ExecutionContext,
  town: Town,
  of: House,
  settings: { readonly address: string; readonly peers: readonly string[]; readonly isRotated: boolean },
): Promise<House> {
  const { isRotated, ...rest } = settings;
  const thief = new House(of.name, town, rest);
  thief.key = of.key;
  if (isRotated) thief.rotate('of a thief');
  await thief.start();
  t.teardown(() => thief.stop());
  return thief;
}

test('a peer that was away while a node rotated its key follows it, with all that the old key had', async (t) => {
  const { town, houses } = await neighbours(t, 'alice', 'bob');
  const [alice, bob] = houses as [House, House];
  await bob.operate((desk) => desk.grant(ACME, alice.key.publicKey, { read: true, write: false }));
  await alice.append('acme', 1);
  await bob.append('acme', 2);
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await bob.shows('acme'), [2]);
  await bob.stop();
  const before = alice.node.fingerprint;
  await rotate(alice);
  await alice.append('acme', 3);
  t.not(alice.node.fingerprint, before);
  await bob.start();
  await town.time.advance(NIGHT_MS);
  t.deepEqual([alice.levelOf(bob), bob.levelOf(alice)], ['verified', 'verified']);
  t.true(bob.isConnectedTo(alice));
  t.is(pinnedAt(bob, alice), alice.node.fingerprint);
  const listed = bob.node.peers().find(({ address }) => address === 'alice');
  t.is(String(listed?.id), 'logline-id://node/alice');
  await bob.append('acme', 4);
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await alice.shows('acme'), [1, 2, 3, 4]);
  t.deepEqual(await bob.shows('acme'), [2, 4], 'she may read and not write, as before');
  await bob.operate((desk) => desk.grant(ACME, alice.key.publicKey, { read: true, write: true }));
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await bob.shows('acme'), [1, 2, 3, 4], 'what either key wrote');
});

test('a node that only calls is followed, and so is one that is only called', async (t) => {
  const { town, houses } = await neighbours(t, 'alice', 'bob');
  const [alice, bob] = houses as [House, House];
  for (const [caller, called] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    called.mayDial = false;
    caller.mayDial = true;
    await rotate(alice);
    await town.time.advance(2 * NIGHT_MS);
    t.true(bob.isConnectedTo(alice), `${caller.name} calls`);
    t.is(pinnedAt(bob, alice), alice.node.fingerprint);
  }
});

test('two rotations that a peer missed are followed one after the other, and outlive its restarts', async (t) => {
  const { town, houses } = await neighbours(t, 'alice', 'bob');
  const [alice, bob] = houses as [House, House];
  await alice.append('acme', 1);
  await town.time.advance(2_000);
  const first = alice.key.publicKey;
  await bob.stop();
  await rotate(alice);
  await alice.append('acme', 2);
  await rotate(alice);
  await alice.append('acme', 3);
  await alice.restart();
  // Its configuration names the first key, whatever came since.
  await bob.start({ trustedPeers: [{ address: 'alice', key: first }] });
  await town.time.advance(2 * NIGHT_MS);
  for (const _ of [1, 2]) {
    t.is(pinnedAt(bob, alice), alice.node.fingerprint);
    t.is(bob.levelOf(alice), 'verified');
    t.deepEqual(await bob.shows('acme'), [1, 2, 3]);
    await bob.restart();
    await town.time.advance(2 * NIGHT_MS);
    t.true(bob.isConnectedTo(alice));
  }
});

test('what the old key signs after its rotation is refused by all, and falls where it was taken in ignorance', async (t) => {
  const { town, houses } = await neighbours(t, 'alice', 'bob', 'carol');
  const [alice, bob, carol] = houses as [House, House, House];
  await alice.append('acme', 1);
  await town.time.advance(2_000);
  const old = alice.node.fingerprint;
  const ghost = await copy(t, town, alice, {
    address: 'elsewhere',
    peers: ['bob', 'carol'],
    isRotated: false,
  });
  town.network.partition([
    ['alice', 'bob'],
    ['carol', 'elsewhere'],
  ]);
  await town.time.advance(NIGHT_MS);
  await rotate(alice);
  await ghost.append('acme', 66);
  await town.time.advance(NIGHT_MS);
  t.deepEqual(await carol.shows('acme'), [1, 66], 'carol knows of nothing');
  t.deepEqual(await bob.shows('acme'), [1]);
  town.network.heal();
  await town.time.advance(2 * NIGHT_MS);
  await ghost.append('acme', 67);
  await town.time.advance(2 * NIGHT_MS);
  for (const house of [alice, bob, carol]) t.deepEqual(await house.shows('acme'), [1], house.name);
  for (const house of [bob, carol]) {
    t.is(pinnedAt(house, alice), alice.node.fingerprint);
    t.true(house.isConnectedTo(alice));
    t.false(ghost.isConnectedTo(house));
    const refused = house.events.flatMap((event) => (event.kind === 'link_refused' ? [event] : []));
    t.true(refused.some(({ code, fingerprint }) => code === 'revoked' && fingerprint === old));
  }
});

test('two keys that claim to follow one freeze it, until the operator says which of them is right', async (t) => {
  const { town, houses } = await neighbours(t, 'alice', 'bob');
  const [alice, bob] = houses as [House, House];
  await alice.append('acme', 1);
  await town.time.advance(2_000);
  await alice.stop();
  const thief = await copy(t, town, alice, { address: 'alice', peers: ['bob'], isRotated: true });
  await town.time.advance(NIGHT_MS);
  t.is(pinnedAt(bob, alice), thief.node.fingerprint, 'who comes first cannot be told from the right one');
  await thief.stop();
  await rotate(alice);
  await thief.start({ address: 'elsewhere', peers: ['bob'] });
  await thief.append('acme', 66);
  await town.time.advance(3 * NIGHT_MS);
  t.false(bob.isConnectedTo(alice));
  t.false(thief.isConnectedTo(bob));
  t.is(bob.levelOf(alice), 'pending', 'it waits for its operator');
  t.regex(errorAt(bob, alice), /establish trust again with #/);
  const { nodes } = bob.node.operator.trustGraph();
  const levels = [alice, thief].map(
    ({ node }) => nodes.find(({ fingerprint }) => fingerprint === node.fingerprint)?.level ?? 'unknown',
  );
  t.deepEqual(levels, ['unknown', 'unknown']);
  await bob.restart();
  await town.time.advance(2 * NIGHT_MS);
  t.false(bob.isConnectedTo(alice), 'nor after a restart');
  t.false(thief.isConnectedTo(bob));
  t.deepEqual(await bob.shows('acme'), [1], 'what was held when the key ended stays for now');
  const chosen = bob.node.trust({ address: 'alice', key: alice.key.publicKey });
  await town.time.advance(2 * NIGHT_MS);
  await chosen;
  t.true(bob.isConnectedTo(alice), errorAt(bob, alice));
  t.false(thief.isConnectedTo(bob));
  t.deepEqual(await bob.shows('acme'), [1]);
});
