/** Small questions about the bar of a held feed. */

import type { Stamp } from '../clock.js';
import type { FeedBar } from '../cuts.js';
import { headerOfAccepted, splitEntry } from '../entry.js';
import type { Bar, Feed } from '../feed.js';
import type { Storage } from '../storage.js';

export function isSameBar(a: Bar | undefined, b: Bar | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.from === b.from && a.reason === b.reason && a.provisional === b.provisional;
}

/** The stamp of the first entry held of a feed; `undefined` where none is. */
export async function firstStampOf(feed: Feed, storage: Storage): Promise<Stamp | undefined> {
  const [range] = feed.ranges;
  if (range === undefined) return undefined;
  if (range.from === range.to) return range.head.stamp;
  const [entry] = await storage.entries(feed.key, { from: range.from, to: range.from, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  return (parts === undefined ? undefined : headerOfAccepted(parts))?.stamp;
}

/** As the store keeps it. */
export function toBar(bar: FeedBar | undefined): Bar | undefined {
  if (bar === undefined) return undefined;
  const { from, reason, provisional } = bar;
  return { from, reason, provisional };
}
