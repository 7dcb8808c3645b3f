/** Telling open sessions of commits: our own entries at once, what came from a peer a moment later and many at a time. */

import type { Feed, FeedKey } from '../feed.js';
import type { Clock, Timer } from '../ports.js';
import type { Push } from '../session-state.js';
import type { Committed } from './committer.js';

/** A session, as far as it is told. */
export interface Told {
  publish(feeds: readonly Feed[], pushes: readonly Push[]): void;
}

const RELAY_MS = 5;

export class Herald {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #sessions: () => Iterable<Told>;
  /** Feeds that a peer brought forward and the other peers have not been told of. */
  readonly #untold = new Map<FeedKey, Feed>();
  #telling: Timer | undefined;

  constructor(clock: Pick<Clock, 'after'>, sessions: () => Iterable<Told>) {
    this.#clock = clock;
    this.#sessions = sessions;
  }

  publish(committed: Committed): void {
    const own = new Set(committed.pushes.map((push) => push.key));
    for (const feed of committed.feeds) if (!own.has(feed.key)) this.#untold.set(feed.key, feed);
    if (own.size > 0) {
      const feeds = committed.feeds.filter((feed) => own.has(feed.key));
      for (const session of this.#sessions()) session.publish(feeds, committed.pushes);
    }
    if (this.#untold.size > 0) this.#telling ??= this.#clock.after(RELAY_MS, () => this.#tell());
  }

  close(): void {
    this.#telling?.cancel();
  }

  #tell(): void {
    const feeds = [...this.#untold.values()];
    this.#untold.clear();
    this.#telling = undefined;
    for (const session of this.#sessions()) session.publish(feeds, []);
  }
}
