/** Forks as logs hold them that were written before there were bars: what they withhold is found out while they are read. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import { barredFrom, clippedAt, type Feed } from '../feed.js';
import type { Withheld } from '../storage.js';
import type { EntryReader } from './entry-reader.js';

/** What is withheld of a feed with this fork, as the draft of a new one says it. */
export async function withheldByFork(forked: Feed, reader: EntryReader): Promise<Withheld> {
  const { key } = forked;
  const tally = await reader.tally(key, barredFrom(forked));
  const clipped = clippedAt(forked);
  // The entry above it names its hash.
  const above = clipped === undefined ? 0 : clipped + 1;
  const [entry] = await reader.entries(key, { from: above, to: above, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  return { clip: (parts && headerOfAccepted(parts))?.prev, ...tally };
}
