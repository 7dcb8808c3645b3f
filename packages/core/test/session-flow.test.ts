/** What the table of session states cannot show: rounds, credit, and what two ends know after they have talked. */

import test from 'ava';
import fc from 'fast-check';
import type { FeedKey } from '../dist/feed.js';
import type { FeedHoldings } from '../dist/holdings.js';
import { LIMITS } from '../dist/limits.js';
import { encodeMessage, receiptBody } from '../dist/message.js';
import { isAnswered } from '../dist/session.js';
import { alice, tools } from './forge.js';
import { held, openPair, SessionEnd, talk, viewOf, worldOf } from './session-ends.js';

/** Two open ends that hold these feeds. */
function pairHolding(
  ours: readonly FeedHoldings[],
  theirs: readonly FeedHoldings[],
): ReturnType<typeof openPair> {
  return openPair({
    dialled: worldOf('dialled', { mine: () => viewOf(ours) }),
    called: worldOf('called', { mine: () => viewOf(theirs) }),
  });
}

const known = (end: SessionEnd): readonly (readonly [FeedKey, number])[] =>
  [...end.learned.values()].map((feed) => [feed.key, feed.ranges[0]?.to ?? 0] as const).toSorted(byKey);
const inView = (feeds: readonly FeedHoldings[]): readonly (readonly [FeedKey, number])[] =>
  feeds.map((feed) => [feed.key, feed.ranges[0]?.to ?? 0] as const).toSorted(byKey);
const byKey = (a: readonly [FeedKey, number], b: readonly [FeedKey, number]): number =>
  a[0] < b[0] ? -1 : 1;

test('two ends know of each other what they hold as soon as they have greeted', (t) => {
  fc.assert(
    fc.property(fc.nat(150), fc.nat(150), (ours, theirs) => {
      const mine = Array.from({ length: ours }, (_, i) => held(i, 3));
      const others = Array.from({ length: theirs }, (_, i) => held(i + 70, 4));
      const { dialled, called } = pairHolding(mine, others);
      t.deepEqual(known(dialled), inView(others));
      t.deepEqual(known(called), inView(mine));
      t.true(isAnswered(dialled.state, 1));
    }),
    { numRuns: 40 },
  );
});

test('a comparison that either side begins is answered for that side', (t) => {
  const mine = Array.from({ length: 200 }, (_, i) => held(i, 3));
  const { dialled, called } = pairHolding(mine, [held(7, 9)]);
  for (const [begins, other] of [
    [called, dialled],
    [dialled, called],
  ] as const) {
    const first = begins.step({ kind: 'compare' });
    const { round } = begins.state;
    t.false(isAnswered(begins.state, round));
    t.true(talk(begins, other, first) >= 2);
    t.true(isAnswered(begins.state, round));
  }
});

test('however often a peer offers its scopes, it is compared with once at first and then once in a while', (t) => {
  const { dialled } = pairHolding([held(1, 3)], []);
  const { round } = dialled.state;
  const offers = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? ('*' as const) : []));
  const rounds = offers.flatMap((scopes) =>
    dialled.step({ kind: 'message', message: { kind: 'holdings', scopes, ranges: [], round: 0 } }),
  );
  t.deepEqual(rounds, []);
  t.is(dialled.state.offered, offers.at(-1), 'the last offer counts all the same');
  dialled.world = { ...dialled.world, monotonicMs: LIMITS.offerGapMs };
  t.deepEqual(
    dialled.step({ kind: 'tick' }).map((message) => message.kind),
    ['holdings'],
  );
  t.is(dialled.state.round, round + 2);
  t.deepEqual(dialled.step({ kind: 'tick' }), [], 'all of them are answered with that');
});

test('a closed session has answered nothing', (t) => {
  const { dialled } = pairHolding([], []);
  t.true(isAnswered(dialled.state, 1));
  dialled.step({ kind: 'lost' });
  t.false(isAnswered(dialled.state, 1));
});

test('nothing is told before the peer has named its scopes, and holdings then are a fault', (t) => {
  const end = new SessionEnd(worldOf('called'));
  const peer = new SessionEnd(worldOf('dialled'));
  const [hello] = peer.step({ kind: 'start' });
  if (hello === undefined) return t.fail();
  end.step({ kind: 'message', message: hello });
  t.is(end.state.phase, 'open');
  t.deepEqual(end.step({ kind: 'compare' }), []);
  t.deepEqual(end.step({ kind: 'published', feeds: [held(1, 2)], pushes: [] }), []);
  const early = { kind: 'holdings', scopes: undefined, ranges: [], round: 1 } as const;
  t.deepEqual(
    end.step({ kind: 'message', message: early }).map((message) => message.kind === 'bye' && message.code),
    ['fault'],
  );
});

const wanted = { key: held(1, 9).key, from: 1, to: 900, aligned: false };

