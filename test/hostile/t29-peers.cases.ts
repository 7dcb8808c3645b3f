/** T29: a trusted peer that lies, stalls, repeats itself or breaks off harms nobody's feed but its own. */

import { randomBytes, randomUUID } from 'node:crypto';
import { fingerprintOf, LIMITS } from '@logline/federation-core';
import { eventually, HostileWire, newSpan } from '@logline/federation-core/testing';
import { append, figure, has, TENANT } from '../support/rest.js';
import { SCOPE } from './forgeries.js';
import { CODES, endsWith } from '../support/link-ends.js';
import { appendTo, feedOfAlice, hostileGround, stillServed } from './ground.js';

const hostile = hostileGround();

hostile('T29 a peer that never confirms anything is sent no more than its credit', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  // Hex compresses to half of it: nearly twice the credit all the same.
  const padding = (): string => randomBytes(120_000).toString('hex');
  for (let i = 0; i < 60; i++) await appendTo(siege, TENANT, [newSpan({ padding: padding() })]);
  const own = await feedOfAlice(siege, link, SCOPE);
  link.say({ kind: 'want', ranges: [{ key: own.key, from: 1, to: 2 ** 40, aligned: true }], creditBytes: 0 });
  await link.heard('entries');
  for (let i = 0; i < 20; i++) await stillServed(t, link, 'to confirm nothing is no fault');
  const bytes = link
    .all('entries')
    .flatMap(({ entries }) => entries)
    .reduce((sum, { length }) => sum + length, 0);
  t.log(`${Math.round(bytes / 1024)} KiB of entries came`);
  t.true(bytes > 0 && bytes <= LIMITS.creditBytes);
});

hostile('T29 receipts for what was never sent change nothing for those who ask', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  const own = await feedOfAlice(siege, link, SCOPE);
  const hash = randomBytes(32);
  link.confirm([own.holdings({ seq: 2 ** 50, hash })]);
  link.confirm([own.holdings({ seq: 1, hash })]);
  await stillServed(t, link, 'a false receipt');
  t.is(siege.alice.told('feed_forked').filter(({ seq }) => seq === 1).length, 0);
  const span = newSpan();
  await appendTo(siege, TENANT, [span]);
  await eventually('bob has it all the same', () => siege.bob.node.timeline(TENANT).has(String(span['id'])));
  const asking = await (await peer.dial(siege.url)).join();
  asking.ask({ key: own.key, from: 1, to: 1, aligned: true });
  t.true((await asking.heard('entries')).entries.length > 0, 'it is still handed out');
});

hostile('T29 heads claimed and never brought keep nobody from the feed for long', async (t, siege) => {
  const carol = await siege.traitor({ name: `carol-${randomBytes(3).toString('hex')}` });
  const feed = carol.feed(SCOPE);
  feed.writeMany(3);
  const peer = await siege.traitor();
  const lying = await (await peer.dial(siege.url)).join();
  lying.claim(feed.holdings({ seq: 1_000_000 }));
  await eventually('alice asks the liar', () =>
    lying.all('want').some(({ ranges }) => ranges.some(({ key }) => key === feed.key)),
  );
  const honest = await (await carol.dial(siege.url)).join();
  const span = newSpan();
  honest.bring(...feed.written, feed.write({ spans: [span] }));
  await eventually('what the author brings is taken at once', () => has(siege.alice, String(span['id'])));
  await stillServed(t, lying, 'to claim is no fault');
});

hostile('T29 claims beyond all measure are remembered up to their bound', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  const scattered = Array.from({ length: LIMITS.rangesPerFeed }, (_, i) => ({
    from: 2 * i + 1,
    to: 2 * i + 1,
    hash: randomBytes(32),
  }));
  const before = await figure(siege.alice, 'process_resident_memory_bytes');
  for (let i = 0; i < 60; i++) {
    link.claim({ key: peer.feed(SCOPE).key, ranges: scattered });
    if (i % 10 === 9) await stillServed(t, link, 'claims');
  }
  const grown = (await figure(siege.alice, 'process_resident_memory_bytes')) - before;
  t.log(
    `${60 * scattered.length} ranges claimed; resident memory grew by ${Math.round(grown / 1024 / 1024)} MiB`,
  );
  // Feeds are asked for as far as the claims on them are remembered.
  const asked = new Set(link.all('want').flatMap(({ ranges }) => ranges.map(({ key }) => key)));
  const remembered = Math.ceil(LIMITS.claimedRanges / scattered.length);
  t.true(asked.size > 0 && asked.size <= remembered, `${asked.size} feeds were asked for`);
});

hostile(
  'T29 frames that come one byte at a time are taken when they are whole, and nobody waits for them',
  async (t, siege) => {
    const peer = siege.stranger();
    const { wire, shaken } = await HostileWire.dial(siege.url, { keyPair: peer.keyPair });
    await shaken;
    const frame = Buffer.concat([Buffer.of(0, 0, 3, 232), Buffer.alloc(1000, 0xf6)]);
    for (const byte of frame) wire.write(Uint8Array.of(byte));
    t.is(await wire.closed, CODES.fault, 'once it is whole, and is no message');
  },
);

