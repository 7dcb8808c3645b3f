/** Waiting for something to become true, at the edges where real sockets and disks decide when. */

import { messageOf } from '../errors.js';

const TIMEOUT_MS = 10_000;
const EVERY_MS = 5;

/**
 * Asks again and again until `check` neither throws nor returns `undefined` or `false`; resolves to what it returned.
 * Rejects after `timeoutMs` with `what` and the last reason.
 */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  options: { readonly timeoutMs?: number } = {},
): Promise<Exclude<T, undefined | false>> {
  const { timeoutMs = TIMEOUT_MS } = options;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    let reason = 'it did not become true';
    try {
      const result = await check();
      if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    } catch (error) {
      reason = messageOf(error);
    }
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms: ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
