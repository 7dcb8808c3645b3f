/** What a peer asked for, read from the log piece by piece. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import { barredFrom, type Feed, type FeedKey } from '../feed.js';
import type { WantedRange } from '../message.js';
import type { Storage } from '../storage.js';

export interface Served {
  /** Empty where nothing of it is held. */
  readonly entries: readonly Uint8Array[];
  /** The seq to read on from. */
  readonly next: number;
  /** How many spans are in them. */
  readonly spans: number;
}

const NOTHING: Served = { entries: [], next: 0, spans: 0 };

/**
 * The beginning of a wanted range of a feed, about so many bytes; an aligned one begins with the segment that it begins in.
 * Nothing is read beyond the feed's bar. From a fork on the numbers stand for the entries of its proof.
 */
export async function readServed(
  storage: Storage,
  wanted: WantedRange & { readonly feed: Feed },
  bytesMost: number,
): Promise<Served> {
  const { key, feed, aligned } = wanted;
  const barred = barredFrom(feed);
  if (wanted.from >= barred) return feed.forkedAt === barred ? readProof(storage, wanted) : NOTHING;
  const to = Math.min(wanted.to, barred - 1);
  const from = aligned ? await segmentStart(storage, key, wanted.from) : wanted.from;
  const found = await storage.entries(key, { from, to, bytesMost });
  const spans = found.reduce((sum, entry) => sum + (entry.spans ?? 0), 0);
  return { entries: found.map((entry) => entry.bytes), next: from + found.length, spans };
}

/** One entry of the proof at a time: two of the largest are more than a frame takes. */
async function readProof(
  storage: Storage,
  { key, feed, from }: WantedRange & { readonly feed: Feed },
): Promise<Served> {
  const proof = await storage.forkProof(key);
  const entry = proof[from - barredFrom(feed)];
  return entry === undefined ? NOTHING : { entries: [entry], next: from + 1, spans: 0 };
}

/** The first seq of the segment that `seq` is in, if we hold it. */
async function segmentStart(storage: Storage, key: FeedKey, seq: number): Promise<number> {
  const [entry] = await storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  return (parts === undefined ? undefined : headerOfAccepted(parts))?.doc ?? seq;
}
