/** A fork between nodes, from its discovery to the ruling of the origin's operator: all end with the branch that he chose. */

import test, { type ExecutionContext } from 'ava';
import { splitFeedKey, type Feed } from '../dist/feed.js';
import { toHex } from '../dist/bytes.js';
import { timelineScope } from '../dist/identity.js';
import { LogStore } from '../dist/store/store.js';
import { describeEntry } from '../dist/store/describe.js';
import { acceptedEntry, acme, alice as aliceKey, hashOf, span, Writer, type Forged } from './forge.js';
import { House, TOOLS, Town } from './town.js';

const NIGHT_MS = 60_000;

interface Forked {
  readonly town: Town;
  readonly alice: House;
  readonly bob: House;
  readonly carol: House;
  /** Hashes of the two entries that alice's key has signed at the second place of her feed. */
  readonly branches: { readonly hers: Uint8Array; readonly other: Uint8Array };
  readonly feed: string;
}

function feedOf(house: House): Feed {
  const isHers = ({ key }: Feed): boolean =>
    splitFeedKey(key)?.scope === timelineScope(acme) &&
    toHex(splitFeedKey(key)?.origin ?? new Uint8Array(0)) === toHex(aliceKey.publicKey);
  const found = house.storage.feeds().find(isHers);
  if (found === undefined) throw new Error(`${house.name} holds no feed of alice`);
  return found;
}

/** Alice has written spans 1 and 2, and bob has them. Carol was given 1 and, signed by alice's key in the place of 2, 9. */
async function forked(t: ExecutionContext): Promise<Forked> {
  const town = new Town();
  const alice = await town.start(t, 'alice', { peers: ['bob', 'carol'] });
  const bob = await town.start(t, 'bob', { peers: ['alice', 'carol'] });
  await town.time.advance(NIGHT_MS);
  for (const n of [1, 2]) await alice.append('acme', n);
  await town.time.advance(1_000);
  t.deepEqual(await bob.shows('acme'), [1, 2]);
  const { key } = feedOf(alice);
  const epoch = splitFeedKey(key)?.epoch ?? t.fail();
  const [first, second] = await alice.storage.entries(key, { from: 1, to: 2, bytesMost: 1e6 });
  if (first === undefined || second === undefined) return t.fail();
  const other = otherBranch(first.bytes, epoch);
  const carol = await carolWith(town, other);
  t.teardown(() => carol.stop());
  await carol.start();
  t.deepEqual(await carol.shows('acme'), [1, 9]);
  await town.time.advance(NIGHT_MS);
  const branches = { hers: hashOf(second.bytes), other: other[1]?.hash ?? t.fail() };
  return { town, alice, bob, carol, branches, feed: `timeline/acme/${toHex(epoch)}` };
}

/** Span 9 in the place of span 2, signed by alice's key. */
function otherBranch(first: Uint8Array, epoch: Uint8Array): readonly Forged[] {
  const held = describeEntry(first, TOOLS);
  if (held === undefined) throw new Error('alice has written no entry');
  const writer = new Writer(aliceKey, { epoch, history: [held] });
  const { stamp } = held.header;
  return [held, writer.write({ spans: [span(9)], stamp: { ms: stamp.ms + 1, count: 0 } })];
}

/** Carol's machine with these entries on its disk, before it is started. */
async function carolWith(town: Town, entries: readonly Forged[]): Promise<House> {
  const carol = new House('carol', town, { peers: ['alice', 'bob'] });
  const { index } = carol.index.reopen();
  const store = await LogStore.open({ disk: carol.disk, index, tools: TOOLS, random: town.random });
  await store.commit(entries.map((entry) => ({ kind: 'entry', entry: acceptedEntry(entry) })));
  await store.close();
  return carol;
}

test('a fork is ruled on by its origin alone, and everybody ends with the branch that it chose', async (t) => {
  const { town, alice, bob, carol, branches, feed } = await forked(t);
  const houses = [alice, bob, carol];
  for (const house of houses) {
    t.deepEqual(await house.shows('acme'), [1], `${house.name} reads up to the fork`);
    const proof = await house.operate((desk) => desk.forkProof(aliceKey.publicKey, feed));
    t.deepEqual(
      proof.map((bytes) => toHex(hashOf(bytes))).sort(),
      [branches.hers, branches.other].map(toHex).sort(),
      `${house.name} can show who signed what`,
    );
  }
  await t.throwsAsync(
    bob.operate((desk) => desk.ruleFork(feed, branches.other)),
    { code: 'bad_request' },
  );
  // What forked takes nothing more: its machine begins a new feed.
  await alice.restart();
  await town.time.advance(NIGHT_MS);
  await alice.operate((desk) => desk.ruleFork(feed, branches.hers));
  await alice.append('acme', 3);
  await town.time.advance(NIGHT_MS);
  for (const house of houses) {
    t.deepEqual(await house.shows('acme'), [1, 2, 3], `${house.name} has what she chose`);
    await house.restart();
    t.deepEqual(await house.shows('acme'), [1, 2, 3], `${house.name} still has it after a restart`);
  }
  await town.time.advance(NIGHT_MS);
  for (const house of houses) {
    const kept = await house.operate((desk) => desk.quarantine());
    t.deepEqual(
      kept.map(({ feed: name, reason }) => [name, reason]),
      [[feed, 'forked']],
      `${house.name} keeps the forked feed shut`,
    );
  }
});

test('where the origin chooses the branch that it does not hold, its own spans of the other stay out', async (t) => {
  const { town, alice, bob, carol, branches, feed } = await forked(t);
  await alice.restart();
  await alice.operate((desk) => desk.ruleFork(feed, branches.other));
  await town.time.advance(NIGHT_MS);
  for (const house of [alice, bob, carol]) t.deepEqual(await house.shows('acme'), [1], house.name);
});
