/** That a tenant exists is told to nobody who has no right in it, unless he has told us first. */

import test from 'ava';
import { fingerprintOf, parseTenant, type Scope } from '../dist/identity.js';
import { Offers } from '../dist/shell/offers.js';
import type { Scopes } from '../dist/offer.js';
import { acme, alice, bob, carol } from './forge.js';
import { tenantId, Town } from './town.js';

const READ_ALL: Scopes = [{ scope: 'access/acme', read: true, write: true }];
const TAKE = { scope: 'access/acme', read: false, write: true };

/** What is offered where bob may read acme and carol may not. */
function offersOf(): Offers {
  const bobs = fingerprintOf(bob.publicKey);
  const rightsOf = (key: Uint8Array, scope: Scope): { read: boolean; write: boolean } => {
    const read = fingerprintOf(key) === bobs;
    return { read, write: read || scope === 'access/acme' };
  };
  return new Offers({ tenants: () => [acme], rightsOf, version: () => 1 });
}

test('a peer without a right in a tenant is not offered to state anything about it, unless it names the tenant', (t) => {
  const offers = offersOf();
  t.deepEqual(
    offers.to(bob.publicKey, undefined).map(({ scope }) => scope),
    ['access/acme', 'annotations/acme', 'timeline/acme'],
  );
  t.deepEqual(offers.to(carol.publicKey, undefined), []);
  t.deepEqual(offers.to(carol.publicKey, '*'), [TAKE], 'it may bring grants of any tenant');
  t.deepEqual(offers.to(carol.publicKey, READ_ALL), [TAKE]);
  t.deepEqual(offers.to(carol.publicKey, [TAKE]), [], 'who only takes has no grants to bring');
});

test('grants reach a member through one who knows of them, though the member knows of none', async (t) => {
  const town = new Town();
  const tenants = [acme];
  const primaries = new Map([[parseTenant('acme') ?? acme, alice.publicKey]]);
  const shared = { tenants, primaries };
  const a = await town.start(t, 'alice', { peers: ['bob'], ...shared });
  const b = await town.start(t, 'bob', { peers: ['alice', 'carol'], ...shared });
  const c = await town.start(t, 'carol', { peers: ['bob'], ...shared });
  await town.time.advance(40_000);
  for (const { key } of [bob, carol].map((person) => ({ key: person.publicKey })))
    await a.operate((desk) => desk.grant(tenantId('acme'), key, { read: true, write: true }));
  await town.time.advance(40_000);
  await a.append('acme', 1);
  await c.append('acme', 3);
  await town.time.advance(40_000);
  t.deepEqual(await b.shows('acme'), [1, 3]);
  t.deepEqual(await c.shows('acme'), [1, 3]);
  t.deepEqual(await a.shows('acme'), [1, 3]);
});
