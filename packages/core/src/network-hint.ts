/** The hint by which nodes of one network know each other's announcements: it changes with time and tells nothing of the key. */

import { toBase64Url } from './bytes.js';
import { LIMITS } from './limits.js';
import type { Tools } from './ports.js';

const HINT_DOMAIN = 'logline-federation/hint/1\0';
const HINT_BYTES = 12;

/** What an announcement says of its network: ours by its hint, nothing, or another one. */
export type Kinship = 'ours' | 'unsaid' | 'other';

export interface HintWorld {
  /** The stretched network key. */
  readonly networkKey: Uint8Array;
  readonly nowMs: number;
  readonly tools: Pick<Tools, 'crypto' | 'text'>;
}

/** 16 characters of base64url: the beginning of HMAC-SHA-256 under the stretched network key, over the slot of time. */
export function networkHint(world: HintWorld): string {
  return hintOf(slotOf(world.nowMs), world);
}

/** A hint of the slot before counts too, and one of a clock that runs ahead of ours by no more than it may. */
export function kinshipOf(hint: string | undefined, world: HintWorld): Kinship {
  if (hint === undefined) return 'unsaid';
  const slot = slotOf(world.nowMs);
  const slots = new Set([slot, slot - 1, slotOf(world.nowMs + LIMITS.clockSkewMs)]);
  return [...slots].some((one) => hintOf(one, world) === hint) ? 'ours' : 'other';
}

/** When the present hint ends, in milliseconds from now. */
export function hintLeftMs(nowMs: number): number {
  return (slotOf(nowMs) + 1) * LIMITS.hintSlotMs - nowMs;
}

function slotOf(ms: number): number {
  return Math.floor(ms / LIMITS.hintSlotMs);
}

function hintOf(slot: number, { networkKey, tools }: HintWorld): string {
  const mac = tools.crypto.hmac(networkKey, tools.text.encode(`${HINT_DOMAIN}${slot}`));
  return toBase64Url(mac.subarray(0, HINT_BYTES));
}
