/** Whether peers read a tenant alike is told by each of themselves, and shown with what differs. */

import test, { type ExecutionContext } from 'ava';
import { digestHoldings } from '../dist/holdings.js';
import type { PeerReading } from '../dist/index.js';
import type { Lag } from '../dist/shell/lag.js';
import { Agreement, type ReadingSession } from '../dist/shell/agreement.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { feedKey } from '../dist/feed.js';
import { timelineScope } from '../dist/identity.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { alice, bob, carol, epoch, tools, uuid } from './forge.js';
import { tenantId, Town, type House, type Settings } from './town.js';

const ACME = tenantId('acme');
/** In which two nodes have told each other, and again what they heard by then. */
const TOLD_MS = 15_000;

async function neighbours(
  t: ExecutionContext,
  settings: Settings = {},
  others: Settings = settings,
): Promise<{ readonly town: Town; readonly a: House; readonly b: House }> {
  const town = new Town();
  const a = await town.start(t, 'alice', { peers: ['bob'], ...settings });
  const b = await town.start(t, 'bob', { peers: ['alice'], ...others });
  await town.time.advance(5_000);
  await a.append('acme', 1);
  await b.append('acme', 2);
  return { town, a, b };
}

/** As text: tenant, peer, state, and what differs. */
function readingsOf({ node }: House): readonly string[] {
  const describe = ({ tenant, peerId, state, differs }: PeerReading): string =>
    [tenant, peerId?.slice('logline-id://node/'.length), state, ...differs].join(' ');
  return node.readings().map(describe).toSorted();
}

test('nodes that read alike say so of each other, and while a word is on its way nothing is said to differ', async (t) => {
  const { town, a, b } = await neighbours(t);
  t.deepEqual(readingsOf(a), ['acme bob syncing']);
  await town.time.advance(TOLD_MS);
  t.deepEqual(readingsOf(a), ['acme bob agrees']);
  t.deepEqual(readingsOf(b), ['acme alice agrees']);
  for (let n = 3; n < 40; n++) {
    await (n % 2 === 0 ? a : b).append('acme', n);
    if (n % 3 === 0) await a.does((node) => node.timeline('acme').annotate(uuid(n), { status: 'reverted' }));
    await town.time.advance(n * 40);
    for (const house of [a, b]) t.false(readingsOf(house)[0]?.includes('differs'), `after ${n}`);
  }
  await town.time.advance(TOLD_MS);
  for (const house of [a, b]) t.true(readingsOf(house)[0]?.endsWith(' agrees'));
});

test('nodes with other policies are named, with the rules as what differs, until they are the same', async (t) => {
  const { town, a, b } = await neighbours(t, { conflictPolicy: 'manual' }, { conflictPolicy: 'timestamp' });
  await town.time.advance(TOLD_MS);
  t.deepEqual(readingsOf(a), ['acme bob differs rules']);
  t.deepEqual(readingsOf(b), ['acme alice differs rules']);
  await b.restart({ peers: ['alice'], conflictPolicy: 'manual' });
  await town.time.advance(60_000);
  t.deepEqual(readingsOf(a), ['acme bob agrees']);
  t.deepEqual(readingsOf(b), ['acme alice agrees']);
  await a.operate((desk) => desk.setPolicy(ACME, 'status', 'priority'));
  t.deepEqual(readingsOf(a), ['acme bob syncing'], 'bob has not spoken since');
  await town.time.advance(TOLD_MS);
  t.deepEqual(readingsOf(a), ['acme bob differs rules']);
  t.deepEqual(readingsOf(b), ['acme alice differs rules']);
});

