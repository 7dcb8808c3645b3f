/** How many of a list: a whole number from 1. */

import { UsageError } from './exit-code.js';

export function readLimit(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`--limit: expected a whole number from 1, got ${JSON.stringify(text)}`);
}
