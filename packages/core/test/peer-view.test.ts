import test from 'ava';
import fc from 'fast-check';
import { emptyFeed, feedKey, scopeOfFeed, withFork, type Feed, type FeedKey } from '../dist/feed.js';
import { timelineScope, type TenantId } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import type { WantedRange } from '../dist/message.js';
import { OrderedKeys } from '../dist/shell/ordered-keys.js';
import { PeerView, type PlanWorld } from '../dist/shell/peer-view.js';
import { alice, acceptedEntry, epoch, Keeper, span, Writer, type Forged } from './forge.js';
import { held, viewOf } from './session-ends.js';

const KEY = feedKey(timelineScope('acme' as TenantId), new Uint8Array(32).fill(1), new Uint8Array(8).fill(2));
const HASH = new Uint8Array(32).fill(3);

/** Two peers that claim the same history; nothing of it ever arrives. */
function twoPeers(): {
  readonly views: readonly PeerView[];
  readonly plan: (i: number, nowMs: number) => number;
} {
  const views = [new PeerView(emptyFeed), new PeerView(emptyFeed)];
  for (const view of views)
    view.learn(KEY, `${KEY}\0`, [{ key: KEY, ranges: [{ from: 1, to: 9, hash: HASH }] }]);
  const plan = (i: number, nowMs: number): number => {
    const world: PlanWorld = {
      nowMs,
      isShared: (scope) => scope === scopeOfFeed(KEY),
      isClaimed: (key) => views.some((view, j) => j !== i && view.isAsking(key)),
    };
    return views[i]?.plan(world).length ?? 0;
  };
  return { views, plan };
}

test('a feed is asked of one peer at a time', (t) => {
  const { plan } = twoPeers();
  t.is(plan(0, 0), 1);
  t.is(plan(0, 10), 0);
  t.is(plan(1, 10), 0);
});

test('a peer that does not bring what it claims leaves the next turn to another', (t) => {
  const { plan } = twoPeers();
  t.is(plan(0, 0), 1);
  const late = LIMITS.askedMs + 1;
  t.is(plan(0, late), 0, 'its word is broken');
  t.is(plan(1, late), 1);
  t.is(plan(0, late + 1), 0);
});

test('a lone peer that did not bring it is asked again, later', (t) => {
  const { views, plan } = twoPeers();
  views[1]?.learn('', '', []);
  t.is(plan(0, 0), 1);
  t.is(plan(0, LIMITS.askedMs + 1), 0);
  t.is(plan(0, LIMITS.askedMs + 2 + LIMITS.brokenWordMs), 1);
});

test('a peer that takes its claim back keeps nobody else from the feed', (t) => {
  const { views, plan } = twoPeers();
  t.is(plan(0, 0), 1);
  views[0]?.learn('', '', []);
  t.is(plan(1, 1), 1);
});

/** What `view` asks for when nobody else asks for anything. */
function asks(view: PeerView, nowMs = 0): readonly WantedRange[] {
  return view.plan({ nowMs, isShared: () => true, isClaimed: () => false });
}

/** Two histories of one feed that are the same up to and with entry `same`. */
function twoHistories(same: number, ours: number, theirs: number): readonly [Writer, Writer] {
  const left = new Writer(alice);
  while (left.written.length < ours) left.write();
  const right = new Writer(alice, { history: left.written.slice(0, same) });
  while (right.written.length < theirs) right.write({ spans: [span(1000 + right.written.length)] });
  return [left, right];
}

/** We hold one history, and a peer claims another; what is asked of it passes our gate. */
class Fork {
  readonly view: PeerView;
  readonly key: FeedKey;
  readonly #keeper = new Keeper();
  readonly #ours: readonly Forged[];
  readonly #theirs: readonly Forged[];
  #forkedAt: number | undefined;

