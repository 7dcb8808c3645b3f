/** Ids for spans that come without one. */

import { numberKey, toHex, fromKey } from './bytes.js';
import type { Crypto, Random, Text } from './ports.js';

/** A UUIDv7 (RFC 9562 §5.7): time first, so that ids made one after another sort nearly so. */
export function uuidV7(nowMs: number, random: Random): string {
  const bytes = random.bytes(16);
  bytes.set(fromKey(numberKey(Math.max(0, Math.floor(nowMs)), 6)));
  return formatUuid(bytes, 7);
}

/** A UUIDv8 (RFC 9562 §5.8) that follows from a request's idempotency key: the same retry gets the same id. */
export function uuidOfRequest(
  request: { readonly tenant: string; readonly key: string; readonly index: number },
  tools: { readonly crypto: Crypto; readonly text: Text },
): string {
  const source = JSON.stringify(['logline-federation/span-id/1', request.tenant, request.key, request.index]);
  return formatUuid(tools.crypto.sha256(tools.text.encode(source)).slice(0, 16), 8);
}

function formatUuid(bytes: Uint8Array, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
