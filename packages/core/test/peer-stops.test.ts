/** What a peer says it does not take: a fork whose proof it hands out, or a cut. */

import test from 'ava';
import type { FeedKey } from '../dist/feed.js';
import { LIMITS } from '../dist/limits.js';
import type { WantedRange } from '../dist/message.js';
import { PeerView } from '../dist/shell/peer-view.js';
import { alice, acceptedEntry, Keeper, Writer } from './forge.js';
import { viewOf } from './session-ends.js';

const HASH = new Uint8Array(32).fill(3);

/** What `view` asks for when nobody else asks for anything. */
function asks(view: PeerView, nowMs = 0): readonly WantedRange[] {
  return view.plan({ nowMs, isShared: () => true, isClaimed: () => false });
}

/** We hold entries 1 to `held` of a feed, and a peer says that it forks somewhere. */
function heardOfFork(held: number, from: number): { readonly view: PeerView; readonly key: FeedKey } {
  const keeper = new Keeper();
  const writer = new Writer(alice);
  while (writer.written.length < held) keeper.keep(acceptedEntry(writer.write()));
  const { key } = acceptedEntry(writer.written[0] ?? writer.write());
  const view = new PeerView((wanted) => keeper.world.feed(wanted));
  const hash = writer.written[from - 2]?.hash ?? HASH;
  const ranges = from === 1 ? [] : [{ from: 1, to: from - 1, hash }];
  view.learn('', '', [{ key, ranges, stop: { from, isForked: true } }]);
  return { view, key };
}

test('a peer that knows of a fork is asked for the proof, once what lies before is held', (t) => {
  const { view, key } = heardOfFork(5, 4);
  t.is(view.lackingHere(() => true).length, 1, 'that is not in sync');
  t.deepEqual(asks(view), [{ key, from: 4, to: 5, aligned: false }]);
  t.deepEqual(asks(view), [], 'once');
  const early = heardOfFork(2, 4);
  t.deepEqual(
    asks(early.view),
    [{ key: early.key, from: 3, to: 3, aligned: false }],
    'what lies before comes first',
  );
  const first = heardOfFork(5, 1);
  t.deepEqual(asks(first.view), [{ key: first.key, from: 1, to: 2, aligned: false }]);
});

test('a fork that a peer tells of and cannot show is not asked for again, and keeps nobody waiting', (t) => {
  const { view, key } = heardOfFork(5, 4);
  t.is(asks(view).length, 1);
  view.agree(key, 4);
  t.deepEqual(asks(view, 10 * LIMITS.brokenWordMs), []);
  t.deepEqual(
    view.lackingHere(() => true),
    [],
  );
  view.learn('', '', [{ key, ranges: [], stop: { from: 2, isForked: true } }]);
  t.is(asks(view, 10 * LIMITS.brokenWordMs).length, 1, 'another one is');
});

test('what a peer does not take is not lacking there', (t) => {
  const keeper = new Keeper();
  const writer = new Writer(alice);
  for (let i = 0; i < 5; i++) keeper.keep(acceptedEntry(writer.write()));
  const { key } = acceptedEntry(writer.written[0] ?? writer.write());
  const view = new PeerView((wanted) => keeper.world.feed(wanted));
  const mine = viewOf([{ key, ranges: [{ from: 1, to: 5, hash: writer.written[4]?.hash ?? HASH }] }]);
  const claim = (stop: number | undefined): void =>
    view.learn('', '', [
      {
        key,
        ranges: [{ from: 1, to: 2, hash: writer.written[1]?.hash ?? HASH }],
        ...(stop !== undefined && { stop: { from: stop, isForked: false } }),
      },
    ]);
  claim(undefined);
  t.deepEqual(view.lackingThere(mine), [{ key, ranges: [{ from: 3, to: 5 }] }]);
  claim(4);
  t.deepEqual(view.lackingThere(mine), [{ key, ranges: [{ from: 3, to: 3 }] }]);
  claim(3);
  t.deepEqual(view.lackingThere(mine), []);
});
