/** A span: one event of a timeline, kept byte for byte as it was received. */

import { concatBytes, hexByteAt, toHexByte } from './bytes.js';
import { parseInstant, type InstantKey } from './instant.js';
import { isJsonObject, onOneLine, parseStrictJson, skipSpace, type JsonObject } from './json.js';
import { LIMITS } from './limits.js';
import type { Text } from './ports.js';

/** A span's UUID as 16 characters, one a byte: the form in which spans are found. */
export type SpanId = string & { readonly brand: 'SpanId' };

/** A span that passed every check, with what the index needs to know of it. */
export interface Span {
  /** One line of JSON, as received but for line breaks and members that were absent and have been filled. */
  readonly bytes: Uint8Array;
  readonly id: SpanId;
  readonly instant: InstantKey;
  /** The tenant that it names itself, if it does. */
  readonly tenant: string | undefined;
  /** The members, for filters and for comparing content. Parsed from `bytes` when they are asked for. */
  readonly members: JsonObject;
}

/** Most spans are never asked for their members; to keep those of thousands is what a collector is busy with. */
class CheckedLine implements Span {
  readonly bytes: Uint8Array;
  readonly id: SpanId;
  readonly instant: InstantKey;
  readonly tenant: string | undefined;
  readonly #text: Text;

  constructor(span: Pick<Span, 'bytes' | 'id' | 'instant' | 'tenant'>, text: Text) {
    this.bytes = span.bytes;
    this.id = span.id;
    this.instant = span.instant;
    this.tenant = span.tenant;
    this.#text = text;
  }

  get members(): JsonObject {
    return JSON.parse(this.#text.decode(this.bytes) ?? '') as JsonObject;
  }
}

export type CheckedSpan =
  | { readonly ok: true; readonly span: Span }
  | { readonly ok: false; readonly id: string | null; readonly reason: string };

/** Where the digits of a UUID's sixteen bytes stand in its text. */
const UUID_DIGITS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const UUID_CHARS = 36;
const STATUS = ['executed', 'simulated', 'reverted', 'ghost'];
const SPAN_TYPE = ['user', 'system', 'organization', 'ghost'];
const VISIBILITY = ['private', 'organization', 'public'];
const OPTIONAL_TEXT = ['author', 'contract_id', 'workflow_id', 'flow_id', 'tenant_id'];

export function parseSpanId(text: string): SpanId | undefined {
  if (text.length !== UUID_CHARS) return undefined;
  if (text[8] !== '-' || text[13] !== '-' || text[18] !== '-' || text[23] !== '-') return undefined;
  const bytes = UUID_DIGITS.map((at) => hexByteAt(text, at));
  return bytes.some((byte) => byte < 0) ? undefined : (String.fromCharCode(...bytes) as SpanId);
}

/** The usual text form, in lower case. */
export function formatSpanId(id: SpanId): string {
  let hex = '';
  for (let i = 0; i < id.length; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) hex += '-';
    hex += toHexByte(id.charCodeAt(i));
  }
  return hex;
}

/**
 * Checks one span. `fill` supplies an id (UUID text) and a timestamp (RFC 3339) where they are absent;
 * without it an absent one is a reason to refuse, as for spans that come from a peer.
 */
export function checkSpan(
  received: Uint8Array,
  tools: { readonly text: Text },
  fill?: { readonly id: () => string; readonly timestamp: () => string },
): CheckedSpan {
  if (received.length > LIMITS.spanBytes) {
    return refuse(null, `larger than ${LIMITS.spanBytes} bytes: split it or store the payload elsewhere`);
  }
  const parsed = parseStrictJson(received, tools.text);
  if (!parsed.ok) return refuse(null, parsed.reason);
  if (!isJsonObject(parsed.value)) return refuse(null, 'not a JSON object');
  const filled = fillMembers(parsed.value, fill);
  const members = filled === undefined ? parsed.value : { ...filled, ...parsed.value };
  const shownId = typeof members['id'] === 'string' ? members['id'].slice(0, 64) : null;

  const id = typeof members['id'] === 'string' ? parseSpanId(members['id']) : undefined;
  if (id === undefined) return refuse(shownId, 'id: expected a UUID');
  const instant = typeof members['timestamp'] === 'string' ? parseInstant(members['timestamp']) : undefined;
  if (instant === undefined) {
    return refuse(shownId, 'timestamp: expected RFC 3339, such as 2025-10-03T22:00:00.123Z');
  }
  const fault = memberFault(members);
  if (fault !== undefined) return refuse(shownId, fault);
  const bytes = onOneLine(filled === undefined ? received : insertMembers(received, filled, tools.text));
  if (bytes.length > LIMITS.spanBytes) return refuse(shownId, `larger than ${LIMITS.spanBytes} bytes`);
  const tenant = tenantNamedIn(members);
  return { ok: true, span: new CheckedLine({ bytes, id, instant, tenant }, tools.text) };
}

/** The tenant a span names itself, if it does. */
export function tenantNamedIn(members: JsonObject): string | undefined {
  const tenant = members['tenant_id'];
  return typeof tenant === 'string' ? tenant : undefined;
}

function refuse(id: string | null, reason: string): CheckedSpan {
  return { ok: false, id, reason };
}

function fillMembers(
  members: JsonObject,
  fill: { readonly id: () => string; readonly timestamp: () => string } | undefined,
): JsonObject | undefined {
  if (fill === undefined) return undefined;
  const filled: JsonObject = {};
  if (!Object.hasOwn(members, 'id')) filled['id'] = fill.id();
  if (!Object.hasOwn(members, 'timestamp')) filled['timestamp'] = fill.timestamp();
  return Object.keys(filled).length > 0 ? filled : undefined;
}

/** Puts members in front of the others, so that every received byte stays as it is. */
function insertMembers(object: Uint8Array, members: JsonObject, text: Text): Uint8Array {
  const open = object.indexOf(0x7b);
  const empty = object[skipSpace(object, open + 1)] === 0x7d;
  const inserted = JSON.stringify(members).slice(1, -1) + (empty ? '' : ',');
  return concatBytes([object.subarray(0, open + 1), text.encode(inserted), object.subarray(open + 1)]);
}

function memberFault(members: JsonObject): string | undefined {
  for (const name of ['logline_id', 'title']) {
    if (!Object.hasOwn(members, name)) return `${name}: required`;
    if (typeof members[name] !== 'string' || members[name] === '')
      return `${name}: expected text that is not empty`;
  }
  for (const name of OPTIONAL_TEXT) {
    const value = members[name];
    if (value !== undefined && value !== null && typeof value !== 'string') return `${name}: expected text`;
  }
  return (
    enumFault(members, 'status', STATUS) ??
    enumFault(members, 'span_type', SPAN_TYPE) ??
    enumFault(members, 'visibility', VISIBILITY) ??
    tagsFault(members)
  );
}

function enumFault(members: JsonObject, name: string, values: readonly string[]): string | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && values.includes(value)) return undefined;
  return `${name}: expected one of ${values.join(', ')}`;
}

function tagsFault(members: JsonObject): string | undefined {
  const tags = members['tags'];
  if (tags === undefined || tags === null) return undefined;
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return undefined;
  return 'tags: expected a list of texts';
}
