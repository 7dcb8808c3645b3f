/** From spans to entries: what is new is batched per tenant, written as changes, and signed. */

import canonicalize from 'canonicalize';
import { batchKey, sealBatch } from '../batch.js';
import { compareBytes, concatBytes, equalBytes } from '../bytes.js';
import { writeChange } from '../change.js';
import { dayOf, type Stamp } from '../clock.js';
import { headerOfAccepted, sealEntry, splitEntry, type Header, type NamedHead } from '../entry.js';
import { assert } from '../errors.js';
import {
  feedKey,
  feedPrefix,
  fitsSegment,
  lastRange,
  splitFeedKey,
  type Feed,
  type FeedKey,
} from '../feed.js';
import { timelineScope, type Scope, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { KeyPair, Tools } from '../ports.js';
import type { Push } from '../session-state.js';
import type { Span, SpanId } from '../span.js';
import type { AcceptedEntry, Arrival, Storage, StoreRecord } from '../storage.js';

/** What became of each span of one append, in order. */
export interface AppendResult {
  /** `mismatch`: not stored, since the request's key came with other content before. */
  readonly outcomes: readonly ('accepted' | 'duplicate' | 'conflict' | 'mismatch')[];
  /** Where the last new span stands; `undefined` when all were there already. */
  readonly last: Arrival | undefined;
}

/** Spans whose id follows from their request, each with the members that we filled in. */
export type RetriedSpans = ReadonlyMap<Span, readonly string[]>;

/** Drafted feeds and the records to be committed. */
interface DraftLike {
  feed(key: FeedKey): Feed;
  feedsUnder(prefix: string): readonly Feed[];
  add(entry: AcceptedEntry): void;
}

export interface AppendPlanOptions {
  readonly storage: Storage;
  readonly tools: Tools;
  readonly keyPair: KeyPair;
  readonly draft: DraftLike;
  readonly nextStamp: () => Stamp;
}

interface TenantDraft {
  readonly spans: Span[];
  readonly byId: Map<SpanId, readonly Span[]>;
}

export class AppendPlan {
  readonly pushes: Push[] = [];
  readonly #options: AppendPlanOptions;
  readonly #tenants = new Map<TenantId, TenantDraft>();
  readonly #places = new Map<Span, Arrival>();

  constructor(options: AppendPlanOptions) {
    this.#options = options;
  }

  /**
   * Sorts spans into new ones and ones held already. Call the result once the commit is durable.
   * The ids of `retried` spans come from the request: one that is held is the same request again, or a misused key.
   */
  async add(tenant: TenantId, spans: readonly Span[], retried: RetriedSpans): Promise<() => AppendResult> {
    const outcomes: AppendResult['outcomes'][number][] = [];
    const fresh: Span[] = [];
    const freshById = new Map<SpanId, readonly Span[]>();
    const draft = this.#tenants.get(tenant) ?? { spans: [], byId: new Map<SpanId, readonly Span[]>() };
    for (const span of spans) {
      const beside = freshById.get(span.id) ?? [];
      const bodies = [
        ...(await this.#bodies(tenant, span.id)),
        ...(draft.byId.get(span.id) ?? []),
        ...beside,
      ];
      const filled = retried.get(span);
      if (bodies.some((body) => isSameContent(body, span, filled))) {
        outcomes.push('duplicate');
        continue;
      }
      if (filled !== undefined && bodies.length > 0) {
        outcomes.push('mismatch');
        continue;
      }
      outcomes.push(bodies.length === 0 ? 'accepted' : 'conflict');
      fresh.push(span);
      freshById.set(span.id, [...beside, span]);
    }
    // Only now, so that a failed read keeps nothing of this call, and nothing from the others.
    draft.spans.push(...fresh);
    for (const [id, bodies] of freshById) draft.byId.set(id, [...(draft.byId.get(id) ?? []), ...bodies]);
    this.#tenants.set(tenant, draft);
    const last = fresh.at(-1);
    return () => ({ outcomes, last: last === undefined ? undefined : this.#places.get(last) });
  }

  /** Writes and signs the entries of all that was added. */
  async seal(): Promise<void> {
    for (const [tenant, { spans }] of this.#tenants) {
      for (const batch of batchesOf(spans)) await this.#sealBatch(timelineScope(tenant), batch);
    }
  }

  /** Notes where the committed entries came to stand, for the cursors of callers. */
  placed(records: readonly StoreRecord[], positions: readonly number[]): void {
    for (const [i, record] of records.entries()) {
      const position = positions[i];
      if (record.kind !== 'entry' || position === undefined) continue;
      for (const [index, span] of record.entry.spans.entries()) this.#places.set(span, { position, index });
    }
  }

  async #bodies(tenant: TenantId, id: SpanId): Promise<readonly Span[]> {
    const variants = this.#options.storage.variants(tenant, id);
    return Promise.all(variants.map((variant) => this.#options.storage.span(variant.arrival)));
  }

  async #sealBatch(scope: Scope, spans: readonly Span[]): Promise<void> {
    const { storage, tools, keyPair, draft, nextStamp } = this.#options;
    const origin = keyPair.publicKey;
    const epoch = storage.run;
    const key = feedKey(scope, origin, epoch);
    const head = lastRange(draft.feed(key));
    const seq = (head?.to ?? 0) + 1;
    const stamp = nextStamp();
    const value = sealBatch(spans, tools);
    const open = head?.head.segment;
    // A change is the value and at most a few hundred bytes: close enough to tell whether the segment has room.
    const isOpen =
      open !== undefined &&
      fitsSegment(open, { count: spans.length, stamp, changeBytes: value.length + 512 });
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
    const header: Header = {
      scope,
      origin,
      epoch,
      seq,
      prev: head?.head.hash,
      heads,
      stamp,
      doc,
      count: spans.length,
    };
    const sealed = sealEntry(header, written.bytes, { keyPair, crypto: tools.crypto });
    assert(sealed.bytes.length <= LIMITS.entryBytes, 'a sealed batch fits an entry');
    assert(open === undefined || !isOpen || open.day === dayOf(stamp), 'a segment stays within its day');
    draft.add({
      key,
      header,
      hash: sealed.hash,
      changeHash: written.hash,
      changeBytes: written.bytes.length,
      bytes: sealed.bytes,
      spans,
    });
    this.pushes.push({ key, seq, bytes: sealed.bytes });
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

/** Whether two bodies say the same, however they are written (RFC 8785), but for members that we filled in ourselves. */
export function isSameContent(a: Span, b: Span, filled: readonly string[] = []): boolean {
  const content = (span: Span): string | undefined =>
    canonicalize(Object.fromEntries(Object.entries(span.members).filter(([name]) => !filled.includes(name))));
  return equalBytes(a.bytes, b.bytes) || content(a) === content(b);
}

function batchesOf(spans: readonly Span[]): readonly (readonly Span[])[] {
  const batches: Span[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const span of spans) {
    const last = batches.at(-1);
    // One more for the line break.
    const grown = bytes + span.bytes.length + 1;
    if (last === undefined || last.length >= LIMITS.batchSpans || grown > LIMITS.batchBytes) {
      batches.push([span]);
      bytes = span.bytes.length;
    } else {
      last.push(span);
      bytes = grown;
    }
  }
  return batches;
}
