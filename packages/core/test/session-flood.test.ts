/** A verified peer that claims much and sends many frames of a few bytes: what each of them costs has a bound. */

import { NodeFigures } from '../dist/figures.js';
import test, { type ExecutionContext } from 'ava';
import type { HoldingsView } from '../dist/compare.js';
import { emptyFeed, feedKey, type Feed, type FeedKey } from '../dist/feed.js';
import type { FeedHoldings } from '../dist/holdings.js';
import { LIMITS } from '../dist/limits.js';
import { encodeMessage, type Message } from '../dist/message.js';
import type { Clock, LinkReceiver } from '../dist/ports.js';
import { Committer } from '../dist/shell/committer.js';
import { HoldingsTable } from '../dist/shell/holdings-table.js';
import { SessionRunner } from '../dist/shell/session-runner.js';
import { ListedStanding } from '../dist/shell/standing.js';
import { LogStore } from '../dist/store/store.js';
import { MemoryDisk, MemoryIndex, SeededRandom } from '../dist/testing/index.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';
import { ACME, alice, bob, epoch, tools } from './forge.js';
import { greeter, held, LINK, SessionEnd, viewOf, worldOf } from './session-ends.js';

/** Counts how often a feed is looked at. */
class WatchedTable extends HoldingsTable {
  looks = 0;
  /** Feeds that we hold, of one range each. */
  ours: readonly FeedHoldings[] = [];

  override view(): HoldingsView {
    return { within: (lower, upper) => viewOf(this.ours).within(lower, upper) };
  }

  override feed(key: FeedKey): Feed {
    this.looks++;
    return emptyFeed(key);
  }
}

/** Bob's side of a session that alice opened, and what she sends on it. */
class Flooded {
  readonly time = new VirtualTime();
  readonly table = new WatchedTable([]);
  readonly runner: SessionRunner;
  readonly sent: Uint8Array[] = [];
  /** Whether nothing more is read from alice for now. */
  isPaused = false;
  #receiver: LinkReceiver | undefined;

