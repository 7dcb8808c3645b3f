/** What a commit will make durable, and the feeds as they will be then. */

import { extendFeed, holdsEntry, type Feed, type FeedKey } from '../feed.js';
import type { AcceptedEntry, Storage, StoreRecord } from '../storage.js';
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
    // The entry held at the same place contradicts; else one of the neighbours does, by the hash it has or names.
    const holds = (seq: number): boolean => holdsEntry(feed, seq);
    const witnesses = holds(fork.seq) ? [fork.seq] : [fork.seq - 1, fork.seq + 1].filter(holds);
    const proof: Uint8Array[] = [];
    for (const seq of witnesses) {
      const drafted = this.entryAt(fork.key, seq);
      const [stored] =
        drafted === undefined
          ? await storage.entries(fork.key, { from: seq, to: seq, bytesMost: 1 })
          : [drafted];
      if (stored !== undefined) proof.push(stored.bytes);
    }
    proof.push(fork.bytes);
    this.#changed.set(fork.key, { ...feed, forkedAt: fork.seq });
    this.records.push({ kind: 'fork', key: fork.key, seq: fork.seq, proof });
  }
}

function placeOf(key: FeedKey, seq: number): string {
  return `${key}${seq}`;
}
