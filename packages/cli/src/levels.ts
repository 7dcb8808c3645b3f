/** Words of a closed list in the colours of how good they are; a word that a later node knows has none. */

import type { Health, Node, Relationship } from 'logline-federation-client';
import type { Colors, Output } from './output.js';
import { safe } from './text.js';

type Paint = Colors['red'];

export function levelText({ colors }: Output, level: Relationship['trust_level']): string {
  const { dim, yellow, green, red } = colors;
  return painted(level, { unknown: dim, pending: yellow, verified: green, revoked: red });
}

export function connectionText({ colors }: Output, status: Node['status']): string {
  const { green, yellow, red } = colors;
  return painted(status, { connected: green, connecting: yellow, disconnected: red });
}

export function healthText({ colors }: Output, status: Health['status']): string {
  const { green, yellow, red } = colors;
  return painted(status, { healthy: green, degraded: yellow, unhealthy: red });
}

function painted<Word extends string>(word: Word, paints: Readonly<Record<Word, Paint>>): string {
  const found = Object.entries<Paint>(paints).find(([known]) => known === word);
  return found === undefined ? safe(String(word)) : found[1](word);
}
