/** What may flow in which direction between two peers, and that nothing else is ever mentioned. */

import test, { type ExecutionContext } from 'ava';
import { digestHoldings } from '../dist/holdings.js';
import { feedKey } from '../dist/feed.js';
import { accessScope, timelineScope, TRUST_SCOPE } from '../dist/identity.js';
import { writeHello } from '../dist/handshake.js';
import { ALL_RIGHTS, NO_RIGHTS, type Rights } from '../dist/offer.js';
import { toHex } from '../dist/bytes.js';
import { Flows } from '../dist/shell/flows.js';
import { ACME, acme, alice, bob, epoch, span, tenant, Writer, type Forged } from './forge.js';
import { Opinions, Party, say, Street, tools } from './parties.js';
import { greeter } from './session-ends.js';

const READ: Rights = { read: true, write: false };
const WRITE: Rights = { read: false, write: true };
const globex = tenant('globex');
const GLOBEX = timelineScope(globex);

interface Pair {
  readonly street: Street;
  readonly alice: Party;
  readonly bob: Party;
}

/** Two peers that trust each other, each with what it lets the other do on acme. */
async function pair(t: ExecutionContext, ofBob: Rights, ofAlice: Rights): Promise<Pair> {
  const street = new Street();
  const a = await Party.open(t, street, { name: 'alice', key: alice });
  const b = await Party.open(t, street, { name: 'bob', key: bob });
  a.thinks(bob, 'verified', [ACME, ofBob]);
  b.thinks(alice, 'verified', [ACME, ofAlice]);
  return { street, alice: a, bob: b };
}

async function meet({ street, alice: a, bob: b }: Pair, dials: 'alice' | 'bob'): Promise<void> {
  a.peering.start();
  b.peering.start();
  if (dials === 'alice') a.meets('bob', bob);
  else b.meets('alice', alice);
  await street.time.advance(3_000);
}

for (const dials of ['alice', 'bob'] as const) {
  test(`what may be read but not written flows one way, and both are in sync in their own sense (${dials} dials)`, async (t) => {
    const both = await pair(t, READ, WRITE);
    const { street, alice: a, bob: b } = both;
    await Promise.all([a.writes(1), b.writes(2), street.time.advance(100)]);
    await meet(both, dials);
    t.is(b.holdsOf(alice), 1, 'what was written before');
    t.true(a.isInSyncWith(bob) && b.isInSyncWith(alice));
    await Promise.all([a.writes(3), b.writes(4), street.time.advance(3_000)]);
    t.is(b.holdsOf(alice), 2, 'and what is written now');
    t.is(a.holdsOf(bob), 0);
    t.true(a.isInSyncWith(bob) && b.isInSyncWith(alice));
    // Bob confirms what alice brought, and says nothing of what he holds besides.
    const bobs = toHex(feedPrefixOf(bob.publicKey));
    t.false(a.heard.some((frame) => toHex(frame).includes(bobs)));
    t.true(a.messagesHeard().some((message) => message.kind === 'receipt'));
    const compared = b
      .messagesHeard()
      .flatMap((message) => (message.kind === 'holdings' && message.round > 0 ? message.ranges : []));
    t.true(compared.length > 0);
    t.deepEqual(
      compared.flatMap((range) => range.feeds ?? []),
      [],
    );
  });
}

/** Five entries of alice's, the fourth of which begins a segment. */
function written(): readonly Forged[] {
  const pen = new Writer(alice);
  return [1, 2, 3, 4, 5].map((seq) => pen.write(seq === 4 ? { doc: 4 } : seq === 5 ? { doc: 4 } : {}));
}

for (const [what, bobs] of [
  ['as much', [0, 1, 2]],
  ['more', [0, 1, 2, 3, 4]],
  ['what follows', [3, 4]],
  ['nothing', []],
] as const) {
  test(`a peer that may not read is told that its own words are held, and nothing beyond, by one that held ${what}`, async (t) => {
    const street = new Street();
    const history = written();
    // Alice has lost the end of what she wrote, as after the restoring of a backup; bob may still have it.
    const a = await Party.open(t, street, { name: 'alice', key: alice, holds: history.slice(0, 3) });
    const b = await Party.open(t, street, {
      name: 'bob',
      key: bob,
      holds: history.filter((_, at) => (bobs as readonly number[]).includes(at)),
    });
    a.thinks(bob, 'verified', [ACME, READ]);
    b.thinks(alice, 'verified', [ACME, WRITE]);
    b.peering.start();
    a.meets('bob', bob);
    await street.time.advance(5_000);
    const told = a.messagesHeard().flatMap((message) => (message.kind === 'receipt' ? message.feeds : []));
    t.true(told.length > 0);
    for (const { ranges } of told) t.deepEqual(ranges, [{ from: 1, to: 3, hash: history[2]?.hash }]);
    t.true(a.isInSyncWith(bob) && b.isInSyncWith(alice));
  });
}

