/** A name is bound to a key as long as the key is listed, and no longer, whatever goes wrong in between. */

import test from 'ava';
import { person } from './forge.js';
import { Town } from './town.js';

test('a peer is taken off the list with its name, or not at all', async (t) => {
  const town = new Town();
  const bob = await town.start(t, 'bob', { peers: ['alice'] });
  const alice = await town.start(t, 'alice');
  const listing = alice.node.trust({ address: 'bob' });
  await town.time.advance(40_000);
  await listing;
  t.true(alice.isConnectedTo(bob));
  alice.spoils = (records) => records.some((one) => one.kind === 'fact' && one.name.startsWith('name/'));
  const removing = t.throwsAsync(alice.node.unlist('bob'), { code: 'disk_failed' });
  await town.time.advance(1_000);
  await removing;
  alice.spoils = () => false;
  await alice.restart();
  await town.time.advance(40_000);
  t.true(alice.isConnectedTo(bob), 'nothing of it happened');
});

test('a name that only an earlier configuration listed goes to whoever is listed now', async (t) => {
  const town = new Town();
  const bob = await town.start(t, 'bob', { peers: ['alice'] });
  const alice = await town.start(t, 'alice', { peers: ['bob'] });
  await town.time.advance(40_000);
  t.true(alice.isConnectedTo(bob));
  await bob.stop();
  bob.key = person('bob, set up anew');
  await bob.start({ peers: ['alice'], address: 'elsewhere' });
  await alice.restart({ peers: ['elsewhere'] });
  await town.time.advance(40_000);
  t.deepEqual(
    alice.node.peers().map(({ address, status }) => [address, status]),
    [['elsewhere', 'connected']],
  );
});
