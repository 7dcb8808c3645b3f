import test from 'ava';
import { emptyFeed, feedKey, scopeOfFeed, type FeedKey } from '../dist/feed.js';
import { timelineScope, type TenantId } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import { PeerView, type PlanWorld } from '../dist/shell/peer-view.js';

const KEY = feedKey(timelineScope('acme' as TenantId), new Uint8Array(32).fill(1), new Uint8Array(8).fill(2));
const HASH = new Uint8Array(32).fill(3);

/** Two peers that claim the same history; nothing of it ever arrives. */
function twoPeers(): {
  readonly views: readonly PeerView[];
  readonly plan: (i: number, nowMs: number) => number;
} {
  const views = [new PeerView(), new PeerView()];
  for (const view of views)
    view.learn(KEY, `${KEY}\0`, [{ key: KEY, ranges: [{ from: 1, to: 9, hash: HASH }] }]);
  const plan = (i: number, nowMs: number): number => {
    const world: PlanWorld = {
      nowMs,
      feed: (key: FeedKey) => emptyFeed(key),
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
