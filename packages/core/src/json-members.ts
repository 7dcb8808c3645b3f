/** Members of a JSON object, replaced without touching the bytes of the others. */

import { concatBytes } from './bytes.js';
import { endOfValue, skipSpace, type JsonObject } from './json.js';
import type { Text } from './ports.js';

const COMMA = Uint8Array.of(0x2c);
const CLOSE = 0x7d;

/**
 * The object with these members in place of those of the same names, or at its end. All others keep their bytes: digits
 * and escapes too. `object` has passed `parseStrictJson` and is an object.
 */
export function replaceMembers(object: Uint8Array, members: JsonObject, text: Text): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = skipSpace(object, skipSpace(object, 0) + 1);
  while (at < object.length && object[at] !== CLOSE) {
    const nameEnd = endOfValue(object, at);
    const valueFrom = skipSpace(object, skipSpace(object, nameEnd) + 1);
    const valueEnd = endOfValue(object, valueFrom);
    const name: unknown = JSON.parse(text.decode(object.subarray(at, nameEnd)) ?? '""');
    if (typeof name === 'string' && !Object.hasOwn(members, name)) parts.push(object.subarray(at, valueEnd));
    const next = skipSpace(object, valueEnd);
    // Past the comma, or at the closing bracket.
    at = object[next] === CLOSE ? next : skipSpace(object, next + 1);
  }
  for (const [name, value] of Object.entries(members))
    parts.push(text.encode(`${JSON.stringify(name)}:${JSON.stringify(value)}`));
  const listed = parts.flatMap((part, i) => (i === 0 ? [part] : [COMMA, part]));
  return concatBytes([Uint8Array.of(0x7b), ...listed, Uint8Array.of(CLOSE)]);
}
