/** T9: whether the ends that a peer names inside ranges of ours are ours, looked up in the log. */

import { equalBytes } from '../bytes.js';
import { hashOfEntry, splitEntry } from '../entry.js';
import { scopeOfFeed } from '../feed.js';
import type { Scope } from '../identity.js';
import type { Crypto } from '../ports.js';
import type { Storage } from '../storage.js';
import type { PeerView } from './peer-view.js';

/** Feeds looked up at a time: a peer that is only a moment behind should cost little. */
const CHECKED_AT_ONCE = 16;

/**
 * Of our own ranges only the ends are at hand, so a history that ends before ours may differ unseen. True if some
 * end turned out not to be ours, so that there is something new to ask for.
 */
export async function checkEnds(
  view: PeerView,
  world: {
    readonly isShared: (scope: Scope) => boolean;
    readonly storage: Storage;
    readonly crypto: Crypto;
  },
): Promise<boolean> {
  let isNews = false;
  for (const { key, seq, hash } of view.unchecked(CHECKED_AT_ONCE)) {
    if (!world.isShared(scopeOfFeed(key))) continue;
    const [entry] = await world.storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
    const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
    if (parts === undefined) continue;
    const isOurs = equalBytes(hashOfEntry(parts, world.crypto), hash);
    if (isOurs) view.agree(key, seq);
    else view.part(key, seq);
    isNews ||= !isOurs;
  }
  return isNews;
}
