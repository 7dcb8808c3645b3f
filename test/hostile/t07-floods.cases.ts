/** T7, T8: whoever floods a node with entries, questions, comparisons or connections costs a bounded little, and waits its turn. */

import { randomBytes } from 'node:crypto';
import { LIMITS } from '@logline/federation-core';
import { eventually, HostileFeed, newSpan } from '@logline/federation-core/testing';
import { figure, has, TENANT } from '../support/rest.js';
import { openCaller, openTcp, within } from '../support/strangers.js';
import { SCOPE } from './forgeries.js';
import { CLOSE_MS, CODES, endsWith } from '../support/link-ends.js';
import { hostileGround, labelled, stillServed } from './ground.js';

const hostile = hostileGround();
const MIB = 1024 * 1024;
const ORPHANS = 20_000;
const FEEDS = 2_000;
const HALF_OPEN = 2_000;
const WAVE = 80;
const COMPARISONS = 100;
/** What a request without an end is given for its headers, twice. */
const HEADERS_MS = 20_000;

hostile(
  'T7 twenty thousand entries beyond a gap are not stored, and their sender is not ahead of anybody',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const feed = peer.feed(SCOPE);
    feed.write();
    const orphan = (i: number): Uint8Array => {
      const seq = 10 + 2 * (i % 1_000_000);
      return feed.draft({ header: { seq, doc: seq - 1, prev: randomBytes(32) } }).bytes;
    };
    const orphans = Array.from({ length: ORPHANS }, (_, i) => orphan(i));
    const sentBytes = orphans.reduce((sum, { length }) => sum + length, 0);
    const [logBytes, gaps] = [
      await figure(siege.alice, 'federation_log_bytes'),
      await labelled(siege, 'federation_entries_gated_total', 'gap'),
    ];
    await link.bringAll(orphans);
    await eventually(
      'all are judged',
      async () => (await labelled(siege, 'federation_entries_gated_total', 'gap')) - gaps >= ORPHANS,
      { timeoutMs: 60_000 },
    );
    const grown = (await figure(siege.alice, 'federation_log_bytes')) - logBytes;
    t.log(
      `${(sentBytes / MIB).toFixed(1)} MiB came, the log grew by ${(grown / MIB).toFixed(2)} MiB of honest spans`,
    );
    t.true(grown < sentBytes / 4);
    await stillServed(t, link, 'a gap is no fault');
  },
);

hostile(
  'T7 a feed scattered into more pieces than it may have is held in no more than those',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const feed = peer.feed(SCOPE);
    const accepted = await labelled(siege, 'federation_entries_gated_total', 'gap');
    const pieces = Array.from({ length: 2 * LIMITS.rangesPerFeed }, (_, i) => {
      const seq = 2 + 2 * i;
      return feed.draft({ header: { seq, doc: seq, prev: randomBytes(32) } });
    });
    link.bring(...pieces);
    await eventually(
      'those beyond the bound wait',
      async () =>
        (await labelled(siege, 'federation_entries_gated_total', 'gap')) - accepted >
        LIMITS.rangesPerFeed - 2,
      { timeoutMs: 60_000 },
    );
    await stillServed(t, link, 'to scatter is no fault');
  },
);

hostile(
  'T7 two thousand feeds of one entry each are taken like any others, while everybody else goes on',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const last = newSpan();
    const entries = Array.from({ length: FEEDS - 1 }, () => peer.feed(SCOPE).draft());
    await link.bringAll([...entries, peer.feed(SCOPE).draft({ spans: [last] })]);
    await eventually('the last one is stored', () => has(siege.alice, String(last['id'])), {
      timeoutMs: 60_000,
    });
    await stillServed(t, link, 'many feeds are no fault');
  },
);

hostile(
  'T7 comparisons that never come to an end are answered one by one, and keep nobody waiting',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    for (let i = 0; i < COMPARISONS; i++) {
      const range = { lower: '', upper: '', digest: randomBytes(32), feeds: undefined, reply: true };
      link.say({ kind: 'holdings', scopes: undefined, ranges: [range], round: 2 * i + 3 });
      if (i % 20 === 19) await stillServed(t, link, 'comparing is no fault');
    }
    for (let i = 0; i < 500; i++) link.say({ kind: 'holdings', scopes: '*', ranges: [], round: 0 });
    await stillServed(t, link, 'offering again and again is no fault');
  },
);

