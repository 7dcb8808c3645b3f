/** Deterministic CBOR (RFC 8949 §4.2): what is signed or sent has exactly one encoding. */

import { decode, encode } from 'cborg';
import { equalBytes } from './bytes.js';

/** What our messages are made of. Maps have text keys; numbers are safe integers. */
export type Cbor =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Cbor[]
  | { readonly [key: string]: Cbor };

export function encodeCbor(value: Cbor): Uint8Array {
  return encode(value);
}

/** `undefined` for anything malformed, indefinite, tagged, float, duplicated or longer than it needs to be. */
export function decodeCbor(bytes: Uint8Array): Cbor | undefined {
  try {
    const value: unknown = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    });
    return isCbor(value, 16) ? value : undefined;
  } catch {
    // Includes the stack overflow of a message that is all opening brackets.
    return undefined;
  }
}

/** As `decodeCbor`, and also `undefined` where our writer would have written other bytes (map order included). */
export function decodeCanonicalCbor(bytes: Uint8Array): Cbor | undefined {
  const value = decodeCbor(bytes);
  if (value === undefined) return undefined;
  return equalBytes(encodeCbor(value), bytes) ? value : undefined;
}

export function isCborMap(value: Cbor | undefined): value is { readonly [key: string]: Cbor } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

export function isCborList(value: Cbor | undefined): value is readonly Cbor[] {
  return Array.isArray(value);
}

/** A whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

export function isBytes(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

function isCbor(value: unknown, depth: number): value is Cbor {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (value instanceof Uint8Array) return true;
  if (depth === 0 || typeof value !== 'object') return false;
  return Object.values(value).every((member) => isCbor(member, depth - 1));
}
