/** Assertions: what is said about spans after the fact, in the scopes `annotations/<tenant>`. One entry carries those of one change. */

import canonicalize from 'canonicalize';
import { compareBytes, fromKey, toHex, toKey } from './bytes.js';
import { decodeCanonicalCbor, encodeCbor, isBytes, isCborList, isCount, type Cbor } from './cbor.js';
import type { Stamp } from './clock.js';
import { HASH_BYTES } from './entry.js';
import { parseStrictJson, type Json } from './json.js';
import { LIMITS } from './limits.js';
import type { Text } from './ports.js';
import type { SpanId } from './span.js';

/** A member of a span that may be said anew; one of `metadata` each on its own. */
export type RegisterField =
  | 'status'
  | 'processed'
  | 'verification_status'
  | 'visibility'
  | `metadata.${string}`;
/** `identity`: which of several bodies under one id is meant. */
export type AssertionField = RegisterField | 'identity' | 'tags' | 'notes';

/** An assertion as others name it: the hash of its entry, and its place there. */
export interface AssertionRef {
  readonly hash: Uint8Array;
  readonly index: number;
}

interface About {
  readonly span: SpanId;
  /**
   * Of every other origin the latest assertion on the same field (on the same tag) that the author had seen: ascending,
   * each once. Who names one has seen what its origin said before it.
   */
  readonly supersedes: readonly AssertionRef[];
}

export type RegisterAssertion = About &
  (
    | {
        readonly op: 'set';
        readonly field: RegisterField;
        /** As canonical JSON (RFC 8785), so that equal values are equal texts. `null` takes a member of `metadata` away. */
        readonly value: string;
      }
    | {
        /** The word of somebody who looked at a conflict. */
        readonly op: 'resolve';
        readonly field: RegisterField | 'identity';
        /** As above; for `identity` the SHA-256 of the chosen body's canonical JSON, in hex, as a JSON text. */
        readonly value: string;
        readonly note: string;
      }
  );
export type TagAssertion = About & {
  readonly op: 'add' | 'remove';
  readonly field: 'tags';
  readonly value: string;
};
export type NoteAssertion = About & { readonly op: 'note'; readonly field: 'notes'; readonly value: string };
export type Assertion = RegisterAssertion | TagAssertion | NoteAssertion;

/** An assertion where it stands. Who said it and when is what the signed header of its entry says, and nothing else. */
export interface PlacedAssertion<A extends Assertion = Assertion> {
  readonly assertion: A;
  readonly origin: Uint8Array;
  readonly stamp: Stamp;
  readonly epoch: Uint8Array;
  readonly seq: number;
  readonly ref: AssertionRef;
}

export type OpenedAssertions =
  | { readonly ok: true; readonly assertions: readonly Assertion[] }
  | { readonly ok: false; readonly reason: string };

type Read = Assertion | string;

const METADATA = 'metadata.';
const SPAN_ID_BYTES = 16;
const HEX_HASH = /^"[0-9a-f]{64}"$/;
const SURROGATE = /\p{Surrogate}/u;
const VALUES: Readonly<Record<string, readonly string[]>> = {
  status: ['executed', 'simulated', 'reverted', 'ghost'],
  verification_status: ['verified', 'pending', 'failed'],
  visibility: ['private', 'organization', 'public'],
};

/** The value of a change that carries these. The caller keeps within the bounds: see `openAssertions`. */
export function sealAssertions(assertions: readonly Assertion[]): Uint8Array {
  return encodeCbor(assertions.map(toCbor));
}

/** Reads the value of a change: exactly what `sealAssertions` writes. */
export function openAssertions(value: Uint8Array, tools: { readonly text: Text }): OpenedAssertions {
  if (value.length > LIMITS.assertionsBytes)
    return { ok: false, reason: `assertions of ${value.length} bytes, at most ${LIMITS.assertionsBytes}` };
  const list = decodeCanonicalCbor(value);
  if (!isCborList(list) || list.length > LIMITS.assertionsPerEntry)
    return { ok: false, reason: 'the assertions are not deterministic CBOR, or too many' };
  const assertions: Assertion[] = [];
  for (const [i, item] of list.entries()) {
    const read = fromCbor(item, tools.text);
    if (typeof read === 'string') return { ok: false, reason: `assertion ${i}: ${read}` };
    assertions.push(read);
  }
  return { ok: true, assertions };
}

export function isRegisterField(field: string): field is RegisterField {
  if (field === 'processed' || Object.hasOwn(VALUES, field)) return true;
  return field.startsWith(METADATA) && isText(field.slice(METADATA.length), LIMITS.metadataKeyChars);
}

/** The member of `metadata` that a field is about; `undefined` for any other field. */
export function metadataKeyOf(field: string): string | undefined {
  return field.startsWith(METADATA) ? field.slice(METADATA.length) : undefined;
}

