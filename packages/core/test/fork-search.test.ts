/** T7: ends of ranges are compared in one pass over each side, however scattered a peer has made its feed, and found as the plain search finds them. */

import test from 'ava';
import fc from 'fast-check';
import { equalBytes } from '../dist/bytes.js';
import { emptyFeed, feedKey, type Feed } from '../dist/feed.js';
import { missingRanges, type HeldRange } from '../dist/holdings.js';
import { LIMITS } from '../dist/limits.js';
import { contradictionIn, endInside, type Compared } from '../dist/shell/fork-search.js';
import { ACME, alice, epoch } from './forge.js';

const KEY = feedKey(ACME, alice.publicKey, epoch(1));
const HASHES = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));

/** Ranges that ascend and never touch, each with one of three hashes. */
const held = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(3), fc.nat(2)), { maxLength: 12 })
  .map((steps) => {
    let next = 1;
    return steps.map(([gap, length, hash]): HeldRange => {
      const from = next + gap;
      next = from + length + 1;
      return { from, to: from + length, hash: HASHES[hash] ?? new Uint8Array(32) };
    });
  });
const known = fc.record<Compared>({
  agreed: fc.nat(40),
  apart: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  unproven: fc.constant(undefined),
});
const forkedAt = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined });

function feedOf(ranges: readonly HeldRange[], fork: number | undefined): Feed {
  const head = (range: HeldRange): Feed['ranges'][number]['head'] => ({
    hash: range.hash,
    changeHash: range.hash,
    segment: { doc: 1, spans: 1, bytes: 1, day: 1 },
    stamp: { ms: 1, count: 0 },
  });
  return {
    ...emptyFeed(KEY),
    forkedAt: fork,
    ranges: ranges.map((range) => ({
      from: range.from,
      to: range.to,
      before: undefined,
      head: head(range),
    })),
  };
}

test('the lowest end with two hashes is found, and no other', (t) => {
  fc.assert(
    fc.property(held, held, (mine, theirs) => {
      const plain = theirs.find((range) =>
        mine.some((own) => own.to === range.to && !equalBytes(own.hash, range.hash)),
      );
      t.is(contradictionIn(mine, theirs), plain?.to);
    }),
    { numRuns: 2000 },
  );
});

test('the last end inside a range of ours is found, before any fork, unless it is known to be ours', (t) => {
  fc.assert(
    fc.property(held, held, known, forkedAt, (mine, theirs, compared, fork) => {
      const before = Math.min(fork ?? Infinity, compared.apart ?? Infinity);
      const plain = theirs.findLast(
        ({ to }) =>
          to < before &&
          mine.some(
            (own) => own.from <= to && to < own.to && !(to <= compared.agreed && compared.agreed <= own.to),
          ),
      );
      t.is(endInside(feedOf(mine, fork), theirs, compared), plain);
    }),
    { numRuns: 2000 },
  );
});

test('no search looks at a range more than a few times, in feeds as scattered as they may be', (t) => {
  let looks = 0;
  const watched = (from: number, to: number): HeldRange => ({
    get from() {
      looks++;
      return from;
    },
    get to() {
      looks++;
      return to;
    },
    hash: HASHES[0] ?? new Uint8Array(32),
  });
  const scattered = Array.from({ length: LIMITS.rangesPerFeed }, (_, i) => watched(3 * i + 1, 3 * i + 2));
  const nearly = Array.from({ length: LIMITS.rangesPerFeed }, (_, i) => watched(3 * i + 2, 3 * i + 2));
  // As `feedOf`, but looked at through the same eyes.
  const feed = { ...feedOf(scattered, undefined), ranges: scattered } as unknown as Feed;
  const nothing: Compared = { agreed: 0, apart: undefined, unproven: undefined };
  const most = 12 * (scattered.length + nearly.length);
  for (const search of [
    () => missingRanges(scattered, nearly),
    () => missingRanges(nearly, scattered),
    () => contradictionIn(scattered, nearly),
    () => endInside(feed, nearly, nothing),
  ]) {
    looks = 0;
    search();
    t.true(looks > 0 && looks <= most, `${looks} looks, at most ${most}`);
  }
});
