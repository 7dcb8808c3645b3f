/** Ranges as sets of numbers, and feeds that end the same in whatever order their entries came. */

import test from 'ava';
import fc from 'fast-check';
import { fromKey } from '../dist/bytes.js';
import { encodeCbor } from '../dist/cbor.js';
import {
  emptyFeed,
  extendFeed,
  feedKey,
  feedKeyOf,
  positionOf,
  scopeOfFeed,
  splitFeedKey,
  type Feed,
} from '../dist/feed.js';
import {
  countEntries,
  coversRanges,
  digestHoldings,
  joinRanges,
  missingRanges,
  packFeeds,
  readFeedHoldings,
  weightOf,
  writeFeedHoldings,
  type FeedHoldings,
  type SeqRange,
} from '../dist/holdings.js';
import { LIMITS } from '../dist/limits.js';
import { ACME, alice, bob, epoch, NOON_MS, tools, Writer, type Forged } from './forge.js';

/** Ranges that ascend and never touch, as a feed's do, below 60. */
const ranges = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  .map((numbers) => rangesOf(new Set(numbers)));
/** Ranges in any order, overlapping or not. */
const heap = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(9)).map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 20 },
);

function numbersOf(list: readonly SeqRange[]): Set<number> {
  const numbers = new Set<number>();
  for (const { from, to } of list) for (let n = from; n <= to; n++) numbers.add(n);
  return numbers;
}

function rangesOf(numbers: ReadonlySet<number>): readonly SeqRange[] {
  const list: SeqRange[] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = list.at(-1);
    if (last?.to === n - 1) list[list.length - 1] = { from: last.from, to: n };
    else list.push({ from: n, to: n });
  }
  return list;
}

function less(a: ReadonlySet<number>, b: ReadonlySet<number>): Set<number> {
  return new Set([...a].filter((n) => !b.has(n)));
}

test('what is missing is what the others have and we have not', (t) => {
  fc.assert(
    fc.property(ranges, ranges, (mine, theirs) => {
      const missing = less(numbersOf(theirs), numbersOf(mine));
      t.deepEqual(numbersOf(missingRanges(mine, theirs)), missing);
      t.is(countEntries(missingRanges(mine, theirs)), missing.size);
      t.is(coversRanges(mine, theirs), missing.size === 0);
    }),
    { numRuns: 1000 },
  );
});

test('joined ranges are the union, ascending and apart', (t) => {
  fc.assert(
    fc.property(heap, (list) => {
      t.deepEqual(joinRanges(list), rangesOf(numbersOf(list)));
    }),
    { numRuns: 1000 },
  );
});

test('ranges reach to the last number there is', (t) => {
  const end = Number.MAX_SAFE_INTEGER;
  t.deepEqual(missingRanges([{ from: 5, to: end - 1 }], [{ from: 1, to: end }]), [
    { from: 1, to: 4 },
    { from: end, to: end },
  ]);
  t.deepEqual(missingRanges([{ from: 1, to: end }], [{ from: 7, to: end }]), []);
});

const FEED_ENTRIES = 12;

/** Alice's first entries, in segments that begin at the given numbers. */
function history(starts: ReadonlySet<number>): readonly Forged[] {
  const writer = new Writer(alice);
  let doc = 1;
  for (let seq = 1; seq <= FEED_ENTRIES; seq++) {
    if (starts.has(seq)) doc = seq;
    writer.write({ doc, stamp: { ms: NOON_MS, count: seq } });
  }
  return writer.written;
}

function take(feed: Feed, forged: Forged): Feed {
  return extendFeed(feed, forged);
}

test('entries make the same feed in every order in which they may arrive', (t) => {
  const starts = new Set([1, 4, 5, 9]);
  const entries = history(starts);
  const key = feedKeyOf(entries[0]?.header ?? t.fail());
  let straight = emptyFeed(key);
  for (const entry of entries) straight = take(straight, entry);
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(1000)), (choices) => {
      let feed = emptyFeed(key);
      const left = new Set(entries);
      while (left.size > 0) {
        const may = [...left].filter(({ header }) =>
          ['next', 'detached'].includes(positionOf(feed, header).kind),
        );
        const chosen = may[(choices.next().value ?? 0) % may.length];
        if (chosen === undefined) throw new Error('no entry may come next');
        feed = take(feed, chosen);
        left.delete(chosen);
        const held = rangesOf(new Set(entries.filter((one) => !left.has(one)).map((one) => one.header.seq)));
        t.deepEqual(
          feed.ranges.map(({ from, to }) => ({ from, to })),
          held,
        );
      }
      t.deepEqual(feed, straight);
    }),
    { numRuns: 200 },
  );
});