hostile('T29 half a frame, and then nothing, ends with the greeting’s time', async (t, siege) => {
  const peer = siege.stranger();
  const { wire, shaken } = await HostileWire.dial(siege.url, { keyPair: peer.keyPair });
  await shaken;
  wire.write(Buffer.concat([Buffer.of(0, 15, 255, 255), Buffer.alloc(60_000)]));
  t.is(await wire.closed, CODES.silent);
});

hostile(
  'T29 wants answered with something else are judged for what they are, and asked for again elsewhere',
  async (t, siege) => {
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const feed = peer.feed(SCOPE);
    feed.writeMany(50);
    const other = peer.feed(SCOPE);
    other.writeMany(3);
    let answers = 0;
    link.on('want', ({ ranges }) => {
      // Of another feed, the same one over and over, and what was asked for last of all.
      if (ranges.length === 0 || answers++ > 20) return;
      link.bring(...other.written, ...other.written, ...feed.written.slice(40));
    });
    link.claim(feed.holdings());
    await eventually('wants are answered', () => answers > 0);
    await stillServed(t, link, 'wrong answers');
    link.bring(...feed.written);
    const last = JSON.parse(feed.written.at(-1)?.lines[0] ?? '{}') as { readonly id: string };
    await eventually('the right answer is taken', () => has(siege.alice, last.id));
  },
);

hostile(
  'T29 a peer that asks for everything and reads nothing is cut off, and its node keeps a bounded lot for it',
  async (t, siege) => {
    const padding = randomBytes(100_000).toString('hex');
    for (let i = 0; i < 20; i++) await appendTo(siege, TENANT, [newSpan({ padding })]);
    const peer = await siege.traitor();
    const link = await (await peer.dial(siege.url)).join();
    const own = await feedOfAlice(siege, link, SCOPE);
    link.link.pause(true);
    for (let i = 0; i < 400; i++) {
      link.ask({ key: own.key, from: 1, to: 2 ** 40, aligned: true });
      for (let n = 0; n < 50; n++) link.say({ kind: 'ping', nonce: n });
    }
    await eventually(
      'alice ends it',
      () =>
        siege.alice
          .told('peer_disconnected')
          .some(({ fingerprint }) => fingerprint === fingerprintOf(peer.publicKey)),
      { timeoutMs: 3 * LIMITS.silenceMs },
    );
    link.link.pause(false);
    await link.closed;
  },
);

hostile('T29 a peer that answers nothing at all, pings included, is taken for dead', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).open();
  const since = performance.now();
  t.is((await link.closed).code, CODES.silent);
  t.true(performance.now() - since <= 2 * LIMITS.silenceMs);
});

hostile(
  'T29 a link that breaks at any point of a session leaves the next one as whole as the first',
  async (t, siege) => {
    const peer = await siege.traitor();
    const feed = peer.feed(SCOPE);
    const breaks = [
      (): void => {},
      (link: Awaited<ReturnType<typeof peer.dial>>): void => link.say(link.hello()),
      (link: Awaited<ReturnType<typeof peer.dial>>): void => {
        link.say(link.hello());
        link.bring(feed.draft());
      },
    ];
    for (let i = 0; i < 30; i++) {
      const link = await peer.dial(siege.url);
      breaks[i % breaks.length]?.(link);
      link.drop();
    }
    for (let i = 0; i < 10; i++) {
      const link = await (await peer.dial(siege.url)).join();
      link.claim(feed.holdings({ seq: 100 + i }));
      link.bring(feed.write());
      link.drop();
    }
    const link = await (await peer.dial(siege.url)).join();
    const span = newSpan();
    link.bring(...feed.written, feed.write({ spans: [span] }));
    await eventually('all of it is there', () => has(siege.alice, String(span['id'])));
  },
);

hostile('T29 the same entries a thousand times are stored once', async (t, siege) => {
  const peer = await siege.traitor();
  const link = await (await peer.dial(siege.url)).join();
  const feed = peer.feed(SCOPE);
  const entries = feed.writeMany(10);
  link.bring(...entries);
  await link.heard('receipt');
  const before = await figure(siege.alice, 'federation_log_bytes');
  for (let i = 0; i < 100; i++) await link.bringAll(entries);
  await stillServed(t, link, 'repetition');
  const grown = (await figure(siege.alice, 'federation_log_bytes')) - before;
  t.true(grown < 200 * 1024, `the log grew by ${grown} bytes`);
});

hostile('T29 goodbyes for odd reasons end one session, and its peer may come back', async (t, siege) => {
  const peer = await siege.traitor();
  const reasons = {
    going_away: CODES.goingAway,
    fault: CODES.fault,
    refused: CODES.refused,
    pending: CODES.pending,
    name_taken: CODES.nameTaken,
    flow: CODES.flow,
  };
  for (const [code, echoed] of Object.entries(reasons)) {
    const link = await (await peer.dial(siege.url)).join();
    link.say({ kind: 'bye', code: code as keyof typeof reasons, reason: `\u001b[31m${code}\nFATAL` });
    await endsWith(t, link, echoed, code);
  }
  await stillServed(t, await (await peer.dial(siege.url)).join(), 'it is back');
  await append(siege.alice, [
    { id: randomUUID(), logline_id: 'logline-id://person/alice', title: 'afterwards' },
  ]);
});
