/** Trust levels in the colours of how much they allow. */

import type { Relationship } from 'logline-federation-client';
import type { Output } from './output.js';

export function levelText({ colors }: Output, level: Relationship['trust_level']): string {
  const color = { unknown: colors.dim, pending: colors.yellow, verified: colors.green, revoked: colors.red };
  return color[level](level);
}
