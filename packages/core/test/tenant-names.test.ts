/** That a tenant exists is told to nobody who has no right in it, unless he has told us first. */

import test from 'ava';
import { fingerprintOf, type Scope } from '../dist/identity.js';
import { Offers } from '../dist/shell/offers.js';
import { ALL_OTHERS, Offer, type Scopes } from '../dist/offer.js';
import { acme, alice, bob, carol } from './forge.js';
import { Town } from './town.js';

const READ_ALL: Scopes = [{ scope: 'access/acme', read: true, write: true }];
const TAKE = { scope: 'access/acme', read: false, write: true };

const namesOf = (scopes: Scopes): readonly string[] =>
  scopes === '*' ? [scopes] : scopes.map(({ scope }) => scope);

/** What is offered where bob may read acme and carol may not. */
function offersOf(): Offers {
  const bobs = fingerprintOf(bob.publicKey);
  const rightsOf = (key: Uint8Array, scope: Scope): { read: boolean; write: boolean } => {
    const read = fingerprintOf(key) === bobs;
    return { read, write: read || scope === 'access/acme' };
  };
  return new Offers({ tenants: () => [acme], rightsOf, stated: () => [acme], version: () => 1 });
}

test('a peer without a right in a tenant is not offered to state anything about it, unless it names the tenant', (t) => {
  const offers = offersOf();
  t.deepEqual(namesOf(offers.to(bob.publicKey, undefined)), [
    'access/acme',
    'annotations/acme',
    'timeline/acme',
  ]);
  t.deepEqual(offers.to(carol.publicKey, undefined), []);
  t.deepEqual(offers.to(carol.publicKey, '*'), [], 'everything is no name');
  t.deepEqual(offers.to(carol.publicKey, READ_ALL), [TAKE]);
  t.deepEqual(offers.to(carol.publicKey, [TAKE]), [], 'who only takes has no grants to bring');
});

test('who shares everything names the tenants about whose rights it has something to tell', (t) => {
  const offers = offersOf();
  t.deepEqual(offers.ofAll(bob.publicKey), [ALL_OTHERS, { scope: 'access/acme', read: true, write: true }]);
  t.is(offers.ofAll(carol.publicKey), '*');
  const offer = new Offer();
  t.false(offer.rights([ALL_OTHERS, TAKE], 'access/acme').read, 'what is named goes by its name');
  t.true(offer.rights([ALL_OTHERS, TAKE], 'timeline/initech').read);
});

for (const middle of ['shares by name', 'shares everything']) {
  test(`grants reach a member through one who ${middle}, though the member knows of none`, async (t) => {
    const town = new Town();
    const tenants = [acme];
    const primaries = new Map([[acme, alice.publicKey]]);
    const shared = { tenants, primaries };
    const byName = middle === 'shares by name';
    const a = await town.start(t, 'alice', { peers: ['bob'], ...shared });
    const b = await town.start(t, 'bob', {
      peers: ['alice', 'carol'],
      ...(byName ? shared : { tenants: '*' }),
    });
    const c = await town.start(t, 'carol', { peers: ['bob'], ...shared });
    await town.time.advance(40_000);
    for (const { publicKey } of [bob, carol])
      await a.operate((desk) => desk.grant(acme, publicKey, { read: true, write: true }));
    await town.time.advance(40_000);
    await a.append('acme', 1);
    await c.append('acme', 3);
    await town.time.advance(40_000);
    for (const house of [a, b, c]) t.deepEqual(await house.shows('acme'), [1, 3], house.name);
  });
}
