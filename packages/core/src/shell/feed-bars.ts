/** Small questions about the bar of a held feed. */

import { STAMP_ZERO, type Stamp } from '../clock.js';
import type { FeedBar } from '../cuts.js';
import { headerOfAccepted, splitEntry, type Header } from '../entry.js';
import type { Bar, Feed } from '../feed.js';
import type { Storage } from '../storage.js';

export function isSameBar(a: Bar | undefined, b: Bar | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.from === b.from && a.reason === b.reason && a.provisional === b.provisional;
}

/**
 * The stamp that a held feed began with; `undefined` where nothing of it is held. One whose beginning is not held may
 * have begun at any time, so it counts as the oldest: what is taken for new must not depend on what came first.
 */
export async function firstStampOf(feed: Feed, storage: Storage): Promise<Stamp | undefined> {
  const [range] = feed.ranges;
  if (range === undefined) return undefined;
  if (range.from !== 1) return STAMP_ZERO;
  if (range.from === range.to) return range.head.stamp;
  const [entry] = await storage.entries(feed.key, { from: range.from, to: range.from, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  return (parts === undefined ? undefined : headerOfAccepted(parts))?.stamp;
}

/** The same, as far as an entry on its way into the feed can tell; `undefined` where the bar that is kept already says it. */
export function beganWith({ seq, stamp }: Pick<Header, 'seq' | 'stamp'>, feed: Feed): Stamp | undefined {
  if (seq === 1) return stamp;
  return feed.ranges[0]?.from === 1 ? undefined : STAMP_ZERO;
}

/** As the store keeps it. */
export function toBar(bar: FeedBar | undefined): Bar | undefined {
  if (bar === undefined) return undefined;
  const { from, reason, provisional } = bar;
  return { from, reason, provisional };
}
