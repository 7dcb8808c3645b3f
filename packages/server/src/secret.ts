/** Comparing secrets without telling by the time it takes how much of a guess was right. */

import { createHash, timingSafeEqual } from 'node:crypto';

/** Digests first, so that the lengths do not tell either. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