test('what a peer claims of another history than ours is never confirmed', async (t) => {
  const street = new Street();
  const [told, held] = [new Writer(alice), new Writer(alice)];
  for (let n = 1; n <= 3; n++) told.write({ spans: [span(n)] });
  for (let n = 1; n <= 5; n++) held.write({ spans: [span(n + 10)] });
  const a = await Party.open(t, street, { name: 'alice', key: alice, holds: told.written });
  const b = await Party.open(t, street, { name: 'bob', key: bob, holds: held.written });
  a.thinks(bob, 'verified', [ACME, READ]);
  b.thinks(alice, 'verified', [ACME, WRITE]);
  b.peering.start();
  a.meets('bob', bob);
  await street.time.advance(5_000);
  const ends = a
    .messagesHeard()
    .flatMap((message) => (message.kind === 'receipt' ? message.feeds : []))
    .flatMap((feed) => feed.ranges.map((range) => toHex(range.hash)));
  const hers = told.written.map(({ hash }) => toHex(hash));
  t.deepEqual(
    ends.filter((end) => hers.includes(end)),
    [],
  );
});

test('what is being read for a peer is not sent once it may not read it any more', async (t) => {
  const both = await pair(t, NO_RIGHTS, ALL_RIGHTS);
  const { street, alice: a, bob: b } = both;
  await Promise.all([a.writes(1), street.time.advance(100)]);
  await meet(both, 'alice');
  let reads = 0;
  a.onRead = () => {
    reads++;
    a.thinks(bob, 'verified', [ACME, NO_RIGHTS]);
  };
  a.thinks(bob, 'verified', [ACME, READ]);
  await street.time.advance(3_000);
  t.true(reads > 0);
  t.is(b.holdsOf(alice), 0);
  t.false(b.messagesHeard().some((message) => message.kind === 'entries'));
});

test('a scope flows where one side lets the other read and that one lets it write, and in no other case', (t) => {
  const opinions = new Opinions();
  const flows = new Flows(opinions, bob.publicKey);
  const all = [NO_RIGHTS, READ, WRITE, ALL_RIGHTS];
  for (const ours of all) {
    for (const theirs of all) {
      // What was found before a change of mind is not believed after it.
      opinions.set(bob.publicKey, 'verified', [[ACME, ours]]);
      const flow = flows.of(ACME, [{ scope: ACME, ...theirs }]);
      t.deepEqual(flow, { out: ours.read && theirs.write, in: ours.write && theirs.read });
    }
  }
  const offered = '*';
  t.deepEqual(flows.of(ACME, offered), { in: true, out: true });
  opinions.set(bob.publicKey, 'verified', [[ACME, NO_RIGHTS]]);
  t.deepEqual(flows.of(ACME, offered), { in: false, out: false });
  t.deepEqual(flows.of(ACME, undefined), { in: false, out: false }, 'nothing before the peer has spoken');
  t.deepEqual(flows.of(TRUST_SCOPE, undefined), { in: false, out: false });
  t.deepEqual(flows.of(TRUST_SCOPE, []), { in: true, out: true });
  opinions.set(bob.publicKey, 'pending', [[ACME, ALL_RIGHTS]]);
  t.deepEqual(flows.of(TRUST_SCOPE, offered), { in: false, out: false }, 'nothing without trust');
});

test('where one side gives no right at all, nothing flows and nothing is told', async (t) => {
  for (const [ofBob, ofAlice] of [
    [NO_RIGHTS, ALL_RIGHTS],
    [ALL_RIGHTS, NO_RIGHTS],
    [READ, READ],
    [WRITE, WRITE],
  ] as const) {
    const both = await pair(t, ofBob, ofAlice);
    const { street, alice: a, bob: b } = both;
    await Promise.all([a.writes(1), street.time.advance(100)]);
    await meet(both, 'alice');
    // Alice's second entry is one to tell of, bob's first one to send at once.
    await Promise.all([a.writes(3), b.writes(4), street.time.advance(3_000)]);
    t.is(a.session(bob)?.isOpen, true);
    t.is(a.holdsOf(bob) + b.holdsOf(alice), 0);
    t.deepEqual([...a.scopesHeard(), ...b.scopesHeard()], []);
    t.false([...a.messagesHeard(), ...b.messagesHeard()].some((message) => message.kind === 'entries'));
    t.true(a.isInSyncWith(bob) && b.isInSyncWith(alice));
  }
});

