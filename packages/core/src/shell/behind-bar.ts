/** What lies at or above a feed's bar, for operators: to look at, or for its origin to append again (R7). */

import { headerOfAccepted, splitEntry } from '../entry.js';
import { barredFrom, type Feed } from '../feed.js';
import { rangesWithin } from '../holdings.js';
import type { Span } from '../span.js';
import type { Storage } from '../storage.js';

const PAGE_BYTES = 512 * 1024;

/** The quarantined spans of a feed entry by entry, ascending by seq. What is held beyond a gap comes too. */
export async function* spansBehindBar(
  feed: Feed,
  storage: Storage,
): AsyncGenerator<{ readonly seq: number; readonly spans: readonly Span[] }, void, void> {
  const behind = { from: barredFrom(feed), to: Number.MAX_SAFE_INTEGER };
  for (const range of rangesWithin(behind, feed.ranges)) {
    for (let { from } = range; from <= range.to;) {
      const page = await storage.entries(feed.key, { from, to: range.to, bytesMost: PAGE_BYTES });
      if (page.length === 0) break;
      for (const { position, bytes } of page) {
        const parts = splitEntry(bytes);
        const count = (parts === undefined ? undefined : headerOfAccepted(parts))?.count ?? 0;
        const indexes = Array.from({ length: count }, (_, index) => index);
        const spans = await Promise.all(indexes.map((index) => storage.span({ position, index })));
        yield { seq: from++, spans };
      }
    }
  }
}
