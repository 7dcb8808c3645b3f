/** Requests that act once, however often they are sent: what they led to is kept for a while. */

import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import { HttpProblem } from './problem.js';
import { callerOf, headerOf } from './request.js';

interface Kept {
  /** Of the request's content. */
  readonly digest: string;
  readonly result: Promise<unknown>;
  readonly atMs: number;
}

const KEPT_MS = 60 * 60_000;
const KEPT_MOST = 1_000;

export class Repeats {
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();

  /**
   * Does an act, or resolves to what the same request of the same caller led to: within the hour where it carries an
   * `Idempotency-Key`, else only while that is still under way, for the same wish may be meant again. What failed is
   * not kept. Throws `bad_request` for a key that came with another content.
   */
  async once<T>(ctx: Context, content: unknown, act: () => Promise<T>): Promise<T> {
    const digest = createHash('sha256').update(JSON.stringify(content)).digest('base64');
    const key = headerOf(ctx, 'idempotency-key');
    const { kind, name, tenant = null } = callerOf(ctx);
    // Two tenants may each have an alice.
    const place = JSON.stringify([
      kind,
      name,
      tenant,
      ctx.path,
      key ?? null,
      key === undefined ? digest : null,
    ]);
    const known = this.#kept.get(place);
    if (known !== undefined && performance.now() - known.atMs < KEPT_MS) {
      if (known.digest === digest) return known.result as Promise<T>;
      throw new HttpProblem(
        'bad_request',
        'Idempotency-Key: it came with other content before, use a new key for each request',
      );
    }
    const result = act();
    this.#keep(place, { digest, result, atMs: performance.now() });
    try {
      const done = await result;
      if (key === undefined) this.#forget(place, result);
      return done;
    } catch (error) {
      this.#forget(place, result);
      throw error;
    }
  }

  #keep(place: string, kept: Kept): void {
    this.#kept.delete(place);
    this.#kept.set(place, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MOST) break;
      this.#kept.delete(oldest);
    }
  }

  #forget(place: string, result: Promise<unknown>): void {
    if (this.#kept.get(place)?.result === result) this.#kept.delete(place);
  }
}
