/** R1: an entry is a change with its header, signed by its origin: the unit of storage, sync and proof. */

import { concatBytes } from './bytes.js';
import {
  decodeCanonicalCbor,
  encodeCbor,
  isBytes,
  isCborList,
  isCborMap,
  isCount,
  type Cbor,
} from './cbor.js';
import { isStamp, type Stamp } from './clock.js';
import type { Scope } from './identity.js';
import { LIMITS } from './limits.js';
import type { Crypto, KeyPair } from './ports.js';

export const ENTRY_VERSION = 1;
export const HASH_BYTES = 32;
export const KEY_BYTES = 32;
export const EPOCH_BYTES = 8;
export const SIGNATURE_BYTES = 64;

/** The last entry of an earlier epoch, as named by the first entry of a later one (R2). */
export interface NamedHead {
  readonly epoch: Uint8Array;
  readonly seq: number;
  readonly hash: Uint8Array;
}

export interface Header {
  readonly scope: Scope;
  /** Ed25519 public key of the signer. */
  readonly origin: Uint8Array;
  /** 8 random bytes, new at every process start. */
  readonly epoch: Uint8Array;
  /** From 1, without gaps. */
  readonly seq: number;
  /** Hash of entry `seq - 1`; `undefined` for the first of a feed. */
  readonly prev: Uint8Array | undefined;
  /** For the first of a feed: heads of the origin's earlier epochs in this scope that no other epoch named yet. */
  readonly heads: readonly NamedHead[];
  readonly stamp: Stamp;
  /** The segment: `seq` of its first entry. */
  readonly doc: number;
  /** Spans in the batch. */
  readonly count: number;
}

/** An entry cut into its parts, nothing checked but the framing. */
export interface EntryParts {
  readonly bytes: Uint8Array;
  readonly header: Uint8Array;
  readonly change: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SealedEntry {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

const HEADER_KEYS = ['v', 'scope', 'origin', 'epoch', 'seq', 'prev', 'stamp', 'doc', 'count'];
const DOMAIN = 'logline-federation/entry/1\0';
const DOMAIN_BYTES = Uint8Array.from(DOMAIN, (character) => character.charCodeAt(0));

/** Signs a change as the origin's next entry. */
export function sealEntry(
  header: Header,
  change: Uint8Array,
  signer: { readonly keyPair: KeyPair; readonly crypto: Crypto },
): SealedEntry {
  const headerBytes = encodeHeader(header);
  const hash = hashOfParts(headerBytes, change, signer.crypto);
  const signature = signer.crypto.sign(signedBytes(hash), signer.keyPair.secretKey);
  return { bytes: joinEntry(headerBytes, change, signature), hash };
}

/** Header length (2 bytes), header, change length (4 bytes), change, signature. Lengths are big-endian. */
export function joinEntry(header: Uint8Array, change: Uint8Array, signature: Uint8Array): Uint8Array {
  const headerLength = Uint8Array.of(header.length >> 8, header.length & 0xff);
  const changeLength = new Uint8Array(4);
  new DataView(changeLength.buffer).setUint32(0, change.length);
  return concatBytes([headerLength, header, changeLength, change, signature]);
}

/** `undefined` where the lengths do not add up to the whole. */
export function splitEntry(bytes: Uint8Array): EntryParts | undefined {
  if (bytes.length < 2 + 4 + SIGNATURE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerEnd = 2 + view.getUint16(0);
  if (headerEnd + 4 + SIGNATURE_BYTES > bytes.length) return undefined;
  const changeEnd = headerEnd + 4 + view.getUint32(headerEnd);
  if (changeEnd + SIGNATURE_BYTES !== bytes.length) return undefined;
  return {
    bytes,
    header: bytes.subarray(2, headerEnd),
    change: bytes.subarray(headerEnd + 4, changeEnd),
    signature: bytes.subarray(changeEnd),
  };
}

export function hashOfEntry(parts: EntryParts, crypto: Crypto): Uint8Array {
  return hashOfParts(parts.header, parts.change, crypto);
}

export function isSignedBy(
  origin: Uint8Array,
  hash: Uint8Array,
  signature: Uint8Array,
  crypto: Crypto,
): boolean {
  return crypto.verify(signature, signedBytes(hash), origin);
}

export function encodeHeader(header: Header): Uint8Array {
  return encodeCbor({
    v: ENTRY_VERSION,
    scope: header.scope,
    origin: header.origin,
    epoch: header.epoch,
    seq: header.seq,
    prev: header.prev ?? header.heads.map((head) => [head.epoch, head.seq, head.hash]),
    stamp: [header.stamp.ms, header.stamp.count],
    doc: header.doc,
    count: header.count,
  });
}

/** The header as a map, if it is deterministic CBOR at all; bounds and keys are checked by `readHeader`. */
export function decodeHeader(bytes: Uint8Array): { readonly [key: string]: Cbor } | undefined {
  const value = decodeCanonicalCbor(bytes);
  return isCborMap(value) ? value : undefined;
}

export function hasKnownKeys(map: { readonly [key: string]: Cbor }): boolean {
  return HEADER_KEYS.every((key) => key in map) && Object.keys(map).length === HEADER_KEYS.length;
}

/** `undefined` where a member has another type or lies out of its bounds. The scope's name is checked elsewhere. */
export function readHeader(map: { readonly [key: string]: Cbor }): Header | undefined {
  const { v, scope, origin, epoch, seq, prev, stamp, doc, count } = map;
  if (v !== ENTRY_VERSION || typeof scope !== 'string') return undefined;
  if (!isBytes(origin, KEY_BYTES) || !isBytes(epoch, EPOCH_BYTES)) return undefined;
  if (!isCount(seq) || seq < 1 || !isCount(doc) || doc < 1 || doc > seq) return undefined;
  if (!isCount(count) || count < 1 || count > LIMITS.entryItems) return undefined;
  if (!isCborList(stamp) || stamp.length !== 2 || !isStamp(stamp[0], stamp[1])) return undefined;
  const heads = seq === 1 ? readHeads(prev) : [];
  if (heads === undefined || (seq > 1 && !isBytes(prev, HASH_BYTES))) return undefined;
  return {
    scope: scope as Scope,
    origin,
    epoch,
    seq,
    prev: prev instanceof Uint8Array ? prev : undefined,
    heads,
    stamp: { ms: Number(stamp[0]), count: Number(stamp[1]) },
    doc,
    count,
  };
}

/** Header of an entry that the gate has let through; anything else is a damaged store. */
export function headerOfAccepted(parts: EntryParts): Header | undefined {
  const map = decodeHeader(parts.header);
  return map === undefined ? undefined : readHeader(map);
}

function readHeads(value: Cbor | undefined): readonly NamedHead[] | undefined {
  if (!isCborList(value) || value.length > LIMITS.namedHeads) return undefined;
  const heads: NamedHead[] = [];
  for (const item of value) {
    if (!isCborList(item) || item.length !== 3) return undefined;
    const [epoch, seq, hash] = item;
    if (!isBytes(epoch, EPOCH_BYTES) || !isCount(seq) || seq < 1 || !isBytes(hash, HASH_BYTES))
      return undefined;
    heads.push({ epoch, seq, hash });
  }
  return heads;
}

function hashOfParts(header: Uint8Array, change: Uint8Array, crypto: Crypto): Uint8Array {
  return crypto.sha256(header, crypto.sha256(change));
}

function signedBytes(hash: Uint8Array): Uint8Array {
  return concatBytes([DOMAIN_BYTES, hash]);
}
