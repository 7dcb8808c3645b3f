/** T9, T10: a history told in two ways is found out, and no time that a peer makes up rules over others. */

import { randomBytes } from 'node:crypto';
import { LIMITS } from '@logline/federation-core';
import { eventually, headerOf, newSpan } from '@logline/federation-core/testing';
import { has, NOWHERE, TENANT, trust } from '../support/rest.js';
import { ServerProcess, tempDir } from '../support/server-process.js';
import { befriend, linkUrl, NETWORK_KEY } from '../support/siege.js';
import { eachIsRefused, SCOPE } from './forgeries.js';
import { appendTo, feedOfAlice, hostileGround, stillServed } from './ground.js';

const hostile = hostileGround();
const YEAR_2099_MS = 4_070_908_800_000;
const YEAR_9999_MS = 253_402_300_799_999;

hostile(
  'T9 two histories shown to two nodes are found out by both as soon as they compare, with the proof kept',
  async (t, siege) => {
    const carol = await ServerProcess.start(t, {
      name: `carol-${randomBytes(3).toString('hex')}`,
      dataDir: await tempDir(t),
      networkKey: NETWORK_KEY,
    });
    const peer = await siege.traitor();
    await befriend(carol, peer);
    const feed = peer.feed(SCOPE);
    feed.writeMany(4);
    const branch = feed.branch(2);
    branch.writeMany(7);
    for (const [server, history] of [
      [siege.alice, feed],
      [carol, branch],
    ] as const) {
      const link = await (await peer.dial(linkUrl(server))).join();
      link.bring(...history.written);
      await link.heard('receipt');
    }
    const address = NOWHERE.replace('/v1/', `/${randomBytes(4).toString('hex')}/v1/`);
    await trust(siege.alice, { address, fingerprint: carol.fingerprint });
    await trust(carol, { address: siege.alice.url, fingerprint: siege.alice.fingerprint });
    for (const server of [siege.alice, carol]) {
      const [told] = await eventually(
        'the fork is told of, where it begins',
        () => {
          const told = server.told('feed_forked').filter(({ seq }) => seq === 3);
          return told.length > 0 ? told : undefined;
        },
        { timeoutMs: 30_000 },
      );
      t.is(told?.['level'], 'ERROR', 'as an alert');
    }
    // Neither history goes on anywhere, and everybody else does.
    const late = newSpan();
    const link = await (await peer.dial(siege.url)).join();
    link.bring(feed.draft({ spans: [late] }));
    await stillServed(t, link, 'what follows a fork waits');
    t.false(await has(siege.alice, String(late['id'])));
    t.true(siege.alice.isRunning && carol.isRunning);
  },
);

hostile('T9 nobody can make another’s feed look forked', async (t, siege) => {
  const carol = await siege.traitor({ name: `carol-${randomBytes(3).toString('hex')}` });
  const feed = carol.feed(SCOPE);
  const honest = await (await carol.dial(siege.url)).join();
  honest.bring(...feed.writeMany(6));
  await honest.heard('receipt');
  const peer = await siege.traitor();
  const told = siege.alice.told('feed_forked').length;
  const other = feed.branch(3);
  other.write({ signer: peer.keyPair });
  const claiming = await (await peer.dial(siege.url)).join();
  claiming.claim({
    key: feed.key,
    ranges: [{ from: 1, to: 4, hash: other.written[3]?.hash ?? new Uint8Array(32) }],
  });
  const wanted = await eventually(
    'alice asks for the entry in doubt',
    () => claiming.all('want').some(({ ranges }) => ranges.some(({ key }) => key === feed.key)),
    { timeoutMs: 20_000 },
  );
  t.true(wanted);
  claiming.bring(...other.written.slice(3));
  await Promise.race([claiming.closed, stillServed(t, claiming, 'unsigned').catch(() => {})]);
  t.is(siege.alice.told('feed_forked').length, told);
  const next = newSpan();
  honest.bring(feed.write({ spans: [next] }));
  await eventually('carol goes on', () => has(siege.alice, String(next['id'])));
});

hostile(
  'T10 a stamp far ahead is stored, and neither moves the clock nor takes a span from an honest writer',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const id = String(newSpan()['id']);
    await appendTo(siege, TENANT, [newSpan({ id, title: 'honest' })]);
    const feed = peer.feed(SCOPE);
    for (const ms of [YEAR_2099_MS, YEAR_9999_MS]) {
      const marker = newSpan();
      link.bring(
        feed.write({
          spans: [newSpan({ id, title: 'captured' }), marker],
          header: { stamp: { ms, count: 2 ** 32 - 1 } },
        }),
      );
      await eventually('it is stored', () => has(siege.alice, String(marker['id'])));
    }
    const response = await fetch(`${siege.alice.url}/v1/timeline/spans/${id}?tenant_id=${TENANT}`);
    t.is(((await response.json()) as { readonly title?: string }).title, 'honest');
    // What the node writes from now on bears the time it is.
    const own = await feedOfAlice(siege, link, SCOPE);
    await appendTo(siege, TENANT, [newSpan()]);
    const since = Date.now() - LIMITS.clockSkewMs;
    link.ask({ key: own.key, from: 1, to: 2 ** 40, aligned: true });
    const stamps = await eventually('alice’s entries are seen', () => {
      const entries = link.all('entries').flatMap((message) => message.entries);
      return entries.length > 0 ? entries.map((entry) => headerOf(entry).stamp.ms) : undefined;
    });
    for (const ms of stamps) t.true(since <= ms && ms <= Date.now() + LIMITS.clockSkewMs, `${ms}`);
  },
);

hostile(
  'T10 stamps before 1970, beyond the year 9999 or that are no whole numbers are refused',
  (t, siege) => {
    const stamp =
      (ms: number, count = 0) =>
      () => ({ header: { stamp: { ms, count } } });
    return eachIsRefused(t, siege, 'header_encoding', {
      'minus one': stamp(-1),
      'the year 10000': stamp(YEAR_9999_MS + 1),
      '2^53': stamp(2 ** 53),
      'half a millisecond': stamp(1_759_528_800_000.5),
      'not a number': stamp(Number.NaN),
      infinity: stamp(Number.POSITIVE_INFINITY),
      'a counter of 2^32': stamp(1_759_528_800_000, 2 ** 32),
    });
  },
);

hostile('T10 timestamps of spans that are no instants are refused with their entry', (t, siege) => {
  const at = (timestamp: unknown) => () => ({ spans: [newSpan({ timestamp })] });
  return eachIsRefused(t, siege, 'content', {
    'a number': at(2 ** 53),
    'not a number': () => ({
      spans: [JSON.stringify(newSpan()).replace(/"timestamp":"[^"]*"/, '"timestamp":NaN')],
    }),
    'a negative year': at('-001970-01-01T00:00:00Z'),
    'a year of five digits': at('12099-01-01T00:00:00Z'),
    'no zone': at('2025-10-03T22:00:00'),
    'the 31st of February': at('2025-02-31T00:00:00Z'),
    'a megabyte of digits': at(`2025-10-03T22:00:00.${'1'.repeat(100_000)}Z`),
    nothing: at(undefined),
  });
});