test('what is being read for a peer counts against its credit before anything else is pushed', (t) => {
  const { called } = pairHolding([], []);
  called.step({ kind: 'message', message: { kind: 'want', ranges: [wanted], creditBytes: 0 } });
  const serve = called.effects.at(-1);
  if (serve?.kind !== 'serve') return t.fail();
  // While the log is read, appends go on: more of them than there is room for.
  called.world = { ...called.world, reach: () => 0 };
  let pushed = 0;
  for (let n = 2; n < 60; n++) {
    const { key } = held(n, 1);
    const push = { key, seq: 1, bytes: new Uint8Array(200_000), spans: 1 };
    const sent = called.step({ kind: 'published', feeds: [held(n, 1)], pushes: [push] });
    pushed += sent.filter((message) => message.kind === 'entries').length;
    t.true(sent.length > 0, 'what is not pushed is told');
  }
  t.true(pushed > 0 && pushed < 58);
  const most = [new Uint8Array(serve.bytesMost - 1), new Uint8Array(LIMITS.entryBytes)];
  called.step({ kind: 'read', entries: most, next: 3 });
  t.true(called.state.creditOutBytes >= 0, `${called.state.creditOutBytes} bytes of credit left`);
});

test('a session serves one range after another for as long as there is credit, and goes on when there is more', (t) => {
  const { called } = pairHolding([], []);
  called.step({ kind: 'message', message: { kind: 'want', ranges: [wanted, wanted], creditBytes: 0 } });
  let served = 0;
  while (called.state.serving) {
    served += LIMITS.entryBytes;
    called.step({ kind: 'read', entries: [new Uint8Array(LIMITS.entryBytes)], next: wanted.from + 1 });
  }
  t.is(served, LIMITS.creditBytes);
  t.is(called.state.creditOutBytes, 0);
  called.step({ kind: 'message', message: { kind: 'want', ranges: [], creditBytes: LIMITS.entryBytes - 1 } });
  t.false(called.state.serving, 'the largest entry might not fit');
  called.step({ kind: 'message', message: { kind: 'want', ranges: [], creditBytes: 1 } });
  t.true(called.state.serving);
});

test('credit never grows beyond its bound, whatever a peer gives', (t) => {
  const { called } = pairHolding([], []);
  for (let i = 0; i < 5; i++)
    called.step({ kind: 'message', message: { kind: 'want', ranges: [], creditBytes: LIMITS.creditBytes } });
  t.is(called.state.creditOutBytes, LIMITS.creditBytes);
});

test('what was gated is given back as credit, once', (t) => {
  const { called } = pairHolding([], []);
  const entries = [new Uint8Array(1_500_000)];
  called.step({ kind: 'message', message: { kind: 'entries', entries } });
  t.is(called.state.creditInBytes, LIMITS.creditBytes - 1_500_000);
  called.step({ kind: 'gated', gated: { frameBytes: 1_500_000, held: [], fault: undefined } });
  const given = called.step({ kind: 'planned', ranges: [] });
  t.deepEqual(given, [{ kind: 'want', ranges: [], creditBytes: 1_500_000 }]);
  t.is(called.state.creditInBytes, LIMITS.creditBytes);
  t.deepEqual(called.step({ kind: 'planned', ranges: [wanted] }), [
    { kind: 'want', ranges: [wanted], creditBytes: 0 },
  ]);
});

test('a frame that touched thousands of feeds is confirmed in receipts that each fit and are signed', (t) => {
  const { dialled } = pairHolding([], []);
  const touched = Array.from({ length: 700 }, (_, i) => held(i, 1)).toReversed();
  const receipts = dialled.step({ kind: 'gated', gated: { frameBytes: 1, held: touched, fault: undefined } });
  t.is(receipts.length, 3);
  const confirmed = receipts.flatMap((receipt) => (receipt.kind === 'receipt' ? receipt.feeds : []));
  t.is(new Set(confirmed.map((feed) => feed.key)).size, new Set(touched.map((feed) => feed.key)).size);
  for (const receipt of receipts) {
    if (receipt.kind !== 'receipt') return t.fail();
    t.true(tools.crypto.verify(receipt.signature, receiptBody(receipt), alice.publicKey));
    t.true(encodeMessage(receipt, tools.compression).length <= LIMITS.frameBytes);
  }
});

test('a heartbeat measures the way there and back, and a stale answer measures nothing', (t) => {
  const { dialled } = pairHolding([], []);
  dialled.world = { ...dialled.world, monotonicMs: LIMITS.heartbeatMs };
  const [ping] = dialled.step({ kind: 'tick' });
  if (ping?.kind !== 'ping') return t.fail();
  dialled.world = { ...dialled.world, monotonicMs: LIMITS.heartbeatMs + 40 };
  dialled.step({ kind: 'message', message: { kind: 'pong', nonce: ping.nonce + 1 } });
  t.is(dialled.state.latencyMs, undefined);
  dialled.step({ kind: 'message', message: { kind: 'pong', nonce: ping.nonce } });
  t.is(dialled.state.latencyMs, 40);
});

test('how far the other clock runs ahead is known from its hello', (t) => {
  const called = worldOf('called');
  const { dialled } = openPair({
    dialled: worldOf('dialled'),
    called: { ...called, wallMs: called.wallMs + 5000 },
  });
  t.is(dialled.state.skewMs, 5000);
});
