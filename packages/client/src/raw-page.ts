/** A page of spans taken apart without parsing the spans, so that each can be handed on byte for byte. */

export interface RawPage {
  /** Each span's JSON exactly as the service sent it. */
  readonly spans: readonly string[];
  readonly nextCursor: string | null;
}

/** Splits the text of `{"spans":[…],"next_cursor":…}`; members may stand in any order. */
export function splitPage(text: string): RawPage {
  const parts = members(text);
  const spans = parts.get('spans');
  const cursor = parts.get('next_cursor');
  if (spans === undefined || !spans.startsWith('[') || cursor === undefined) {
    throw new SyntaxError(
      `expected a page with spans and next_cursor, got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const nextCursor = JSON.parse(cursor) as unknown;
  return { spans: values(spans), nextCursor: typeof nextCursor === 'string' ? nextCursor : null };
}

/** The values of an array's text. */
function values(array: string): string[] {
  const found: string[] = [];
  let at = skipSpace(array, 1);
  while (array[at] !== ']') {
    const end = valueEnd(array, at);
    found.push(array.slice(at, end));
    at = skipSpace(array, end);
    if (array[at] === ',') at = skipSpace(array, at + 1);
    else if (array[at] !== ']') throw unexpected(array, at);
  }
  return found;
}

/** The members of an object's text, each value as text. */
function members(object: string): Map<string, string> {
  const found = new Map<string, string>();
  let at = skipSpace(object, 0);
  if (object[at] !== '{') throw unexpected(object, at);
  at = skipSpace(object, at + 1);
  while (object[at] !== '}') {
    const nameEnd = valueEnd(object, at);
    const name = JSON.parse(object.slice(at, nameEnd)) as unknown;
    at = skipSpace(object, nameEnd);
    if (object[at] !== ':') throw unexpected(object, at);
    at = skipSpace(object, at + 1);
    const end = valueEnd(object, at);
    found.set(String(name), object.slice(at, end));
    at = skipSpace(object, end);
    if (object[at] === ',') at = skipSpace(object, at + 1);
    else if (object[at] !== '}') throw unexpected(object, at);
  }
  return found;
}

/** Where the value that starts at `at` ends. Only strings and nesting are looked at; the parser judges the rest. */
function valueEnd(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const char = text[i];
    if (char === '"') i = stringEnd(text, i);
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') {
      if (depth === 0) return i;
      depth--;
    } else if (depth > 0 || !endsScalar(char)) continue;
    else return i;
    if (depth === 0) return i + 1;
  }
  throw unexpected(text, text.length);
}

/** What cannot stand in a number or a word. */
function endsScalar(char: string | undefined): boolean {
  return char === ',' || char === ':' || char === ' ' || char === '\n' || char === '\r' || char === '\t';
}

/** The index of the quote that ends the string which starts at `at`. */
function stringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  throw unexpected(text, text.length);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

function unexpected(text: string, at: number): SyntaxError {
  const what = at >= text.length ? 'the end' : JSON.stringify(text.slice(at, at + 20));
  return new SyntaxError(`not a complete page of spans: found ${what} at ${at}`);
}
