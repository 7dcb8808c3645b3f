/** What a commit will make durable, and the feeds as they will be then. */

import { headerOfAccepted, splitEntry } from '../entry.js';
import {
  barredFrom,
  clippedAt,
  extendFeed,
  holdsEntry,
  withBar,
  withFork,
  type Bar,
  type Feed,
  type FeedKey,
} from '../feed.js';
import type { AcceptedEntry, Storage, StoreRecord, Withheld } from '../storage.js';
import type { HoldingsTable } from './holdings-table.js';

/** The feeds as they will be once everything drafted is durable. */
export class Draft {
  readonly records: StoreRecord[] = [];
  readonly entries: AcceptedEntry[] = [];
  readonly #table: HoldingsTable;
  readonly #changed = new Map<FeedKey, Feed>();
  readonly #places = new Map<string, AcceptedEntry>();
  #weightBytes = 0;

  constructor(table: HoldingsTable) {
    this.#table = table;
  }

  feed(key: FeedKey): Feed {
    return this.#changed.get(key) ?? this.#table.feed(key);
  }

  feeds(): Iterable<Feed> {
    return this.#changed.values();
  }

  /** Feeds whose keys begin with `prefix`, without those that are new in this draft. */
  feedsUnder(prefix: string): readonly Feed[] {
    return this.#table.under(prefix);
  }

  /** The entry at a place, if it is new in this draft. */
  entryAt(key: FeedKey, seq: number): AcceptedEntry | undefined {
    return this.#places.get(placeOf(key, seq));
  }

  /** What the commit weighs in memory and time: the text of its spans, and what was added by `weigh`. */
  get weightBytes(): number {
    return this.#weightBytes;
  }

  weigh(bytes: number): void {
    this.#weightBytes += bytes;
  }

  /** One more entry, checked or just signed. */
  add(entry: AcceptedEntry): void {
    const feed = this.feed(entry.key);
    this.#changed.set(entry.key, extendFeed(feed, entry));
    this.entries.push(entry);
    this.#places.set(placeOf(entry.key, entry.header.seq), entry);
    this.#weightBytes += entry.spans.reduce((sum, span) => sum + span.bytes.length, 0);
    this.records.push({ kind: 'entry', entry });
  }

  /** R7: both entries are kept as proof, and the feed takes nothing more from there on. */
  async fork(
    fork: { readonly key: FeedKey; readonly seq: number; readonly bytes: Uint8Array },
    storage: Storage,
  ): Promise<void> {
    const feed = this.feed(fork.key);
    if (feed.forkedAt !== undefined && feed.forkedAt <= fork.seq) return;
    // The entry held at the same place contradicts; else the next one does, by the hash that it names.
    const witness = [fork.seq, fork.seq + 1].find((seq) => holdsEntry(feed, seq));
    const held = witness === undefined ? undefined : await this.#bytesAt(fork.key, witness, storage);
    const proof = held === undefined ? [fork.bytes] : [held, fork.bytes];
    // In the order in which another node's gate finds the same fork.
    if (witness !== fork.seq) proof.reverse();
    const withheld = await this.#withheld(withFork(feed, fork.seq, undefined), storage);
    this.#changed.set(fork.key, withFork(feed, fork.seq, withheld.clip));
    this.records.push({ kind: 'fork', key: fork.key, seq: fork.seq, proof, withheld });
  }

  /** Bars a feed from now on, moves its bar, or lifts it. Nothing is drafted where that changes nothing. */
  async bar(key: FeedKey, bar: Bar | undefined, storage: Storage): Promise<void> {
    const feed = this.feed(key);
    if (isSameBar(feed.bar, bar)) return;
    const withheld = await this.#withheld(withBar(feed, bar, undefined), storage);
    this.#changed.set(key, withBar(feed, bar, withheld.clip));
    this.records.push({ kind: 'bar', key, bar, withheld });
  }

  /** What is quarantined of a feed under its bar. */
  async #withheld(feed: Feed, storage: Storage): Promise<Withheld> {
    const from = barredFrom(feed);
    if (from === Number.POSITIVE_INFINITY) return { clip: undefined, entries: 0, spans: 0 };
    let { entries, spans } = await storage.tally(feed.key, from);
    for (const entry of this.entries) {
      if (entry.key !== feed.key || entry.header.seq < from) continue;
      entries++;
      spans += entry.spans.length;
    }
    const clipped = clippedAt(feed);
    // The entry above it names its hash.
    const above = clipped === undefined ? undefined : await this.#bytesAt(feed.key, clipped + 1, storage);
    const parts = above === undefined ? undefined : splitEntry(above);
    return { clip: (parts && headerOfAccepted(parts))?.prev, entries, spans };
  }

  async #bytesAt(key: FeedKey, seq: number, storage: Storage): Promise<Uint8Array | undefined> {
    const drafted = this.entryAt(key, seq);
    if (drafted !== undefined) return drafted.bytes;
    const [stored] = await storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
    return stored?.bytes;
  }
}

function isSameBar(a: Bar | undefined, b: Bar | undefined): boolean {
  return a?.from === b?.from && a?.reason === b?.reason && a?.provisional === b?.provisional;
}

function placeOf(key: FeedKey, seq: number): string {
  return `${key}${seq}`;
}
