/** From spans to entries: what is new is batched per tenant and sealed. */

import canonicalize from 'canonicalize';
import { equalBytes } from '../bytes.js';
import { timelineScope, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Span, SpanId } from '../span.js';
import type { Arrival, SpanVariant, Storage, StoreRecord } from '../storage.js';
import type { Sealer } from './sealer.js';

/** What became of each span of one append, in order. */
export interface AppendResult {
  /** `mismatch`: not stored, since the request's key came with other content before. */
  readonly outcomes: readonly ('accepted' | 'duplicate' | 'conflict' | 'mismatch')[];
  /** Where the last new span stands; `undefined` when all were there already. */
  readonly last: Arrival | undefined;
}

/** Spans whose id follows from their request, each with the members that we filled in. */
export type RetriedSpans = ReadonlyMap<Span, readonly string[]>;

export interface AppendPlanOptions {
  readonly storage: Storage;
  readonly sealer: Sealer;
}

interface TenantDraft {
  readonly spans: Span[];
  readonly byId: Map<SpanId, readonly Span[]>;
}

export class AppendPlan {
  readonly #options: AppendPlanOptions;
  readonly #tenants = new Map<TenantId, TenantDraft>();
  readonly #places = new Map<Span, Arrival>();

  constructor(options: AppendPlanOptions) {
    this.#options = options;
  }

  /**
   * Sorts spans into new ones and ones held already. Call the result once the commit is durable.
   * The ids of `retried` spans come from the request: one that is held is the same request again, or a misused key.
   * Rejects with `read_only` where new ones cannot be written: see `Sealer.check`.
   */
  async add(tenant: TenantId, spans: readonly Span[], retried: RetriedSpans): Promise<() => AppendResult> {
    const outcomes: AppendResult['outcomes'][number][] = [];
    const fresh: Span[] = [];
    const freshById = new Map<SpanId, readonly Span[]>();
    const draft = this.#tenants.get(tenant) ?? { spans: [], byId: new Map<SpanId, readonly Span[]>() };
    for (const span of spans) {
      const beside = [...(draft.byId.get(span.id) ?? []), ...(freshById.get(span.id) ?? [])];
      const held = this.#options.storage.variants(tenant, span.id);
      const bodies = held.length === 0 ? beside : [...(await this.#bodiesOf(held)), ...beside];
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
      freshById.set(span.id, [...(freshById.get(span.id) ?? []), span]);
    }
    if (fresh.length > 0) this.#options.sealer.check(timelineScope(tenant));
    // Only now, so that a failed read keeps nothing of this call, and nothing from the others.
    draft.spans.push(...fresh);
    for (const [id, bodies] of freshById) draft.byId.set(id, [...(draft.byId.get(id) ?? []), ...bodies]);
    this.#tenants.set(tenant, draft);
    const last = fresh.at(-1);
    return () => ({ outcomes, last: last === undefined ? undefined : this.#places.get(last) });
  }

  /** Looks up all ids of several appends at once, before they are added one after the other. */
  async anticipate(
    appends: readonly { readonly tenant: TenantId; readonly spans: readonly Span[] }[],
  ): Promise<void> {
    const ids = new Map<TenantId, SpanId[]>();
    for (const { tenant, spans } of appends) {
      const known = ids.get(tenant) ?? [];
      for (const { id } of spans) known.push(id);
      ids.set(tenant, known);
    }
    for (const [tenant, wanted] of ids) await this.#options.storage.anticipate(tenant, wanted);
  }

  /** Writes and signs the entries of all that was added. */
  async seal(): Promise<void> {
    for (const [tenant, { spans }] of this.#tenants) {
      for (const batch of batchesOf(spans))
        await this.#options.sealer.seal(timelineScope(tenant), {
          spans: batch,
          statements: [],
          assertions: [],
        });
    }
  }

  /** Notes where the committed entries came to stand, for the cursors of callers. */
  placed(records: readonly StoreRecord[], positions: readonly number[]): void {
    if (this.#tenants.size === 0) return;
    for (const [i, record] of records.entries()) {
      const position = positions[i];
      if (record.kind !== 'entry' || position === undefined) continue;
      for (const [index, span] of record.entry.spans.entries()) this.#places.set(span, { position, index });
    }
  }

  #bodiesOf(variants: readonly SpanVariant[]): Promise<readonly Span[]> {
    return Promise.all(variants.map((variant) => this.#options.storage.span(variant.arrival)));
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
