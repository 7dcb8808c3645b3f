/** Writing entries of our own: the next place of a feed, the canonical change, the header, and the signature. */

import { batchKey } from '../batch.js';
import { compareBytes, concatBytes, equalBytes } from '../bytes.js';
import { writeChange } from '../change.js';
import { dayOf, type Stamp } from '../clock.js';
import { countOf, sealContent, type Content } from '../content.js';
import { headerOfAccepted, sealEntry, splitEntry, type Header, type NamedHead } from '../entry.js';
import { assert, LoglineError } from '../errors.js';
import {
  barredFrom,
  feedKey,
  feedPrefix,
  fitsSegment,
  lastRange,
  splitFeedKey,
  type Feed,
  type FeedKey,
} from '../feed.js';
import type { Scope } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { KeyPair, Tools } from '../ports.js';
import type { Push } from '../session-state.js';
import type { AcceptedEntry, Storage } from '../storage.js';

/** Drafted feeds and the records to be committed. */
export interface DraftLike {
  feed(key: FeedKey): Feed;
  feedsUnder(prefix: string): readonly Feed[];
  add(entry: AcceptedEntry): void;
}

export interface SealerOptions {
  readonly storage: Storage;
  readonly tools: Tools;
  readonly keyPair: KeyPair;
  readonly draft: DraftLike;
  /** Of the feeds that are written now. */
  readonly epoch: Uint8Array;
  readonly nextStamp: () => Stamp;
}

export class Sealer {
  /** What was sealed, in order, ready to be sent once it is durable. */
  readonly pushes: Push[] = [];
  readonly #options: SealerOptions;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  /**
   * Throws `read_only` where our own feed of this process start has forked: somebody else writes with our key and our
   * epoch, such as a copy of this machine while it ran. Nobody would read what we add to it.
   */
  check(scope: Scope, keyPair = this.#options.keyPair): void {
    const { epoch, draft } = this.#options;
    const feed = draft.feed(feedKey(scope, keyPair.publicKey, epoch));
    if ((lastRange(feed)?.to ?? 0) + 1 < barredFrom(feed)) return;
    throw new LoglineError(
      'read_only',
      `another process writes to ${scope} as this one: stop any copy of this machine, then restart this node`,
    );
  }

  /**
   * Drafts one entry with this content, which the caller keeps within the bounds of an entry, under our key or an
   * earlier one. Throws as `check` does.
   */
  async seal(scope: Scope, content: Content, keyPair = this.#options.keyPair): Promise<AcceptedEntry> {
    const { tools, draft, epoch, nextStamp } = this.#options;
    this.check(scope, keyPair);
    const origin = keyPair.publicKey;
    const key = feedKey(scope, origin, epoch);
    const head = lastRange(draft.feed(key));
    const seq = (head?.to ?? 0) + 1;
    const stamp = nextStamp();
    const value = sealContent(content, tools);
    // Nobody could read it, not even we after a restart: what it states would be lost.
    assert(
      content.statements.length === 0 ||
        (value.length <= LIMITS.statementsBytes && content.statements.length <= LIMITS.statementsPerEntry),
      'statements fit one entry',
    );
    const count = countOf(content);
    const open = head?.head.segment;
    // A change is the value and at most a few hundred bytes: close enough to tell whether the segment has room.
    const isOpen = open !== undefined && fitsSegment(open, { count, stamp, changeBytes: value.length + 512 });
    const doc = isOpen ? open.doc : seq;
    const number = seq - doc + 1;
    const written = writeChange(
      {
        actor: concatBytes([origin, epoch]),
        seq: number,
        startOp: number,
        dep: isOpen ? head?.head.changeHash : undefined,
        key: batchKey(origin, epoch, seq),
        value,
        replaces: undefined,
      },
      tools,
    );
    const heads = seq === 1 ? await this.#earlierHeads(scope, origin, epoch) : [];
    const header: Header = { scope, origin, epoch, seq, prev: head?.head.hash, heads, stamp, doc, count };
    const sealed = sealEntry(header, written.bytes, { keyPair, crypto: tools.crypto });
    assert(sealed.bytes.length <= LIMITS.entryBytes, 'a sealed batch fits an entry');
    assert(open === undefined || !isOpen || open.day === dayOf(stamp), 'a segment stays within its day');
    const entry: AcceptedEntry = {
      key,
      header,
      hash: sealed.hash,
      changeHash: written.hash,
      changeBytes: written.bytes.length,
      bytes: sealed.bytes,
      ...content,
    };
    draft.add(entry);
    this.pushes.push({ key, seq, bytes: sealed.bytes, spans: header.count });
    return entry;
  }

  /** R2: the heads of our earlier epochs in this scope that no other of our epochs has named, at most `LIMITS.namedHeads`. */
  async #earlierHeads(scope: Scope, origin: Uint8Array, epoch: Uint8Array): Promise<readonly NamedHead[]> {
    const heads: NamedHead[] = [];
    const named: NamedHead[] = [];
    for (const feed of this.#options.draft.feedsUnder(feedPrefix(scope, origin))) {
      const parts = splitFeedKey(feed.key);
      const last = lastRange(feed);
      if (parts === undefined || last === undefined || equalBytes(parts.epoch, epoch)) continue;
      heads.push({ epoch: parts.epoch, seq: last.to, hash: last.head.hash });
      const [first] = await this.#options.storage.entries(feed.key, { from: 1, to: 1, bytesMost: 1 });
      const cut = first === undefined ? undefined : splitEntry(first.bytes);
      named.push(...((cut === undefined ? undefined : headerOfAccepted(cut))?.heads ?? []));
    }
    return heads
      .filter((head) => !named.some((one) => equalBytes(one.epoch, head.epoch) && one.seq >= head.seq))
      .sort((a, b) => compareBytes(a.epoch, b.epoch))
      .slice(0, LIMITS.namedHeads);
  }
}