test('an entry that is held, follows, starts a segment, or comes too early is told apart', (t) => {
  const entries = history(new Set([1, 7]));
  let feed = emptyFeed(feedKeyOf(entries[0]?.header ?? t.fail()));
  const kindAt = (seq: number): string => positionOf(feed, entries[seq - 1]?.header ?? t.fail()).kind;
  t.deepEqual([1, 2, 6, 7, 8].map(kindAt), ['detached', 'gap', 'gap', 'detached', 'gap']);
  feed = take(feed, entries[6] ?? t.fail());
  t.deepEqual([1, 2, 6, 7, 8].map(kindAt), ['detached', 'gap', 'gap', 'held', 'next']);
  feed = { ...feed, forkedAt: 8 };
  t.deepEqual([1, 7, 8, 9].map(kindAt), ['detached', 'held', 'barred', 'barred']);
  feed = { ...feed, bar: { from: 7, reason: 'revoked', provisional: false } };
  t.deepEqual(
    [1, 7, 8].map(kindAt),
    ['detached', 'barred', 'barred'],
    'what is quarantined is not looked at again',
  );
});

test('the key of a feed is scope, origin and epoch, and nothing else is one', (t) => {
  const key = feedKey(ACME, alice.publicKey, epoch(1));
  t.deepEqual(splitFeedKey(key), { scope: ACME, origin: alice.publicKey, epoch: epoch(1) });
  t.is(scopeOfFeed(key), ACME);
  for (const other of ['', 'timeline/acme', `\0${key.slice(14)}`, key.slice(0, -1), `${key}x`])
    t.is(splitFeedKey(other), undefined, JSON.stringify(other));
  // Zeros in a key or an epoch are no separators.
  const zero = feedKey(ACME, new Uint8Array(32), new Uint8Array(8));
  t.deepEqual(splitFeedKey(zero)?.origin, new Uint8Array(32));
});

function holdings(key: FeedHoldings['key'], list: readonly SeqRange[]): FeedHoldings {
  return { key, ranges: list.map((range) => ({ ...range, hash: new Uint8Array(32).fill(range.to) })) };
}

test('holdings are read as they were written, and their weight is never less than their bytes', (t) => {
  fc.assert(
    fc.property(ranges, fc.uint8Array({ minLength: 8, maxLength: 8 }), (list, run) => {
      fc.pre(list.length > 0);
      const feed = holdings(feedKey(ACME, bob.publicKey, run), list);
      t.deepEqual(readFeedHoldings(writeFeedHoldings(feed)), feed);
      t.true(encodeCbor(writeFeedHoldings(feed)).length <= weightOf(feed));
    }),
  );
  const largest = holdings(feedKey(ACME, bob.publicKey, epoch(1)), [
    { from: Number.MAX_SAFE_INTEGER - 1, to: Number.MAX_SAFE_INTEGER },
  ]);
  t.true(encodeCbor(writeFeedHoldings(largest)).length <= weightOf(largest));
});

test('a stop is read as it was written, with ranges below it or without', (t) => {
  fc.assert(
    fc.property(ranges, fc.nat(50), fc.boolean(), (list, gap, isForked) => {
      const stop = { from: (list.at(-1)?.to ?? 0) + 1 + gap, isForked };
      const feed = { ...holdings(feedKey(ACME, bob.publicKey, epoch(1)), list), stop };
      t.deepEqual(readFeedHoldings(writeFeedHoldings(feed)), feed);
      t.true(encodeCbor(writeFeedHoldings(feed)).length <= weightOf(feed));
      t.notDeepEqual(
        digestHoldings([feed], tools.crypto),
        digestHoldings([{ ...feed, stop: { ...stop, isForked: !isForked } }], tools.crypto),
      );
    }),
  );
  const bytes = fromKey(feedKey(ACME, bob.publicKey, epoch(1)));
  const hash = new Uint8Array(32);
  for (const [what, stop] of [
    ['at an entry that is told', [2, false]],
    ['below it', [1, true]],
    ['at 0', [0, true]],
    ['a fraction', [3.5, true]],
    ['no boolean', [3, 1]],
    ['alone', [3]],
    ['with more', [3, true, 0]],
    ['a number', 3],
    ['null', null],
  ] as const) {
    t.is(readFeedHoldings([bytes, [[1, 2, hash]], stop] as never), undefined, what);
  }
  t.is(readFeedHoldings([bytes, [[1, 2, hash]], [3, true], 0] as never), undefined, 'a fourth member');
});

