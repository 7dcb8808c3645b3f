/** The node's durable feeds in order of key: what it tells its peers, and what the gate checks against. */

import type { HoldingsView } from '../compare.js';
import { emptyFeed, scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import { hasHoldings, holdingsOf, type FeedHoldings } from '../holdings.js';
import type { Scope } from '../identity.js';

export class HoldingsTable {
  readonly #feeds = new Map<FeedKey, Feed>();
  /** Ascending. */
  readonly #keys: FeedKey[];

  constructor(feeds: readonly Feed[]) {
    for (const feed of feeds) this.#feeds.set(feed.key, feed);
    this.#keys = [...this.#feeds.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  feed(key: FeedKey): Feed {
    return this.#feeds.get(key) ?? emptyFeed(key);
  }

  set(feed: Feed): void {
    if (!this.#feeds.has(feed.key)) this.#keys.splice(firstFrom(this.#keys, feed.key), 0, feed.key);
    this.#feeds.set(feed.key, feed);
  }

  /** Feeds whose keys begin with `prefix`, ascending. */
  under(prefix: string): readonly Feed[] {
    const found: Feed[] = [];
    for (let i = firstFrom(this.#keys, prefix); ; i++) {
      const key = this.#keys[i];
      if (key?.startsWith(prefix) !== true) return found;
      found.push(this.feed(key));
    }
  }

  feeds(): Iterable<Feed> {
    return this.#feeds.values();
  }

  /** The holdings of some scopes only; the others look as if they were empty. */
  view(isShared: (scope: Scope) => boolean): HoldingsView {
    return { within: (lower, upper) => this.#within(lower, upper, isShared) };
  }

  #within(lower: string, upper: string, isShared: (scope: Scope) => boolean): readonly FeedHoldings[] {
    const found: FeedHoldings[] = [];
    const keys = this.#keys;
    for (let i = firstFrom(keys, lower); i < keys.length; i++) {
      const key = keys[i];
      if (key === undefined || (upper !== '' && key >= upper)) break;
      const holdings = isShared(scopeOfFeed(key)) ? holdingsOf(this.feed(key)) : undefined;
      if (holdings !== undefined && hasHoldings(holdings)) found.push(holdings);
    }
    return found;
  }
}

/** Index of the first key that is not below `bound`: a comparison asks for many short ranges of many keys. */
function firstFrom(keys: readonly FeedKey[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
