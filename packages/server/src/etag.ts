/** Versions of readings in the headers ETag, If-Match and If-None-Match (RFC 9110 §8.8 and §13.1). */

import type { Context } from 'koa';
import { HttpProblem } from './problem.js';
import { headerOf } from './request.js';

/** Says which version the answer is. True where the caller has it already, and is told so without a body. */
export function tagged(ctx: Context, version: string): boolean {
  ctx.set('ETag', `"${version}"`);
  const known = headerOf(ctx, 'if-none-match')?.split(',') ?? [];
  const isKnown = known.some((tag) => tag.trim().replace(/^W\//, '') === `"${version}"`);
  const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
  if (isRead && isKnown) ctx.status = 304;
  return isRead && isKnown;
}

/** The version that a change is made for; `undefined` where any will do. A weak tag names none exactly. */
export function wantedVersion(ctx: Context): string | undefined {
  const given = headerOf(ctx, 'if-match')?.trim();
  if (given === undefined || given === '*') return undefined;
  const strong = /^"([^",]*)"$/.exec(given)?.[1];
  if (strong !== undefined) return strong;
  if (/^W\/"[^",]*"$/.test(given))
    throw new HttpProblem(
      'version_mismatch',
      'If-Match: a weak tag names no version exactly: send the ETag as it came',
    );
  throw new HttpProblem('bad_request', 'If-Match: expected one ETag with its quotes, or *');
}
