/** T7: however many feeds a peer tells of, an honest node asks for no more at a time than may wait there. */

import test from 'ava';
import { emptyFeed, feedKey, type Feed, type FeedKey } from '../dist/feed.js';
import { LIMITS } from '../dist/limits.js';
import { PeerView, type PlanWorld } from '../dist/shell/peer-view.js';
import { ACME, acceptedEntry, epoch, Keeper, person, Writer, type Forged } from './forge.js';

const MANY = 3 * LIMITS.owedRanges;

/** Feeds of one entry each, as a peer that has just met somebody with many of them tells of them. */
function manyFeeds(): readonly { readonly key: FeedKey; readonly entry: Forged }[] {
  const writer = person('writer');
  return Array.from({ length: MANY }, (_, n) => {
    const start = epoch(n);
    new DataView(start.buffer).setUint32(0, n);
    const entry = new Writer(writer, { epoch: start }).draft();
    return { key: feedKey(ACME, writer.publicKey, start), entry };
  });
}

test('more feeds than may be asked for at a time are asked for in turns, as the first ones arrive', (t) => {
  const keeper = new Keeper();
  const view = new PeerView((key: FeedKey): Feed => keeper.world.feed(key) ?? emptyFeed(key));
  const world: PlanWorld = { nowMs: 0, isShared: () => true, isClaimed: () => false };
  const feeds = manyFeeds();
  for (const { key, entry } of feeds)
    view.learn(key, `${key}\0`, [{ key, ranges: [{ from: 1, to: 1, hash: entry.hash }] }]);

  const waiting = new Set<FeedKey>();
  const arrived = new Set<FeedKey>();
  for (let turn = 0; arrived.size < MANY; turn++) {
    if (turn > MANY) return t.fail(`${arrived.size} of ${MANY} arrived, and nothing more is asked for`);
    for (const { key } of view.plan(world)) waiting.add(key);
    t.true(waiting.size <= LIMITS.owedRanges, `${waiting.size} ranges wait at the peer`);
    const [next] = waiting;
    if (next === undefined) return t.fail('nothing is asked for');
    // The peer answers a tenth of what it owes.
    for (const key of [...waiting].slice(0, 1 + waiting.size / 10)) {
      const entry = feeds.find((feed) => feed.key === key)?.entry;
      if (entry === undefined) return t.fail('a feed that nobody told of');
      keeper.keep(acceptedEntry(entry));
      view.changed(key);
      waiting.delete(key);
      arrived.add(key);
    }
  }
  t.is(view.plan(world).length, 0);
});
