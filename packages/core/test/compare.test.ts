/** Two ends that compare holdings learn each other's exactly, in few messages, and then are quiet. */

import test from 'ava';
import fc from 'fast-check';
import { compareRanges, openComparison, type HoldingsView } from '../dist/compare.js';
import { feedKey } from '../dist/feed.js';
import type { FeedHoldings } from '../dist/holdings.js';
import { LIMITS } from '../dist/limits.js';
import { decodeMessage, encodeMessage, type ComparedRange } from '../dist/message.js';
import { ACME, person, seeded, tools } from './forge.js';

/** One node's side of a comparison: what it holds, and what it has learned of the other, both by ascending key. */
class End {
  readonly held: readonly FeedHoldings[];
  readonly known: FeedHoldings[] = [];

  constructor(feeds: readonly FeedHoldings[]) {
    this.held = [...feeds].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  get view(): HoldingsView {
    return { within: (lower, upper) => this.held.slice(...bounds(this.held, lower, upper)) };
  }

  /** Takes a message and answers, as a session does. */
  hear(theirs: readonly ComparedRange[]): readonly ComparedRange[] {
    const { learned, answers, descends } = compareRanges(theirs, { mine: this.view, crypto: tools.crypto });
    if (descends !== answers.some((answer) => answer.reply))
      throw new Error('descends is not what was answered');
    for (const { lower, upper, feeds } of learned) {
      const [from, to] = bounds(this.known, lower, upper);
      this.known.splice(from, to - from, ...feeds);
    }
    return answers;
  }
}

/** Where the keys from `lower` to `upper` stand in an ascending list. */
function bounds(feeds: readonly FeedHoldings[], lower: string, upper: string): [number, number] {
  const firstFrom = (key: string): number => {
    let [low, high] = [0, feeds.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((feeds[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [firstFrom(lower), upper === '' ? feeds.length : firstFrom(upper)];
}

interface Talk {
  readonly messages: number;
  readonly bytes: number;
}

/** Runs a comparison until nobody answers, through real frames. */
function compare(a: End, b: End): Talk {
  let ranges = openComparison(a.view, tools.crypto);
  let listener = b;
  let bytes = 0;
  for (let messages = 1; messages <= 60; messages++) {
    const frame = encodeMessage({ kind: 'holdings', scopes: undefined, ranges, round: 1 }, tools.compression);
    bytes += frame.length;
    if (frame.length > LIMITS.frameBytes) throw new Error(`a frame of ${frame.length} bytes`);
    const heard = decodeMessage(frame, tools.compression);
    if (heard?.kind !== 'holdings') throw new Error(`message ${messages} was not understood`);
    ranges = listener.hear(heard.ranges);
    if (ranges.length === 0) return { messages, bytes };
    listener = listener === a ? b : a;
  }
  throw new Error('the comparison has no end');
}

const origins = ['alice', 'bob', 'carol', 'dave'].map((name) => person(name).publicKey);

function feed(n: number, ranges = 1, version = 0): FeedHoldings {
  const run = Uint8Array.from({ length: 8 }, (_, i) =>
    i < 4 ? (n * 2_654_435_761) >>> (8 * i) : n >>> (8 * (i - 4)),
  );
  const key = feedKey(ACME, origins[n % origins.length] ?? new Uint8Array(32), run);
  const hash = tools.crypto.sha256(Uint8Array.of(n & 255, n >> 8, version));
  return {
    key,
    ranges: Array.from({ length: ranges }, (_, i) => ({ from: 3 * i + 1, to: 3 * i + 2, hash })),
  };
}

/** Which of `count` feeds an end holds: all but some, some of them in another state. */
function someOf(
  count: number,
  seed: number,
  options: { readonly absent: number; readonly other: number },
): End {
  const chance = seeded(seed).bytes(2 * count);
  const feeds: FeedHoldings[] = [];
  for (let n = 0; n < count; n++) {
    if ((chance[2 * n] ?? 0) < options.absent) continue;
    feeds.push(feed(n, 1, (chance[2 * n + 1] ?? 0) < options.other ? seed : 0));
  }
  return new End(feeds);
}

test('both ends learn exactly what the other holds', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(200), fc.nat(3000)),
      fc.record({ absent: fc.nat(256), other: fc.nat(256) }),
      fc.record({ absent: fc.nat(256), other: fc.nat(256) }),
      fc.integer({ min: 1, max: 1000 }),
      (count, here, there, seed) => {
        const a = someOf(count, seed, here);
        const b = someOf(count, seed + 1, there);
        const { messages } = compare(a, b);
        t.deepEqual(a.known, b.held);
        t.deepEqual(b.known, a.held);
        // One level of the descent a message, and a few more where a level does not fit one.
        t.true(messages <= 12, `${messages} messages for ${count} feeds`);
      },
    ),
    { numRuns: 15 },
  );
});

test('equal holdings take two short messages, however much they are', (t) => {
  for (const count of [0, 1, 64, 65, 3000]) {
    const feeds = Array.from({ length: count }, (_, n) => feed(n));
    const talk = compare(new End(feeds), new End(feeds));
    t.is(talk.messages, 2);
    if (count > LIMITS.feedsListed) t.true(talk.bytes < 200, `${talk.bytes} bytes`);
  }
});

test('one difference among thousands is found in messages that grow with the logarithm', (t) => {
  const feeds = Array.from({ length: 3000 }, (_, n) => feed(n));
  const other = feeds.with(1234, feed(1234, 2));
  const [a, b] = [new End(feeds), new End(other)];
  const { messages, bytes } = compare(a, b);
  t.deepEqual(b.known, a.held);
  t.deepEqual(a.known, b.held);
  t.true(messages <= 5, `${messages} messages`);
  t.true(bytes < 20_000, `${bytes} bytes`);
});

test('a new node learns of seventeen thousand feeds in frames that fit', (t) => {
  const a = new End(Array.from({ length: 17_000 }, (_, n) => feed(n)));
  for (const [first, second] of [
    [a, new End([])],
    [new End([]), a],
  ] as const) {
    const talk = compare(first, second);
    t.deepEqual(first.known, second.held);
    t.deepEqual(second.known, first.held);
    t.true(talk.messages < 40, `${talk.messages} messages`);
  }
});

test('two nodes that agree on none of six thousand feeds still come to an end', (t) => {
  const a = new End(Array.from({ length: 6_000 }, (_, n) => feed(n, 1, 1)));
  const b = new End(Array.from({ length: 6_000 }, (_, n) => feed(n, 1, 2)));
  compare(a, b);
  t.deepEqual(a.known, b.held);
  t.deepEqual(b.known, a.held);
});

test('feeds that a hostile origin scattered into pieces never make a frame too large', (t) => {
  const a = new End(Array.from({ length: 30 }, (_, n) => feed(n, LIMITS.rangesPerFeed, 1)));
  const b = new End(Array.from({ length: 30 }, (_, n) => feed(n, LIMITS.rangesPerFeed - 1, 1)));
  compare(a, b);
  t.deepEqual(a.known, b.held);
  t.deepEqual(b.known, a.held);
});

test('what we told of a range is not told again', (t) => {
  const a = new End(Array.from({ length: 10 }, (_, n) => feed(n)));
  const b = new End(Array.from({ length: 10 }, (_, n) => feed(n + 5)));
  const answer = b.hear(openComparison(a.view, tools.crypto));
  t.deepEqual(
    answer.map(({ reply, feeds }) => ({ reply, listed: feeds?.length })),
    [{ reply: false, listed: 10 }],
  );
  t.deepEqual(a.hear(answer), []);
  t.deepEqual(a.known, b.held);
});
