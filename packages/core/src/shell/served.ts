/** What a peer asked for, read from the log piece by piece. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import type { FeedKey } from '../feed.js';
import type { WantedRange } from '../message.js';
import type { Storage } from '../storage.js';

export interface Served {
  /** Empty where nothing of it is held. */
  readonly entries: readonly Uint8Array[];
  /** The seq to read on from. */
  readonly next: number;
}

/** The beginning of a wanted range, about so many bytes; an aligned one begins with the segment that it begins in. */
export async function readServed(storage: Storage, wanted: WantedRange, bytesMost: number): Promise<Served> {
  const { key, to, aligned } = wanted;
  const from = aligned ? await segmentStart(storage, key, wanted.from) : wanted.from;
  const found = await storage.entries(key, { from, to, bytesMost });
  return { entries: found.map((entry) => entry.bytes), next: from + found.length };
}

/** The first seq of the segment that `seq` is in, if we hold it. */
async function segmentStart(storage: Storage, key: FeedKey, seq: number): Promise<number> {
  const [entry] = await storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  return (parts === undefined ? undefined : headerOfAccepted(parts))?.doc ?? seq;
}
