/** What stays out of the feeds of a key that was taken back depends on when they began, and on no order of arrival. */

import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { accessScope, TRUST_SCOPE } from '../dist/identity.js';
import { acceptedRanges } from '../dist/holdings.js';
import { feedKeyOf } from '../dist/feed.js';
import { revoke, verify } from '../dist/testing/trust-script.js';
import { acme, bob, NOON_MS, Writer, type Forged } from './forge.js';
import { KeepingNode } from './keeping-node.js';

const HOUR_MS = 3_600_000;

/** Entries of one of bob's feeds: so many before he was taken back, so many since. `starts`: which begin a segment. */
function writeFeed(before: number, since: number, starts: readonly boolean[]): readonly Forged[] {
  const writer = new Writer(bob);
  for (let seq = 1; seq <= before + since; seq++) {
    const ms = NOON_MS + (seq <= before ? -HOUR_MS : HOUR_MS) + seq;
    const isStart = starts[seq % starts.length] === true || seq === 1;
    writer.write({ stamp: { ms, count: 0 }, ...(isStart && { doc: seq }) });
  }
  return writer.written;
}

/** Alice revokes bob, naming no feed of his, and says so for the tenant too; later she takes him back. */
async function revokeAndTakeBack(node: KeepingNode, between: () => Promise<void>): Promise<void> {
  let revocation = new Uint8Array(0);
  await node.write(async (pen) => {
    ({ hash: revocation } = (await pen.seal(TRUST_SCOPE, [revoke(bob)])) as {
      hash: Uint8Array<ArrayBuffer>;
    });
    await pen.seal(accessScope(acme), [{ kind: 'cut', key: bob.publicKey, revocation, cuts: [] }]);
  });
  await between();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob, [revocation])]));
}

testProp(
  'of a feed that nobody named, all counts that began since, and nothing of one that began before',
  [
    fc.nat(4),
    fc.nat(4),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
    fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }),
    fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
  ],
  async (t, before, since, starts, times, chance) => {
    const feed = writeFeed(before, since, starts);
    const node = await KeepingNode.start();
    await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
    // Nothing arrives before it was written.
    const timeOf = (at: number): number => (at < before ? (times[at] ?? 0) : 2);
    const arriving = (time: number): readonly Forged[] =>
      feed
        .map((entry, at) => ({ entry, at, order: chance[at] ?? 0 }))
        .filter(({ at }) => timeOf(at) === time)
        .sort((a, b) => a.order - b.order)
        .map(({ entry }) => entry);
    for (const entry of arriving(0)) await node.take(entry);
    await revokeAndTakeBack(node, async () => {
      for (const entry of arriving(1)) await node.take(entry);
    });
    for (const entry of arriving(2)) await node.take(entry);
    // Peers offer again what is not held.
    for (let round = 0; round < feed.length; round++) await node.take(...feed);
    const [first] = feed;
    const held = first === undefined ? [] : acceptedRanges(node.feed(feedKeyOf(first.header)));
    const expected = before > 0 || since === 0 ? [] : [[1, since]];
    t.deepEqual(
      held.map(({ from, to }) => [from, to]),
      expected,
    );
    await node.close();
  },
  { numRuns: 80 },
);

test('the later part of a feed waits for its beginning, which may come in the same frame', async (t) => {
  const node = await KeepingNode.start();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
  await revokeAndTakeBack(node, () => Promise.resolve());
  const [first, second] = writeFeed(0, 2, [true]);
  if (first === undefined || second === undefined) return t.fail();
  t.deepEqual(await node.take(second), ['not_yet']);
  t.deepEqual(await node.take(first, second), ['accepted', 'accepted']);
  await node.close();
});

test('a feed held without its beginning stays out, whatever its later stamps say', async (t) => {
  const node = await KeepingNode.start();
  await node.write((pen) => pen.seal(TRUST_SCOPE, [verify(bob)]));
  const [, second] = writeFeed(0, 2, [true]);
  if (second === undefined) return t.fail();
  t.deepEqual(await node.take(second), ['accepted']);
  await revokeAndTakeBack(node, () => Promise.resolve());
  t.deepEqual(acceptedRanges(node.feed(feedKeyOf(second.header))), []);
  await node.close();
});
