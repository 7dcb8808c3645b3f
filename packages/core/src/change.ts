/**
 * R4: the one shape of Automerge change that we write and accept: `put(_root, key, bytes)`.
 * The format is Automerge's binary change chunk (automerge.org/automerge-binary-format-spec); the writer's bytes equal Automerge's own.
 */

import { concatBytes, equalBytes } from './bytes.js';
import type { Crypto, Tools } from './ports.js';

/** What a change says. */
export interface Change {
  /** Who writes: origin key followed by epoch. */
  readonly actor: Uint8Array;
  /** Number of this change in its document, from 1. */
  readonly seq: number;
  /** Number of its one operation; contiguous with the change before. */
  readonly startOp: number;
  /** Hash of the change before it in the document; none for the first. */
  readonly dep: Uint8Array | undefined;
  readonly key: string;
  readonly value: Uint8Array;
  /** The writer's own earlier operation on the same key that this one replaces. */
  readonly replaces: number | undefined;
}

export interface WrittenChange {
  readonly bytes: Uint8Array;
  /** SHA-256 as Automerge computes it: what later changes name in their deps. */
  readonly hash: Uint8Array;
}

const MAGIC = Uint8Array.of(0x85, 0x6f, 0x4a, 0x83);
const CHUNK_CHANGE = 1;
const HASH_BYTES = 32;
const PREFIX_BYTES = 9;
/** A literal run of one value, as signed LEB128 of -1. */
const ONE = 0x7f;
const COLUMN = {
  key: 0x15,
  insert: 0x34,
  action: 0x42,
  valueMeta: 0x56,
  value: 0x57,
  predCount: 0x70,
  predActor: 0x71,
  predCounter: 0x73,
} as const;
const VALUE_IS_BYTES = 7;
const ACTION_PUT = 1;

/** The canonical bytes of `change`, and its hash. */
export function writeChange(change: Change, tools: Pick<Tools, 'crypto' | 'text'>): WrittenChange {
  const key = tools.text.encode(change.key);
  const columns: readonly (readonly [number, readonly Uint8Array[]])[] = [
    [COLUMN.key, [Uint8Array.of(ONE), leb128(key.length), key]],
    [COLUMN.insert, [Uint8Array.of(1)]],
    [COLUMN.action, [Uint8Array.of(ONE, ACTION_PUT)]],
    [COLUMN.valueMeta, [Uint8Array.of(ONE), leb128(change.value.length * 16 + VALUE_IS_BYTES)]],
    ...(change.value.length === 0 ? [] : [[COLUMN.value, [change.value]] as const]),
    ...predColumns(change.replaces),
  ];
  const head: Uint8Array[] = [
    ...(change.dep === undefined ? [Uint8Array.of(0)] : [Uint8Array.of(1), change.dep]),
    leb128(change.actor.length),
    change.actor,
    leb128(change.seq),
    leb128(change.startOp),
    // time 0, no message, no other actors
    Uint8Array.of(0, 0, 0),
    leb128(columns.length),
  ];
  const data: Uint8Array[] = [];
  for (const [id, parts] of columns) {
    let length = 0;
    for (const part of parts) length += part.length;
    head.push(Uint8Array.of(id), leb128(length));
    data.push(...parts);
  }
  const body = [...head, ...data];
  let bodyLength = 0;
  for (const part of body) bodyLength += part.length;
  const typeAndLength = concatBytes([Uint8Array.of(CHUNK_CHANGE), leb128(bodyLength)]);
  const bytes = concatBytes([MAGIC, new Uint8Array(4), typeAndLength, ...body]);
  const hash = tools.crypto.sha256(bytes.subarray(PREFIX_BYTES - 1));
  bytes.set(hash.subarray(0, 4), 4);
  return { bytes, hash };
}

/**
 * Reads what `writeChange` wrote and nothing else: `undefined` for any bytes that differ from
 * what the writer would have written for the same change, however Automerge would read them.
 */