test('holdings that no feed can have are refused', (t) => {
  const key = feedKey(ACME, bob.publicKey, epoch(1));
  const hash = new Uint8Array(32);
  const bytes = fromKey(key);
  const read = (list: unknown): unknown => readFeedHoldings([bytes, list as never]);
  t.truthy(
    read([
      [1, 2, hash],
      [4, 4, hash],
    ]),
  );
  const utf8 = tools.text.encode(key);
  t.is(readFeedHoldings([utf8, [[1, 2, hash]]]), undefined, 'a key in UTF-8');
  for (const [what, list] of [
    ['nothing', []],
    ['from 0', [[0, 2, hash]]],
    ['backwards', [[3, 2, hash]]],
    [
      'touching',
      [
        [1, 2, hash],
        [3, 4, hash],
      ],
    ],
    [
      'overlapping',
      [
        [1, 5, hash],
        [3, 8, hash],
      ],
    ],
    [
      'descending',
      [
        [5, 6, hash],
        [1, 2, hash],
      ],
    ],
    ['a short hash', [[1, 2, new Uint8Array(31)]]],
    ['a fraction', [[1.5, 2, hash]]],
    ['four members', [[1, 2, hash, 0]]],
    ['no list', 5],
    ['too many', Array.from({ length: LIMITS.rangesPerFeed + 1 }, (_, i) => [2 * i + 1, 2 * i + 1, hash])],
  ] as const) {
    t.is(read(list), undefined, what);
  }
});

test('digests are equal for equal holdings only, however many there are', (t) => {
  const feeds = Array.from({ length: 3000 }, (_, i) =>
    holdings(feedKey(ACME, bob.publicKey, Uint8Array.of(0, 0, 0, 0, 0, 0, i >> 8, i & 255)), [
      { from: 1, to: 1 + (i % 5) },
    ]),
  );
  const digest = digestHoldings(feeds, tools.crypto);
  t.deepEqual(digestHoldings([...feeds], tools.crypto), digest);
  t.notDeepEqual(digestHoldings(feeds.slice(1), tools.crypto), digest);
  const one = feeds[7] ?? t.fail();
  const other = {
    ...one,
    ranges: one.ranges.map((range) => ({ ...range, hash: new Uint8Array(32).fill(255) })),
  };
  t.notDeepEqual(digestHoldings(feeds.with(7, other), tools.crypto), digest, 'another hash at the end');
  // As many as would overflow the stack if they were arguments of one call.
  t.notThrows(() =>
    digestHoldings(
      Array.from({ length: 200_000 }, () => one),
      tools.crypto,
    ),
  );
});

test('holdings are packed in order into runs that each fit a message', (t) => {
  const scattered = Array.from({ length: LIMITS.rangesPerFeed }, (_, i) => ({
    from: 3 * i + 1,
    to: 3 * i + 2,
  }));
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 600 }), (sizes) => {
      const feeds = sizes.map((large, i) =>
        holdings(feedKey(ACME, bob.publicKey, epoch(i)), large ? scattered : [{ from: 1, to: 2 }]),
      );
      const runs = packFeeds(feeds);
      t.deepEqual(runs.flat(), feeds);
      for (const run of runs) {
        t.true(run.length > 0 && run.length <= LIMITS.feedsPerMessage);
        t.true(run.reduce((sum, feed) => sum + weightOf(feed), 0) <= LIMITS.holdingsFrameBytes);
      }
    }),
    { numRuns: 20 },
  );
});
