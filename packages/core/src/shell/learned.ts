/** What a frame of entries teaches of the holdings of the peer that sent it. */

import type { FeedKey } from '../feed.js';
import type { GateOutcome } from '../gate.js';
import type { PeerView } from './peer-view.js';

/** Notes it in the view, and returns the feeds that the frame brought forward or repeated. */
export function learnOutcomes(outcomes: readonly GateOutcome[], view: PeerView): Iterable<FeedKey> {
  const touched = new Map<FeedKey, number>();
  const learn = (key: FeedKey, seq: number, hash: Uint8Array): void => {
    touched.set(key, Math.max(touched.get(key) ?? 0, seq));
    view.learnEntry(key, seq, hash);
  };
  for (const outcome of outcomes) {
    if (outcome.kind === 'accepted') learn(outcome.entry.key, outcome.entry.header.seq, outcome.entry.hash);
    else if (outcome.kind === 'held') learn(outcome.key, outcome.seq, outcome.hash);
    else if (outcome.kind === 'gap') view.learnEntry(outcome.key, outcome.seq, outcome.hash);
    else if (outcome.kind === 'fork') view.changed(outcome.key);
  }
  for (const [key, seq] of touched) view.agree(key, seq);
  return touched.keys();
}