/** Why a value cannot be that of a register; `undefined` where it can. */
export function registerFault(field: RegisterField, value: Json): string | undefined {
  if (field === 'processed')
    return typeof value === 'boolean' ? undefined : 'processed: expected true or false';
  const values = VALUES[field];
  if (values !== undefined)
    return typeof value === 'string' && values.includes(value)
      ? undefined
      : `${field}: expected one of ${values.join(', ')}`;
  const text = writeOrFault(value);
  if (text === undefined) return `${field}: a lone surrogate, or a number that JSON does not have`;
  return text.length <= LIMITS.metadataValueChars
    ? undefined
    : `${field}: ${text.length} characters as JSON, at most ${LIMITS.metadataValueChars}`;
}

/** Text without lone surrogates, for which UTF-8 has no form. */
export function isText(value: unknown, charsMost: number): value is string {
  return typeof value === 'string' && value.length <= charsMost && !SURROGATE.test(value);
}

function writeOrFault(value: Json): string | undefined {
  try {
    return canonicalJson(value);
  } catch {
    return undefined;
  }
}

/**
 * RFC 8785: one text for equal values, whatever the order of their members and the form of their numbers. Throws for
 * what `parseStrictJson` would not have let pass.
 */
export function canonicalJson(value: Json): string {
  return canonicalize(value) ?? 'null';
}

export function compareRefs(a: AssertionRef, b: AssertionRef): number {
  return compareBytes(a.hash, b.hash) || a.index - b.index;
}

/** A reference as a key of maps. */
export function refKey(ref: AssertionRef): string {
  return `${toKey(ref.hash)}${ref.index}`;
}

/** A reference as people and callers see it. */
export function formatRef(ref: AssertionRef): string {
  return `${toHex(ref.hash)}.${ref.index}`;
}

function toCbor(assertion: Assertion): Cbor {
  const { op, span, field, value, supersedes } = assertion;
  const refs = supersedes.map(({ hash, index }): Cbor => [hash, index]);
  switch (op) {
    case 'set':
      return [op, fromKey(span), field, value, refs];
    case 'resolve':
      return [op, fromKey(span), field, value, refs, assertion.note];
    case 'add':
    case 'remove':
      return [op, fromKey(span), value, refs];
    case 'note':
      return [op, fromKey(span), value];
    default:
      return op satisfies never;
  }
}

function fromCbor(item: Cbor, text: Text): Read {
  if (!isCborList(item)) return 'no list';
  const [op, id, third, fourth, fifth, sixth] = item;
  if (!isBytes(id, SPAN_ID_BYTES)) return 'expected the 16 bytes of a span id';
  const span = toKey(id) as SpanId;
  const has = (members: number): boolean => item.length === members;
  switch (op) {
    case 'set':
    case 'resolve': {
      const supersedes = readRefs(fifth);
      if (!isFieldOf(op, third) || typeof fourth !== 'string' || supersedes === undefined)
        return `a ${op} with a member that is out of its bounds`;
      const fault = valueFault(third, fourth, text);
      if (fault !== undefined) return fault;
      const said = { span, value: fourth, supersedes };
      if (op === 'set')
        return has(5) && third !== 'identity' ? { op, field: third, ...said } : 'a set of other shape';
      return has(6) && isText(sixth, LIMITS.noteChars)
        ? { op, field: third, ...said, note: sixth }
        : 'a resolve of other shape';
    }
    case 'add':
    case 'remove': {
      const supersedes = readRefs(fourth);
      return has(4) && isText(third, LIMITS.tagChars) && supersedes !== undefined
        ? { op, span, field: 'tags', value: third, supersedes }
        : 'a tag with a member that is out of its bounds';
    }
    case 'note':
      return has(3) && isText(third, LIMITS.noteChars) && third !== ''
        ? { op, span, field: 'notes', value: third, supersedes: [] }
        : 'a note that is empty or too long';
    default:
      return 'an operation that this version does not know';
  }
}

function isFieldOf(op: 'set' | 'resolve', field: Cbor | undefined): field is RegisterField | 'identity' {
  if (typeof field !== 'string') return false;
  return isRegisterField(field) || (op === 'resolve' && field === 'identity');
}

/** What two parsers could read differently, or write differently, is no value. */
function valueFault(field: RegisterField | 'identity', value: string, text: Text): string | undefined {
  if (field === 'identity') return HEX_HASH.test(value) ? undefined : 'identity: expected a hash in hex';
  if (value.length > LIMITS.metadataValueChars) return `${field}: the value is too long`;
  const parsed = parseStrictJson(text.encode(value), text);
  if (!parsed.ok) return `${field}: ${parsed.reason}`;
  if (canonicalJson(parsed.value) !== value) return `${field}: the value is not canonical JSON`;
  return registerFault(field, parsed.value);
}

function readRefs(value: Cbor | undefined): readonly AssertionRef[] | undefined {
  if (!isCborList(value) || value.length > LIMITS.supersededAssertions) return undefined;
  const refs: AssertionRef[] = [];
  for (const item of value) {
    if (!isCborList(item) || item.length !== 2) return undefined;
    const [hash, index] = item;
    if (!isBytes(hash, HASH_BYTES) || !isCount(index)) return undefined;
    const ref = { hash, index };
    const before = refs.at(-1);
    if (before !== undefined && compareRefs(before, ref) >= 0) return undefined;
    refs.push(ref);
  }
  return refs;
}