test('a peer that trusts others accepts other entries, and is named for that', async (t) => {
  const { town, a, b } = await neighbours(t);
  const c = await town.start(t, 'carol', { peers: ['alice', 'bob'] });
  await a.restart({ peers: ['bob', 'carol'] });
  await b.restart({ peers: ['alice', 'carol'], trust: { follow: false } });
  await town.time.advance(40_000);
  await c.append('acme', 3);
  await town.time.advance(TOLD_MS);
  t.deepEqual(readingsOf(a), ['acme bob agrees', 'acme carol agrees']);
  await a.operate((desk) => desk.revoke({ key: carol.publicKey, from: 'all' }));
  await town.time.advance(2 * TOLD_MS);
  t.deepEqual(readingsOf(a), ['acme bob differs accepted']);
  t.true(readingsOf(b).includes('acme alice differs accepted'));
  t.deepEqual(await b.shows('acme'), [1, 2, 3]);
});

test('of a tenant that is not shared in both directions nothing is told, and whatever is said is passed over', async (t) => {
  const { town, a, b } = await neighbours(t, { tenants: '*' }, { tenants: [tenantId('globex')] });
  await b.append('globex', 4);
  await town.time.advance(TOLD_MS);
  t.deepEqual(readingsOf(a), ['globex bob agrees']);
  t.deepEqual(readingsOf(b), ['globex alice agrees']);
});

/** Alice's desk, and a session with bob in which she takes and lets him have `shared` alone. */
function desk(shared: readonly string[]): {
  readonly agreement: Agreement;
  readonly session: ReadingSession;
  readonly said: unknown[];
  readonly time: VirtualTime;
} {
  const time = new VirtualTime();
  const [acme, globex] = [ACME, tenantId('globex')].map((tenant) => ({
    key: feedKey(timelineScope(tenant), alice.publicKey, epoch(1)),
  }));
  const said: unknown[] = [];
  const nothing: Lag = { here: [], there: [], isWhole: true };
  const session: ReadingSession = {
    link: { remoteKey: bob.publicKey },
    state: { takesReadings: true },
    flow: (scope) => {
      const isShared = shared.some((tenant) => scope.endsWith(`/${tenant}`));
      return { in: isShared, out: isShared };
    },
    lag: () => nothing,
    step: ({ claims }) => said.push(...claims.map(({ tenant }) => tenant)),
  };
  const digest = digestHoldings([], tools.crypto);
  const table = new HoldingsTable([]);
  const feeds = [acme, globex].flatMap((feed) => (feed === undefined ? [] : [table.feed(feed.key)]));
  const agreement = new Agreement({
    table: { feeds: () => feeds },
    clock: time.clock({ skewMs: () => 0, isAlive: () => true }),
    rulesOf: () => digest,
    acceptedOf: () => digest,
    sessions: () => [session],
    idOf: () => undefined,
  });
  return { agreement, session, said, time };
}

test('a claim about a tenant of others is not kept, so that it shows nothing when the tenant is shared later', async (t) => {
  const shared = ['acme'];
  const { agreement, session, said, time } = desk(shared);
  const wrong = new Uint8Array(32);
  agreement.claimed(session, [
    { tenant: ACME, rules: wrong, accepted: wrong },
    { tenant: tenantId('globex'), rules: wrong, accepted: wrong },
  ]);
  agreement.start();
  await time.advance(6_000);
  t.deepEqual(said, ['acme'], 'the name of a tenant that is not shared is not told');
  t.deepEqual(
    agreement.report({}).map(({ tenant, differs }) => [tenant, ...differs]),
    [['acme', 'rules', 'accepted']],
  );
  shared.push('globex');
  t.deepEqual(
    agreement.report({}).map(({ tenant, state }) => [tenant, state]),
    [
      ['acme', 'differs'],
      ['globex', 'syncing'],
    ],
  );
  t.is(agreement.report({ rowsMost: 1 }).length, 1);
  agreement.close();
});

test('nothing new is told again only once a minute, however often a commit comes', async (t) => {
  const { agreement, said, time } = desk(['acme']);
  agreement.start();
  const key = feedKey(timelineScope(ACME), alice.publicKey, epoch(1));
  const feeds = [new HoldingsTable([]).feed(key)];
  for (let second = 0; second < 59; second++) {
    agreement.observe({ feeds });
    await time.advance(1_000);
  }
  t.deepEqual(said, ['acme']);
  await time.advance(10_000);
  t.deepEqual(said, ['acme', 'acme']);
  agreement.close();
});
