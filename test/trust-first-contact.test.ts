/** A first contact that nothing proves: it waits on both sides for what the operators type, and they type what they read. */

import { randomBytes } from 'node:crypto';
import { fingerprintOf } from '@logline/federation-core';
import { createCrypto } from '@logline/federation-core/node';
import { eventually } from '@logline/federation-core/testing';
import test, { type ExecutionContext } from 'ava';
import { logline } from './support/trust-cli.js';
import { dated, Site, together } from './support/trust-site.js';

const ACME = 'acme';
const COMMAND = /logline federation trust confirm \S+ \S+/;

test('without a network key and a fingerprint a first contact waits on both sides until each operator has typed what the log says', async (t) => {
  t.timeout(120_000);
  const [alice, bob] = await strangers(t);
  await Promise.all([
    alice.client.establishTrust({ peer_address: bob.url }),
    bob.client.establishTrust({ peer_address: alice.url }),
  ]);

  const [atAlice, atBob] = [await toldAt(alice), await toldAt(bob)];
  for (const { logged, shown, of } of [
    { ...atAlice, of: bob },
    { ...atBob, of: alice },
  ])
    for (const command of [logged, shown]) t.is(command.split(' ').at(-1), of.fingerprint);

  await alice.write(ACME, dated(1, 2025));
  await type(alice, atAlice.logged);
  t.is(await alice.levelOf(bob), 'pending', 'one side alone is not enough');
  t.is((await bob.client.nodes())[0]?.trust_level, 'pending');
  t.deepEqual(await bob.shows(ACME), []);
  await type(bob, atBob.shown);
  await together(alice, bob);
  await bob.comesToShow(ACME, [dated(1, 2025)]);

  /** What a node logs once, and what it answers whoever asks about its peers. */
  async function toldAt(node: Site): Promise<{ readonly logged: string; readonly shown: string }> {
    await eventually(`${node.name} is told`, () => node.told('first_contact_unconfirmed').length > 0);
    const [peer] = await node.client.nodes();
    t.deepEqual([peer?.trust_level, peer?.status === 'connected'], ['pending', false]);
    const [line, ...more] = node.told('first_contact_unconfirmed');
    t.deepEqual(more, [], 'it is logged once');
    return { logged: commandIn(line?.['detail']), shown: commandIn(peer?.last_error) };
  }

  async function type(node: Site, command: string): Promise<void> {
    const { code, out, err } = await logline(node, command.split(' ').slice(1));
    t.is(code, 0, err);
    t.regex(out, /pending|verified/);
  }
});

test('another fingerprint than the one seen is confirmed for nobody', async (t) => {
  t.timeout(120_000);
  const [alice, bob] = await strangers(t);
  await alice.client.establishTrust({ peer_address: bob.url });
  await eventually('alice is told', () => alice.told('first_contact_unconfirmed').length > 0);
  const another = fingerprintOf(createCrypto().keyPair(randomBytes(32)).publicKey);
  const { code, err } = await logline(alice, ['federation', 'trust', 'confirm', bob.url, another]);
  t.is(code, 1);
  t.true(err.includes(bob.fingerprint), err);
  t.is((await alice.client.nodes())[0]?.trust_level, 'pending');
});

/** Two nodes that share no secret. */
function strangers(t: ExecutionContext): Promise<[Site, Site]> {
  const open = (name: string): Promise<Site> => Site.open(t, { name, networkKey: '' });
  return Promise.all([open('alice'), open('bob')]);
}

function commandIn(message: unknown): string {
  return COMMAND.exec(String(message))?.[0] ?? String(message);
}