hostile(
  'T8 twenty thousand questions for feeds that do not exist are read away, or close the link that asks',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const { keyPair } = siege.stranger();
    const unknown = (): HostileFeed['key'] =>
      new HostileFeed({ keyPair, scope: SCOPE, epoch: randomBytes(8) }).key;
    for (let asked = 0; asked < 20_000 && !link.isClosed; asked += LIMITS.rangesPerWant) {
      const ranges = Array.from({ length: LIMITS.rangesPerWant }, () => ({
        key: unknown(),
        from: 1,
        to: 2 ** 50,
        aligned: true,
      }));
      link.ask(...ranges);
    }
    const end = await Promise.race([
      link.closed,
      stillServed(t, link, 'what does not exist').then(
        () => undefined,
        () => link.closed,
      ),
    ]);
    if (end !== undefined) t.is(end.code, CODES.flow);
    t.is(link.all('entries').filter(({ entries }) => entries.length === 0).length, 0);
  },
);

hostile('T8 more questions at once than may wait close the link that asks', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  const { key } = peer.feed(SCOPE);
  const ranges = Array.from({ length: LIMITS.rangesPerWant }, () => ({
    key,
    from: 1,
    to: 9,
    aligned: false,
  }));
  // In one piece, so that nothing is answered in between.
  for (let i = 0; i < 100; i++) link.ask(...ranges);
  await endsWith(t, link, CODES.flow, 'too many questions');
});

hostile('T8 more entries than there is room for close the link that sends them', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  const feed = peer.feed(SCOPE);
  const padding = randomBytes(100_000).toString('hex');
  const entries = Array.from({ length: 40 }, () => feed.write({ spans: [newSpan({ padding })] }));
  link.bring(...entries);
  await endsWith(t, link, CODES.flow, 'beyond the credit');
});

hostile('T8 twenty thousand pings are answered, and nobody else waits for that', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  for (let nonce = 0; nonce < 20_000; nonce++) link.say({ kind: 'ping', nonce });
  await eventually('the last one is answered', () => link.frames.length > 20_000, { timeoutMs: 60_000 });
  t.is(link.all('pong').at(-1)?.nonce, 19_999);
});

hostile(
  'T8 two thousand half-open handshakes take no more places than there are, and a friend gets in',
  async (t, siege) => {
    const traitor = await siege.traitor();
    let refused = 0;
    let open = 0;
    for (let wave = 0; wave < HALF_OPEN / WAVE; wave++) {
      const calls = await Promise.allSettled(Array.from({ length: WAVE }, () => openCaller(t, siege.url)));
      for (const call of calls) {
        if (call.status === 'fulfilled') open++;
        else if (String(call.reason).includes('503')) refused++;
      }
    }
    t.is(open + refused, HALF_OPEN);
    t.log(`${refused} were told to come back`);
    // The others took the places of those that were suspiciously slow.
    t.true(refused > 0);
    const link = await eventually('an honest handshake finds room', () => traitor.dial(siege.url));
    await link.open();
    await stillServed(t, link, 'the friend');
  },
);

hostile(
  'T8 greetings of one key take few places, and those of strangers leave room for friends',
  async (t, siege) => {
    const mallory = siege.stranger();
    const links = await Promise.all(
      Array.from({ length: 3 * LIMITS.greetingsPerKey }, () => mallory.dial(siege.url)),
    );
    const codes = await Promise.all(links.map((link) => within(CLOSE_MS, 'a silent greeting', link.closed)));
    const turnedAway = codes.filter(({ code }) => code === CODES.tooManyLinks).length;
    t.is(turnedAway, links.length - LIMITS.greetingsPerKey);
  },
);

hostile(
  'T8 headers and bodies that drip are cut off in time, and readers do not notice',
  async (t, siege) => {
    const drip = (text: string): Promise<string> => {
      const { socket, ended } = openTcp(t, siege.url);
      socket.write(text);
      const timer = setInterval(() => socket.writable && socket.write('x'), 200);
      return within(2 * HEADERS_MS, 'a dripping request', ended).finally(() => clearInterval(timer));
    };
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, () => drip('GET /livez HTTP/1.1\r\nHost: x\r\nX-Drip: ')),
      ...Array.from({ length: 30 }, () => drip('GET /v1/federation HTTP/1.1\r\nHost: x\r\nUpgrade: websoc')),
    ]);
    for (const answer of answers) t.regex(answer, /^(HTTP\/1\.1 (408|431|400) |$)/);
  },
);

hostile(
  'T8 a hundred connections a second that come and go at every stage leave nothing behind',
  async (t, siege) => {
    const before = await siege.openFiles();
    const mallory = siege.stranger();
    const traitor = await siege.traitor();
    for (let i = 0; i < 60; i++) {
      const { socket } = await openCaller(t, siege.url);
      socket.terminate();
      (await mallory.dial(siege.url)).drop();
      (await traitor.dial(siege.url)).drop();
      const tcp = openTcp(t, siege.url);
      tcp.socket.end(
        `POST /v1/timeline/spans?tenant_id=${TENANT} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{`,
      );
      await tcp.ended;
    }
    if (before === undefined) return;
    await eventually('their sockets are gone', async () => ((await siege.openFiles()) ?? 0) <= before + 12);
  },
);
