/** When a call is tried again, and how long to wait before that. */

export interface RetryOptions {
  /** Tries in all, the first included. Default 4; 1 turns retries off. */
  readonly tries?: number | undefined;
  /** The longest wait before the second try; it doubles with every further one. Default 250. */
  readonly firstDelayMs?: number | undefined;
  /** No wait is longer than this, and a `Retry-After` beyond it ends the tries. Default 10,000. */
  readonly mostDelayMs?: number | undefined;
}

export interface RetryPolicy {
  readonly tries: number;
  readonly firstDelayMs: number;
  readonly mostDelayMs: number;
}

const PASSING_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  const { tries = 4, firstDelayMs = 250, mostDelayMs = 10_000 } = options;
  return { tries: Math.max(1, Math.floor(tries)), firstDelayMs, mostDelayMs };
}

/** Whether an answer tells of trouble that may pass by itself. */
export function mayPass(status: number): boolean {
  return PASSING_STATUSES.has(status);
}

/**
 * How long to wait after a failed try (1 is the first); `undefined` where it was the last.
 * Between half and all of the doubled delay, at random, so that clients that failed together do not return together
 * (equal jitter of Brooker, "Exponential Backoff And Jitter"), and never less than the service asks for.
 */
export function delayAfter(
  failedTry: number,
  policy: RetryPolicy,
  retryAfterMs: number | undefined,
): number | undefined {
  if (failedTry >= policy.tries) return undefined;
  if (retryAfterMs !== undefined) return retryAfterMs > policy.mostDelayMs ? undefined : retryAfterMs;
  return backoffMs(failedTry, policy);
}

/** The wait after so many failures in a row, without an end to the tries. */
export function backoffMs(failures: number, policy: RetryPolicy): number {
  const mostMs = Math.min(policy.mostDelayMs, policy.firstDelayMs * 2 ** Math.min(failures - 1, 30));
  return mostMs * (0.5 + Math.random() / 2);
}

/** Waits; rejects with the signal's reason as soon as it aborts. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
