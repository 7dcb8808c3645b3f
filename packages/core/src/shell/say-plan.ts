/** Assertions of one commit: of each tenant as few entries as hold them, and what one caller says never in two. */

import { sealAssertions, type Assertion } from '../assertion.js';
import { annotationsScope, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { SpanId } from '../span.js';
import type { Sealer } from './sealer.js';

interface Batch {
  readonly assertions: Assertion[];
  bytes: number;
}

export class SayPlan {
  readonly #sealer: Sealer;
  readonly #tenants = new Map<TenantId, Batch[]>();
  readonly #spans = new Set<string>();

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** Whether something may be said of a span in this commit: once, for the next word is to know the one before. */
  claim(tenant: TenantId, span: SpanId): boolean {
    const key = `${tenant}\0${span}`;
    if (this.#spans.has(key)) return false;
    this.#spans.add(key);
    return true;
  }

  /** The caller keeps within the bounds of one entry. Throws `read_only` where nothing can be written: see `Sealer.check`. */
  add(tenant: TenantId, assertions: readonly Assertion[]): void {
    if (assertions.length === 0) return;
    this.#sealer.check(annotationsScope(tenant));
    const bytes = sealAssertions(assertions).length;
    const batches = this.#tenants.get(tenant) ?? [];
    this.#tenants.set(tenant, batches);
    const last = batches.at(-1);
    const hasRoom =
      last !== undefined &&
      last.assertions.length + assertions.length <= LIMITS.assertionsPerEntry &&
      last.bytes + bytes <= LIMITS.assertionsBytes;
    if (!hasRoom) return void batches.push({ assertions: [...assertions], bytes });
    last.assertions.push(...assertions);
    last.bytes += bytes;
  }

  /** Writes and signs the entries of all that was added. */
  async seal(): Promise<void> {
    for (const [tenant, batches] of this.#tenants)
      for (const { assertions } of batches)
        await this.#sealer.seal(annotationsScope(tenant), { spans: [], statements: [], assertions });
  }
}
