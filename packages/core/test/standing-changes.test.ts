/** What happens to links when an operator's mind about a key changes while they are up, or down. */

import test, { type ExecutionContext } from 'ava';
import { ALL_RIGHTS } from '../dist/offer.js';
import { ACME, alice, bob, carol } from './forge.js';
import { Party, Street } from './parties.js';

interface Pair {
  readonly street: Street;
  readonly alice: Party;
  readonly bob: Party;
}

async function connected(t: ExecutionContext): Promise<Pair> {
  const street = new Street();
  const a = await Party.open(t, street, { name: 'alice', key: alice });
  const b = await Party.open(t, street, { name: 'bob', key: bob });
  a.thinks(bob, 'verified', [ACME, ALL_RIGHTS]);
  b.thinks(alice, 'verified', [ACME, ALL_RIGHTS]);
  a.meets('bob', bob);
  b.meets('alice', alice);
  await street.time.advance(3_000);
  t.is(a.session(bob)?.isOpen, true);
  return { street, alice: a, bob: b };
}

/** The goodbyes that a party heard. */
const byes = (party: Party): readonly string[] =>
  party.messagesHeard().flatMap((message) => (message.kind === 'bye' ? [message.code] : []));
const dials = ({ events }: Party): number =>
  events.filter((event) => event.kind === 'link_refused' || event.kind === 'dial_failed').length;

test('the session with a key ends at the moment it is revoked, and nothing that is under way is taken', async (t) => {
  const { street, alice: a, bob: b } = await connected(t);
  await Promise.all([b.writes(1), street.time.advance(1_000)]);
  t.is(a.holdsOf(bob), 1);
  const heard = byes(b).length;
  const writing = b.writes(2);
  await street.time.advance(2);
  a.thinks(bob, 'revoked');
  t.is(a.session(bob), undefined);
  await Promise.all([writing, street.time.advance(900)]);
  t.is(byes(b)[heard], 'revoked');
  t.is(a.holdsOf(bob), 1);
  t.is(b.session(alice), undefined);
  t.regex(b.book.byAddress('alice')?.lastError ?? '', /^revoked: /);
  t.regex(a.book.byAddress('bob')?.lastError ?? '', /^revoked: /);
});

test('a revoked peer is not dialled, and its calls hear one word', async (t) => {
  const { street, alice: a, bob: b } = await connected(t);
  a.thinks(bob, 'revoked');
  await street.time.advance(1_000);
  const [before, asked] = [b.heard.length, dials(a)];
  await street.time.advance(60_000);
  const since = b.messagesHeard().slice(before);
  t.true(since.length > 1, 'bob goes on calling');
  t.true(since.every((message) => message.kind === 'bye' && message.code === 'revoked'));
  t.true(dials(b) > 1);
  // Each of these was a call of bob's: alice dials nobody.
  t.is(dials(a) - asked, since.length);
  t.is(a.session(bob), undefined);
});

test('trust that ends without a revocation closes the session as pending, and the peer may hope', async (t) => {
  const { street, alice: a, bob: b } = await connected(t);
  a.thinks(bob, 'pending');
  await street.time.advance(500);
  t.is(a.session(bob), undefined);
  t.is(byes(b).at(-1), 'pending');
  t.is(b.book.byAddress('alice')?.level, 'pending');
});

for (const level of ['revoked', 'pending'] as const) {
  test(`a peer that was ${level} and is trusted again is dialled at once, and its new spans flow`, async (t) => {
    const { street, alice: a, bob: b } = await connected(t);
    a.thinks(bob, level);
    await street.time.advance(300_000);
    t.is(a.session(bob), undefined);
    await Promise.all([b.writes(1), street.time.advance(100)]);
    a.thinks(bob, 'verified', [ACME, ALL_RIGHTS]);
    await street.time.advance(200);
    t.is(a.session(bob)?.isOpen, true);
    await street.time.advance(1_000);
    t.is(a.holdsOf(bob), 1);
  });
}

test('a change of mind about one key leaves the sessions of others alone', async (t) => {
  const { street, alice: a, bob: b } = await connected(t);
  const session = a.session(bob);
  const heard = b.heard.length;
  a.thinks(carol, 'revoked');
  a.thinks(carol, 'verified', [ACME, ALL_RIGHTS]);
  await street.time.advance(200);
  t.is(a.session(bob), session);
  t.is(b.heard.length, heard, 'nothing is said of it');
});

test('an unreachable peer is not dialled anew at every change of mind about others', async (t) => {
  const street = new Street();
  const a = await Party.open(t, street, { name: 'alice', key: alice });
  a.thinks(bob, 'verified', [ACME, ALL_RIGHTS]);
  a.meets('bob', bob);
  await street.time.advance(60_000);
  const { failures } = a.book.byAddress('bob') ?? { failures: Number.NaN };
  for (let i = 0; i < 50; i++) {
    a.thinks(carol, i % 2 === 0 ? 'verified' : 'pending');
    await street.time.advance(100);
  }
  t.true((a.book.byAddress('bob')?.failures ?? 0) - failures <= 1);
});