export function readChange(
  bytes: Uint8Array,
  tools: Pick<Tools, 'crypto' | 'text'>,
): (Change & { readonly hash: Uint8Array }) | undefined {
  const change = parseChange(bytes, tools);
  if (change === undefined) return undefined;
  const written = writeChange(change, tools);
  return equalBytes(written.bytes, bytes) ? { ...change, hash: written.hash } : undefined;
}

/** The value of a change that was accepted: what `readChange` would find, without its comparison. */
export function valueOfChange(bytes: Uint8Array, tools: Pick<Tools, 'text'>): Uint8Array | undefined {
  return parseChange(bytes, tools)?.value;
}

/** The hash of a change that is known to be well formed. */
export function hashOfChange(bytes: Uint8Array, crypto: Crypto): Uint8Array {
  return crypto.sha256(bytes.subarray(PREFIX_BYTES - 1));
}

function predColumns(replaces: number | undefined): readonly (readonly [number, readonly Uint8Array[]])[] {
  if (replaces === undefined) return [[COLUMN.predCount, [Uint8Array.of(ONE, 0)]]];
  return [
    [COLUMN.predCount, [Uint8Array.of(ONE, 1)]],
    [COLUMN.predActor, [Uint8Array.of(ONE, 0)]],
    // A delta column: the first delta is the counter itself, as a signed number.
    [COLUMN.predCounter, [Uint8Array.of(ONE), signedLeb128(replaces)]],
  ];
}

/** Finds the fields; what it lets pass, the comparison in `readChange` does not. */
function parseChange(bytes: Uint8Array, tools: Pick<Tools, 'text'>): Change | undefined {
  const reader = new Reader(bytes, PREFIX_BYTES);
  reader.leb128();
  const dep = reader.leb128() === 1 ? reader.take(HASH_BYTES) : undefined;
  const actor = reader.take(reader.leb128());
  const seq = reader.leb128();
  const startOp = reader.leb128();
  reader.take(3);
  const columns = reader.leb128();
  if (columns > 8) return undefined;
  const lengths = new Map<number, number>();
  for (let i = 0; i < columns; i++) {
    const id = reader.leb128();
    lengths.set(id, reader.leb128());
  }
  const data = new Map<number, Uint8Array>();
  for (const [id, length] of lengths) data.set(id, reader.take(length));
  if (reader.failed) return undefined;

  const keyReader = new Reader(data.get(COLUMN.key) ?? bytes.subarray(0, 0), 1);
  const key = tools.text.decode(keyReader.take(keyReader.leb128()));
  const predCounter = data.get(COLUMN.predCounter);
  const predReader = predCounter === undefined ? undefined : new Reader(predCounter, 1);
  const replaces = predReader?.signedLeb128();
  if (key === undefined || keyReader.failed || predReader?.failed === true) return undefined;
  // Automerge counts changes and operations from 1, and cannot load what counts otherwise.
  if (seq < 1 || startOp < 1 || (replaces !== undefined && (replaces < 1 || replaces >= startOp)))
    return undefined;
  return { actor, seq, startOp, dep, key, value: data.get(COLUMN.value) ?? bytes.subarray(0, 0), replaces };
}

function leb128(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Of a number that is not negative: one more byte where the top bit would read as a sign. */
function signedLeb128(value: number): Uint8Array {
  const bytes = leb128(value);
  const last = bytes.length - 1;
  if (((bytes[last] ?? 0) & 0x40) === 0) return bytes;
  return Uint8Array.from([...bytes.subarray(0, last), (bytes[last] ?? 0) | 0x80, 0]);
}

/** Reads forward and remembers that it ran over the end, so that callers check once. */
class Reader {
  failed = false;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      this.failed = true;
      return this.#bytes.subarray(0, 0);
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  leb128(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && Number.isSafeInteger(value)) return value;
      scale *= 0x80;
    }
    this.failed = true;
    return 0;
  }

  /** Only of numbers that are not negative; a negative one comes out wrong and is then refused by comparison. */
  signedLeb128(): number {
    return this.leb128();
  }
}
