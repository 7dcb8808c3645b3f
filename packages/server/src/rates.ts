/** How often each caller may ask within a minute. */

import { callerKey, type Caller } from './caller.js';
import { SERVER_LIMITS } from './limits.js';
import { HttpProblem } from './problem.js';

export interface Rates {
  /** Throws `rate_limited` where the caller has used up its minute. */
  count(caller: Caller): Promise<void>;
}

const MINUTE_SECONDS = 60;
const OTHERS = 'others';

/** `perMinute` requests for each caller, in windows of a minute that begin with a caller's first request. */
export async function openRates(perMinute: number | undefined): Promise<Rates> {
  if (perMinute === undefined) return { count: () => Promise.resolve() };
  const { RateLimiterMemory, RateLimiterRes } = await import('rate-limiter-flexible');
  const limiter = new RateLimiterMemory({ points: perMinute, duration: MINUTE_SECONDS });
  const seen = new SeenKeys();
  return {
    async count(caller) {
      const own = callerKey(caller);
      const key = seen.admit(own) ? own : OTHERS;
      try {
        await limiter.consume(key);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
        throw new HttpProblem(
          'rate_limited',
          `a caller may send ${perMinute} requests a minute, and this one has: ask again in ${seconds} s`,
          { headers: { 'Retry-After': String(seconds) } },
        );
      }
    },
  };
}

/** More callers than this share one allowance until the minute is over: users of a gateway must not grow memory. */
class SeenKeys {
  #keys = new Set<string>();
  #sinceMs = performance.now();

  admit(key: string): boolean {
    const now = performance.now();
    if (now - this.#sinceMs > MINUTE_SECONDS * 1000) {
      this.#keys = new Set();
      this.#sinceMs = now;
    }
    if (this.#keys.size < SERVER_LIMITS.callersCounted) this.#keys.add(key);
    return this.#keys.has(key);
  }
}
