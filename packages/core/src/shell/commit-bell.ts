/** What a commit is news of, and waking those who wait for the next one. */

import { tenantOfTimeline, type TenantId } from '../identity.js';
import type { Committed } from './committer.js';
import type { AbortSignalLike } from './timeline.js';

export class CommitBell {
  readonly #waiting = new Set<() => void>();
  #commits = 0;
  #isClosed = false;

  get commits(): number {
    return this.#commits;
  }

  ring(): void {
    this.#commits++;
    this.#wakeAll();
  }

  /** Nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  /** Resolves at the next commit, or when `signal` aborts or the node closes. */
  next(signal: AbortSignalLike | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      if (signal?.aborted === true || this.#isClosed) return resolve();
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** How many spans of which tenant a commit brought. */
export function spansByTenant(committed: Committed): ReadonlyMap<TenantId, number> {
  const counts = new Map<TenantId, number>();
  for (const { header } of committed.entries) {
    const tenant = tenantOfTimeline(header.scope);
    if (tenant !== undefined) counts.set(tenant, (counts.get(tenant) ?? 0) + header.count);
  }
  return counts;
}