test('rights that are given while connected let spans flow at once, and rights that are taken stop them', async (t) => {
  const both = await pair(t, NO_RIGHTS, ALL_RIGHTS);
  const { street, alice: a, bob: b } = both;
  await Promise.all([a.writes(1), b.writes(2), street.time.advance(100)]);
  await meet(both, 'bob');
  const session = a.session(bob);
  const steps = [
    [READ, 2, 0],
    [NO_RIGHTS, 2, 0],
    [WRITE, 2, 3],
    [ALL_RIGHTS, 5, 4],
    [NO_RIGHTS, 5, 4],
    [ALL_RIGHTS, 7, 6],
  ] as const;
  for (const [i, [rights, ofAlice, ofBob]] of steps.entries()) {
    a.thinks(bob, 'verified', [ACME, rights]);
    await Promise.all([a.writes(10 + i), b.writes(20 + i), street.time.advance(4_000)]);
    t.is(b.holdsOf(alice), ofAlice, `step ${i}: what bob holds of alice`);
    t.is(a.holdsOf(bob), ofBob + (ofBob > 0 ? 1 : 0), `step ${i}: what alice holds of bob`);
    t.true(a.isInSyncWith(bob) && b.isInSyncWith(alice), `step ${i}`);
  }
  t.is(a.session(bob), session, 'all of it on one link');
});

test('a scope that a peer may not read is answered byte for byte like one that does not exist', async (t) => {
  const street = new Street();
  const a = await Party.open(t, street, { name: 'alice', key: alice });
  a.thinks(bob, 'verified', [ACME, ALL_RIGHTS]);
  a.peering.start();
  await Promise.all([a.writes(1, globex), street.time.advance(100)]);
  const held = a.table.under(`${GLOBEX}\0`)[0];
  if (held === undefined) return t.fail('alice holds something of globex');
  const key = bob;
  const transport = street.network.transport({ address: 'bob', keyPair: key });
  t.teardown(() => transport.close());

  /** What alice says to one who asks for a feed in every way there is. */
  const answersFor = async (wanted: typeof held.key): Promise<readonly string[]> => {
    const dialled = transport.dial('alice', { timeoutMs: 1_000 });
    await street.time.advance(100);
    const link = await dialled;
    const frames: Uint8Array[] = [];
    link.receive({ frame: (bytes) => frames.push(bytes), drained: () => undefined, closed: () => undefined });
    say(link, writeHello(greeter(key, 'bob'), link, { verify: true, atMs: 0, tools }));
    const scope = wanted.slice(0, wanted.indexOf('\0'));
    const feed = { key: wanted, ranges: [{ from: 1, to: 9, hash: new Uint8Array(32).fill(9) }] };
    const [lower, upper] = [wanted, `${wanted}\0`];
    const digest = digestHoldings([feed], tools.crypto);
    say(link, { kind: 'holdings', scopes: '*', ranges: [], round: 0 });
    say(link, { kind: 'holdings', scopes: [{ scope, ...ALL_RIGHTS }], ranges: [], round: 0 });
    say(link, { kind: 'want', ranges: [{ key: wanted, from: 1, to: 1, aligned: false }], creditBytes: 0 });
    say(link, {
      kind: 'holdings',
      scopes: undefined,
      ranges: [{ lower, upper, digest, feeds: undefined, reply: true }],
      round: 1,
    });
    say(link, {
      kind: 'holdings',
      scopes: undefined,
      ranges: [{ lower, upper, digest, feeds: [feed], reply: true }],
      round: 1,
    });
    await street.time.advance(20_000);
    link.close(4000, 'done');
    await street.time.advance(2_000);
    // The hello is another on each link. Keys that we asked with ourselves come back as we wrote them.
    const asHeard = frames.slice(1).map((frame) => toHex(frame));
    return asHeard.map((frame) => frame.replaceAll(toHex(tools.text.encode(scope)), 'scope'));
  };

  const forbidden = await answersFor(held.key);
  const unknown = await answersFor(feedKey(timelineScope(tenant('globez')), alice.publicKey, epoch(5)));
  const elsewhere = held.key.slice(held.key.indexOf('\0'));
  const same = unknown.map((frame) => frame.replaceAll(hexOfKey(feedTail(5)), hexOfKey(elsewhere)));
  t.true(forbidden.length > 2);
  t.deepEqual(forbidden, same);
  t.deepEqual(a.holdsOf(alice, globex), 1);
});

test('access statements are offered like spans, and acts never', async (t) => {
  const both = await pair(t, ALL_RIGHTS, ALL_RIGHTS);
  await meet(both, 'alice');
  const flow = both.alice.session(bob);
  t.deepEqual(flow?.flow(ACME), { in: true, out: true });
  t.deepEqual(flow?.flow(accessScope(acme)), { in: false, out: false });
  t.deepEqual(flow?.flow(TRUST_SCOPE), { in: true, out: true });
  both.alice.thinks(bob, 'verified', ['acts' as never, ALL_RIGHTS]);
  both.bob.thinks(alice, 'verified', ['acts' as never, ALL_RIGHTS]);
  await both.street.time.advance(3_000);
  t.deepEqual(flow?.flow('acts' as never), { in: false, out: false });
});

function feedPrefixOf(key: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${ACME}\0`), key]);
}

function feedTail(n: number): string {
  const key = feedKey(ACME, alice.publicKey, epoch(n));
  return key.slice(key.indexOf('\0'));
}

function hexOfKey(key: string): string {
  return Buffer.from(key, 'latin1').toString('hex');
}