  private constructor(storage: LogStore) {
    const clock: Clock = this.time.clock({ skewMs: () => 0, isAlive: () => true });
    const { table } = this;
    const committer = new Committer({
      storage,
      table,
      tools,
      clock,
      keyPair: bob,
      onCommit: () => undefined,
    });
    const link = {
      remoteKey: alice.publicKey,
      handshakeHash: LINK,
      initiator: false,
      address: 'alice',
      bufferedBytes: 0,
      traffic: { bytesIn: 0, bytesOut: 0 },
      send: (frame: Uint8Array) => this.sent.push(frame),
      receive: (receiver: LinkReceiver) => (this.#receiver = receiver),
      pause: (paused: boolean) => void (this.isPaused = paused),
      close: () => undefined,
    };
    this.runner = new SessionRunner(link, {
      tools,
      clock,
      storage,
      table,
      committer,
      greeter: greeter(bob, 'bob'),
      figures: new NodeFigures(),
      standing: new ListedStanding({ isListed: () => true, scopes: '*', shares: () => true }),
      isClaimed: () => false,
      greeted: () => undefined,
      opened: () => undefined,
      closed: () => undefined,
      acquainted: () => undefined,
      claimed: () => undefined,
      gated: () => undefined,
    });
    this.runner.start();
  }

  static async open(t: ExecutionContext): Promise<Flooded> {
    const random = new SeededRandom(1);
    const storage = await LogStore.open({
      disk: new MemoryDisk(),
      index: new MemoryIndex(),
      tools,
      random,
    });
    t.teardown(() => storage.close());
    const flooded = new Flooded(storage);
    for (const message of new SessionEnd(worldOf('dialled')).step({ kind: 'start' })) flooded.say(message);
    flooded.say({ kind: 'holdings', scopes: '*', ranges: [], round: 0 });
    t.true(flooded.runner.isOpen);
    return flooded;
  }

  say(message: Message): void {
    this.#receiver?.frame(encodeMessage(message, tools.compression));
  }

  /** Claims `count` feeds of one range each. */
  claim(count: number): void {
    const feeds: FeedHoldings[] = Array.from({ length: count }, (_, n) => {
      const origin = new Uint8Array(32);
      new DataView(origin.buffer).setUint32(0, n);
      return { key: feedKey(ACME, origin, epoch(1)), ranges: held(1, 3).ranges };
    });
    for (let at = 0; at < count; at += LIMITS.feedsPerMessage) {
      const part = feeds.slice(at, at + LIMITS.feedsPerMessage);
      const [lower, upper] = [part[0]?.key ?? '', `${part.at(-1)?.key ?? ''}\0`];
      const ranges = [{ lower, upper, digest: new Uint8Array(32), feeds: part, reply: false }];
      this.say({ kind: 'holdings', scopes: undefined, ranges, round: 0 });
    }
  }
}

const EMPTY: Message = { kind: 'holdings', scopes: undefined, ranges: [], round: 0 };

test('frames of a few bytes do not make a session look through everything that its peer claims each time', async (t) => {
  const flooded = await Flooded.open(t);
  flooded.claim(10_000);
  await flooded.time.advance(100);
  flooded.table.looks = 0;
  for (let i = 0; i < 300; i++) flooded.say(EMPTY);
  t.true(flooded.runner.isOpen);
  t.true(flooded.table.looks < 100_000, `${flooded.table.looks} looks`);
  await flooded.time.advance(1_000);
  t.true(flooded.table.looks < 200_000, `${flooded.table.looks} looks a second later`);
});

test('being asked for its health again and again does not make a session look through everything each time', async (t) => {
  const flooded = await Flooded.open(t);
  flooded.claim(10_000);
  await flooded.time.advance(100);
  flooded.table.looks = 0;
  for (let i = 0; i < 300; i++) t.false(flooded.runner.isInSync);
  t.true(flooded.table.looks < 100_000, `${flooded.table.looks} looks`);
});

test('where a peer claims little, what is missing is asked for in the same turn', async (t) => {
  const flooded = await Flooded.open(t);
  const before = flooded.sent.length;
  flooded.claim(1);
  t.is(flooded.sent.length, before + 1);
  flooded.claim(2);
  t.is(flooded.sent.length, before + 2);
});

test('a peer that has everything compared again and again is not read from for a while each time', async (t) => {
  const flooded = await Flooded.open(t);
  flooded.table.ours = Array.from({ length: 10_000 }, (_, n) => {
    const origin = new Uint8Array(32);
    new DataView(origin.buffer).setUint32(0, n);
    return { key: feedKey(ACME, origin, epoch(1)), ranges: held(1, 3).ranges };
  });
  /** Sends nothing but wrong digests of everything while it is read from, for so long; how many were taken. */
  const flood = async (ms: number): Promise<number> => {
    let taken = 0;
    for (const endMs = flooded.time.nowMs + ms; flooded.time.nowMs < endMs; await flooded.time.advance(10)) {
      for (let i = 0; i < 20 && !flooded.isPaused; i++, taken++) {
        const digest = new Uint8Array(32).fill(taken);
        flooded.say({ ...EMPTY, ranges: [{ lower: '', upper: '', digest, feeds: undefined, reply: false }] });
      }
    }
    return taken;
  };
  const atOnce = await flood(100);
  t.true(atOnce >= 5, `an honest descent may go on: ${atOnce}`);
  const mostLooks = LIMITS.comparedFeeds + 2 * LIMITS.comparedFeedsPerSecond;
  t.true(atOnce <= mostLooks / 10_000, `${atOnce} comparisons of everything at once`);
  const later = await flood(10_000);
  t.true(later > 0, 'and is read from again');
  t.true(later <= (10 * LIMITS.comparedFeedsPerSecond) / 10_000 + 1, `${later} in ten seconds`);
  t.true(flooded.runner.isOpen);
});