  constructor([left, right]: readonly [Writer, Writer]) {
    this.#ours = left.written;
    this.#theirs = right.written;
    for (const entry of this.#ours) this.#keeper.keep(acceptedEntry(entry));
    this.key = acceptedEntry(this.#ours[0] ?? left.write()).key;
    this.view = new PeerView(() => this.feed);
    const hash = right.written.at(-1)?.hash ?? HASH;
    this.view.learn('', '', [{ key: this.key, ranges: [{ from: 1, to: right.written.length, hash }] }]);
  }

  get feed(): Feed {
    const feed = this.#keeper.world.feed(this.key);
    return this.#forkedAt === undefined
      ? feed
      : withFork(feed, this.#forkedAt, this.#ours[this.#forkedAt - 2]?.hash);
  }

  lackingHere(): number {
    return this.view.lackingHere(() => true).length;
  }

  lackingThere(): number {
    const ranges = this.feed.ranges.map(({ from, to, head }) => ({ from, to, hash: head.hash }));
    return this.view.lackingThere(viewOf([{ key: this.key, ranges }])).length;
  }

  /** Asks until there is nothing to ask; returns how often. */
  settle(): number {
    for (let asked = 0; ; asked++) {
      const [range] = asks(this.view);
      if (range === undefined) return asked;
      for (let seq = range.from; seq <= range.to; seq++) this.#take(seq);
      if (asked > 100) throw new Error('it asks without end');
    }
  }

  #take(seq: number): void {
    const [mine, other] = [this.#ours[seq - 1], this.#theirs[seq - 1]];
    if (mine === other) this.view.agree(this.key, seq);
    else {
      this.#forkedAt = Math.min(this.#forkedAt ?? Number.POSITIVE_INFINITY, seq);
      this.view.changed(this.key);
    }
  }
}

test('a peer that ends a feed where we do, with another hash, is asked for that one entry', (t) => {
  const fork = new Fork(twoHistories(1, 3, 3));
  t.is(fork.lackingHere(), 1, 'that is not in sync');
  t.deepEqual(asks(fork.view), [{ key: fork.key, from: 3, to: 3, aligned: false }]);
  t.deepEqual(asks(fork.view), [], 'once');
});

test('the first entry that differs is found, however deep it lies, in few questions', (t) => {
  fc.assert(
    fc.property(fc.nat(60), fc.integer({ min: 1, max: 60 }), fc.nat(5), (same, apart, ahead) => {
      const fork = new Fork(twoHistories(same, same + apart, same + apart + ahead));
      const asked = fork.settle();
      t.is(fork.feed.forkedAt, same + 1);
      t.true(asked <= 2 + Math.ceil(Math.log2(same + apart + 1)), `${asked} questions`);
    }),
    { numRuns: 60 },
  );
});

test('an end that a peer names inside a range of ours is compared with the log, and asked for where it is not ours', (t) => {
  const fork = new Fork(twoHistories(2, 9, 5));
  t.deepEqual(asks(fork.view), [], 'the hash of entry 5 is in the log');
  const [end] = fork.view.unchecked(16);
  t.is(end?.seq, 5);
  fork.view.part(fork.key, 5);
  t.deepEqual(fork.view.unchecked(16), []);
  t.is(fork.lackingHere(), 1);
  t.is(fork.lackingThere(), 1);
  fork.settle();
  t.is(fork.feed.forkedAt, 3);
  t.is(fork.lackingThere(), 0, 'the peer would not take what follows');
  t.deepEqual(fork.view.unchecked(16), [], 'what lies beyond the fork is not looked up');
});

test('an end that is ours is not looked up again, and a later one is', (t) => {
  const fork = new Fork(twoHistories(9, 9, 5));
  fork.view.agree(fork.key, 5);
  t.deepEqual(fork.view.unchecked(16), []);
  fork.view.learn('', '', [{ key: fork.key, ranges: [{ from: 1, to: 7, hash: HASH }] }]);
  t.is(fork.view.unchecked(16)[0]?.seq, 7);
});

test('what a peer no longer claims is not asked for', (t) => {
  const fork = new Fork(twoHistories(2, 9, 5));
  fork.view.part(fork.key, 5);
  fork.view.learn('', '', [{ key: fork.key, ranges: [{ from: 1, to: 6, hash: HASH }] }]);
  t.deepEqual(asks(fork.view), []);
});

test('what was found the same beyond a gap says nothing of what lies before it', (t) => {
  const other = new Writer(alice);
  for (let i = 0; i < 9; i++) other.write({ doc: i < 4 ? 1 : 5 });
  const ours = new Writer(alice, { history: other.written.slice(0, 1) });
  ours.write({ spans: [span(99)] });
  ours.write({ spans: [span(98)] });
  const keeper = new Keeper();
  for (const entry of [...ours.written, ...other.written.slice(4)]) keeper.keep(acceptedEntry(entry));
  const [first] = ours.written;
  if (first === undefined) return t.fail();
  const { key } = acceptedEntry(first);
  let forkedAt: number | undefined;
  const view = new PeerView(() => {
    const feed = keeper.world.feed(key);
    return forkedAt === undefined ? feed : withFork(feed, forkedAt, ours.written[forkedAt - 2]?.hash);
  });
  view.learn('', '', [{ key, ranges: [{ from: 1, to: 9, hash: other.written[8]?.hash ?? HASH }] }]);
  view.agree(key, 9);
  t.deepEqual(asks(view), [{ key, from: 4, to: 4, aligned: false }]);
  forkedAt = 4;
  view.changed(key);
  t.deepEqual(asks(view), [{ key, from: 2, to: 2, aligned: false }]);
  forkedAt = 2;
  view.changed(key);
  t.deepEqual(asks(view), [{ key, from: 1, to: 1, aligned: false }]);
  view.agree(key, 1);
  t.deepEqual(asks(view), []);
});

test('a fork that is known keeps neither side from being in sync', (t) => {
  const fork = new Fork(twoHistories(2, 5, 5));
  fork.settle();
  t.is(fork.lackingHere(), 0);
  t.is(fork.lackingThere(), 0);
  fork.view.learn('', '', []);
  t.is(fork.lackingThere(), 1, 'what lies before the fork still counts');
});

test('where both sides hold the same there is nothing to ask and nothing to look at', (t) => {
  const fork = new Fork(twoHistories(3, 3, 3));
  t.deepEqual(asks(fork.view), []);
  t.is(fork.view.unsettled, 0);
});

test('a peer is told of holdings that differ from its own only in the hash', (t) => {
  const view = new PeerView(emptyFeed);
  const [ours] = held(1, 3).ranges;
  if (ours === undefined) return t.fail();
  view.learn('', '', [held(1, 3)]);
  t.true(view.knows(held(1, 3)));
  t.false(view.knows({ key: held(1, 3).key, ranges: [{ ...ours, hash: new Uint8Array(32) }] }));
});

test('what a peer claims beyond the bound is not remembered, and heard again once there is room', (t) => {
  const mine = new Map<FeedKey, Feed>();
  const view = new PeerView((key) => mine.get(key) ?? emptyFeed(key));
  const keyOf = (n: number): FeedKey =>
    feedKey(timelineScope('acme' as TenantId), new Uint8Array(32).fill(n >> 8), epoch(n));
  const keys = [...new Set(Array.from({ length: 40 }, (_, n) => keyOf(n * 256)))];
  const ranges = Array.from({ length: 1000 }, (_, i) => ({ from: 3 * i + 1, to: 3 * i + 1, hash: HASH }));
  view.learn(
    '',
    '',
    keys.toSorted().map((key) => ({ key, ranges })),
  );
  const room = LIMITS.claimedRanges / 1000;
  t.true(keys.length > room);
  t.is(view.unsettled, room);
  t.true(view.isFull);
  t.false(view.hasRoomAgain);
  for (const key of keys.toSorted().slice(0, room / 2)) {
    const held = ranges.map(({ from, to, hash }) => ({
      from,
      to,
      before: undefined,
      head: {
        hash,
        changeHash: hash,
        segment: { doc: 1, spans: 1, bytes: 1, day: 1 },
        stamp: { ms: 1, count: 0 },
      },
    }));
    mine.set(key, { ...emptyFeed(key), ranges: held });
    view.changed(key);
  }
  t.is(view.unsettled, room / 2);
  t.true(view.hasRoomAgain);
});

test('ordered keys answer for a key range what a filter would', (t) => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(word, fc.boolean())), word, word, (steps, lower, upper) => {
      const [keys, plain] = [new OrderedKeys(), new Set<FeedKey>()];
      for (const [text, isAdded] of steps) {
        const key = text as FeedKey;
        if (isAdded) keys.add(key);
        else keys.delete(key);
        if (isAdded) plain.add(key);
        else plain.delete(key);
      }
      const within = [...plain].filter((key) => key >= lower && (upper === '' || key < upper));
      t.deepEqual(keys.within(lower, upper), within.toSorted());
    }),
  );
});
