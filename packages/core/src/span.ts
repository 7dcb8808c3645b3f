/** A span: one event of a timeline, kept byte for byte as it was received. */

import { concatBytes, fromHex, toKey } from './bytes.js';
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
  /** The members, for filters and for comparing content. Parsed from `bytes`. */
  readonly members: JsonObject;
}

export type CheckedSpan =
  | { readonly ok: true; readonly span: Span }
  | { readonly ok: false; readonly id: string | null; readonly reason: string };

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const STATUS = ['executed', 'simulated', 'reverted', 'ghost'];
const SPAN_TYPE = ['user', 'system', 'organization', 'ghost'];
const VISIBILITY = ['private', 'organization', 'public'];
const OPTIONAL_TEXT = ['author', 'contract_id', 'workflow_id', 'flow_id', 'tenant_id'];

export function parseSpanId(text: string): SpanId | undefined {
  if (!UUID.test(text)) return undefined;
  const bytes = fromHex(text.replaceAll('-', ''));
  return bytes === undefined ? undefined : (toKey(bytes) as SpanId);
}

/** The usual text form, in lower case. */
export function formatSpanId(id: SpanId): string {
  let hex = '';
  for (let i = 0; i < id.length; i++) hex += id.charCodeAt(i).toString(16).padStart(2, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
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
  return { ok: true, span: { bytes, id, instant, members } };
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
