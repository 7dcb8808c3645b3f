/** JSON as bytes: strict parsing without loss, and splitting an array without touching its elements. */

import { LIMITS } from './limits.js';
import type { Text } from './ports.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type Parsed =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: string };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = [0x5b, 0x7b];
const CLOSE = [0x5d, 0x7d];

/**
 * Parses one JSON text, and refuses what two parsers could read differently: bad UTF-8, lone surrogates,
 * a member named twice, numbers that a double cannot hold, nesting beyond `LIMITS.spanNesting`.
 */
export function parseStrictJson(bytes: Uint8Array, text: Text): Parsed {
  const source = text.decode(bytes);
  if (source === undefined) return refuse('not valid UTF-8');
  if (source.charCodeAt(0) === 0xfeff) return refuse('starts with a byte order mark');
  let value: Json;
  try {
    value = JSON.parse(source) as Json;
  } catch (error) {
    return refuse(`not valid JSON: ${syntaxReason(error)}`);
  }
  const found = survey(value, source.includes('\\u'));
  if (typeof found === 'string') return refuse(found);
  // A member that JSON.parse overwrote leaves a colon without a key.
  if (found.members !== countColons(bytes)) return refuse('a member name appears twice in one object');
  return { ok: true, value };
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The byte ranges of the elements of a JSON array, surrounding white space removed.
 * Checks only the brackets and commas: each element is to be parsed on its own. `undefined` where it is no array.
 * Ends with one more than `elementsMost`, unchecked beyond: millions of tiny elements would fill the memory.
 */
export function splitArray(
  bytes: Uint8Array,
  elementsMost = Number.POSITIVE_INFINITY,
): readonly Uint8Array[] | undefined {
  const elements: Uint8Array[] = [];
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN[0]) return undefined;
  at++;
  let depth = 0;
  let start = at;
  let closed = false;
  for (; at < bytes.length && !closed; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (OPEN.includes(byte)) depth++;
    else if (depth > 0 && CLOSE.includes(byte)) depth--;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE[0])) {
      elements.push(trim(bytes, start, at));
      if (elements.length > elementsMost) return elements;
      start = at + 1;
      closed = byte === CLOSE[0];
    }
  }
  if (!closed || skipSpace(bytes, at) !== bytes.length) return undefined;
  if (elements.length === 1 && elements[0]?.length === 0) return [];
  return elements;
}

/** Offset behind the value that begins at `at`, in bytes that are known to be JSON. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  if (bytes[at] === QUOTE) return endOfString(bytes, at) + 1;
  let depth = 0;
  for (let end = at; end < bytes.length; end++) {
    const byte = bytes[end] ?? 0;
    if (byte === QUOTE) end = endOfString(bytes, end);
    else if (OPEN.includes(byte)) depth++;
    else if (depth > 0 && CLOSE.includes(byte)) {
      depth--;
      if (depth === 0) return end + 1;
    } else if (depth === 0 && (byte === COMMA || CLOSE.includes(byte) || isSpace(byte))) return end;
  }
  return bytes.length;
}

/** Line breaks between members become spaces, so that a span is one line. Inside strings JSON has none. */
export function onOneLine(bytes: Uint8Array): Uint8Array {
  if (bytes.indexOf(0x0a) < 0 && bytes.indexOf(0x0d) < 0) return bytes;
  return bytes.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
}

/** Offset of the first byte at or after `from` that is not JSON white space. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

function trim(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const start = Math.min(skipSpace(bytes, from), to);
  let end = to;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function refuse(reason: string): Parsed {
  return { ok: false, reason };
}

/** V8 quotes the input in its message; an input may be anything, so only the first words are kept. */
function syntaxReason(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return /^[A-Za-z ]{1,60}/.exec(message)?.[0].trim() ?? 'syntax error';
}

/** Counts object members over the whole value, or says what is wrong with it. Iterative: depth is hostile. */
function survey(root: Json, escapes: boolean): { readonly members: number } | string {
  let members = 0;
  let level: (Json[] | JsonObject)[] = [];
  const fault = lookAt(root, escapes, level);
  if (fault !== undefined) return fault;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= LIMITS.spanNesting) return `nested deeper than ${LIMITS.spanNesting} levels`;
    const deeper: (Json[] | JsonObject)[] = [];
    for (const value of level) {
      const counted = surveyOne(value, escapes, deeper);
      if (typeof counted === 'string') return counted;
      members += counted;
    }
    level = deeper;
  }
  return { members };
}

/** The members of one object, or what is wrong with it or an array; what lies inside goes to `deeper`. */
function surveyOne(
  value: Json[] | JsonObject,
  escapes: boolean,
  deeper: (Json[] | JsonObject)[],
): number | string {
  if (Array.isArray(value)) {
    for (const element of value) {
      const fault = lookAt(element, escapes, deeper);
      if (fault !== undefined) return fault;
    }
    return 0;
  }
  let members = 0;
  // What JSON.parse makes has no members but its own, and a list of them would be made for nothing.
  for (const name in value) {
    members++;
    if (escapes && hasLoneSurrogate(name)) return 'a member name has a lone surrogate';
    const fault = lookAt(value[name] ?? null, escapes, deeper);
    if (fault !== undefined) return fault;
  }
  return members;
}

function lookAt(value: Json, escapes: boolean, deeper: (Json[] | JsonObject)[]): string | undefined {
  if (typeof value === 'object') {
    if (value !== null) deeper.push(value);
  } else if (typeof value === 'number') {
    if (!isSafeNumber(value)) return 'a number lies outside the range that every reader keeps exact';
  } else if (escapes && typeof value === 'string' && hasLoneSurrogate(value)) {
    return 'a string has a lone surrogate';
  }
  return undefined;
}

function isSafeNumber(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

function countColons(bytes: Uint8Array): number {
  let colons = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === COLON) colons++;
    else if (byte === QUOTE) at = endOfString(bytes, at);
  }
  return colons;
}

/** Offset of the quote that ends the string opened at `open`, or the end of the bytes. */
function endOfString(bytes: Uint8Array, open: number): number {
  let at = open + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
