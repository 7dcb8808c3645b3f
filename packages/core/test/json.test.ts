/** JSON is read strictly and without loss, and an array is split without touching its elements. */

import test from 'ava';
import fc from 'fast-check';
import { onOneLine, parseStrictJson, splitArray } from '../dist/json.js';
import { LIMITS } from '../dist/limits.js';
import { tools } from './forge.js';

const encode = tools.text.encode.bind(tools.text);
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : tools.text.decode(bytes);

function reasonOf(source: string | Uint8Array): string | undefined {
  const parsed = parseStrictJson(typeof source === 'string' ? encode(source) : source, tools.text);
  return parsed.ok ? undefined : parsed.reason;
}

const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth);
const maps = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** Texts and the reason for which they are refused. */
const REFUSED: Readonly<Record<string, readonly (string | Uint8Array)[]>> = {
  'UTF-8: not well formed': [
    Uint8Array.of(0x22, 0xff, 0x22),
    Uint8Array.of(0x22, 0xc0, 0x80, 0x22),
    Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22),
    Uint8Array.of(0x22, 0xf4, 0x90, 0x80, 0x80, 0x22),
    Uint8Array.of(0x22, 0xe2, 0x82),
    Uint8Array.of(0xfe, 0xff, 0x00, 0x22),
  ],
  'byte order mark: at the beginning': ['\ufeff{}', '\ufeff', '\ufeff1'],
  'valid JSON: broken syntax': [
    '',
    ' ',
    '{',
    '{"a"}',
    '{"a":}',
    "{'a':1}",
    '{a:1}',
    '[1,]',
    '{"a":1,}',
    '01',
    '+1',
    '.5',
    '1.',
    '0x10',
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    '// no\n1',
    '"\n"',
    '"\t"',
    '"\u0000"',
    '"\\x"',
    '"\\u12"',
    '1 2',
    '{}{}',
    'nul',
    '\u00a01',
    '[1}',
  ],
  'member name appears twice: in one object': [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"x":{"a":1,"b":2,"a":3}}',
    '[[{"a":{},"a":{}}]]',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"a:":1,"a:":2}',
  ],
  'number lies outside: the safe range': [
    '1e400',
    '-1e400',
    '9007199254740992',
    '9007199254740993',
    '-9007199254740992',
    '1e16',
    '123456789012345678901234567890',
    '1.7976931348623157e308',
    '[0,{"a":[1e21]}]',
  ],
  'nested deeper: than the bound': [
    nested(LIMITS.spanNesting + 1),
    maps(LIMITS.spanNesting + 1),
    nested(100_000),
    maps(40_000),
    `{"a":${nested(LIMITS.spanNesting)}}`,
  ],
  'lone surrogate: in a string or a name': [
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\ud800"',
    '"\\udc00\\ud800"',
    '"x\\uD83Dx"',
    '{"\\ud800":1}',
    '[{"a":["\\udfff"]}]',
  ],
};

for (const [name, sources] of Object.entries(REFUSED)) {
  test(`${name} is refused`, (t) => {
    const [reason = ''] = name.split(':');
    for (const source of sources)
      t.true(
        reasonOf(source)?.includes(reason) ?? false,
        `${String(source).slice(0, 60)}: ${reasonOf(source)}`,
      );
  });
}

test('what every reader reads alike is taken', (t) => {
  const sources = [
    '1',
    '-0',
    '0',
    '9007199254740991',
    '-9007199254740991',
    '1.10',
    '1e3',
    '1E-400',
    '0.1',
    '123.456e2',
    'null',
    'true',
    '""',
    '"\\u0000"',
    '"\\ud83d\\udddd"',
    '"🗝️"',
    '"\\\\ud800"',
    '" \ufeff"',
    '{"a":1,"A":2}',
    '{"a":{"a":{"a":1}}}',
    '{"a":":","b":"\\":"}',
    '{"__proto__":1,"constructor":2,"toString":3}',
    ' \t\r\n[ ] \n',
    nested(LIMITS.spanNesting),
    maps(LIMITS.spanNesting),
    '[1,2,[3,[4]]]',
  ];
  for (const source of sources) t.is(reasonOf(source), undefined, source);
});

test('the reason of a refusal never repeats what was sent', (t) => {
  for (const source of [
    '{"secret-token"}',
    'secret-token',
    '["secret-token",]',
    '{"a":secret-token}',
    '"\nsecret-token"',
  ])
    t.false(reasonOf(source)?.includes('secret') ?? false, source);
});

test('members whose names every object has are kept as members', (t) => {
  const parsed = parseStrictJson(encode('{"__proto__":{"a":1},"constructor":2}'), tools.text);
  if (!parsed.ok) return t.fail(parsed.reason);
  t.deepEqual(Object.entries(parsed.value as object), [
    ['__proto__', { a: 1 }],
    ['constructor', 2],
  ]);
  t.is(Object.getPrototypeOf(parsed.value), Object.prototype);
});

test('whatever JSON writes is read back, unless a number or a surrogate forbids it', (t) => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'grapheme', maxDepth: 6 }), (source) => {
      const reason = reasonOf(source);
      if (reason !== undefined) t.regex(reason, /number lies outside/);
      const parsed = parseStrictJson(encode(source), tools.text);
      if (parsed.ok) t.deepEqual(parsed.value, JSON.parse(source));
    }),
    { numRuns: 500 },
  );
});

test('reading takes time in proportion to the text, however hostile', (t) => {
  // A quadratic reader would take minutes for any of these; the test's own deadline is the measure.
  const size = 250_000;
  const wide = `{${Array.from({ length: 20_000 }, (_, i) => `"${i}":1`).join()}}`;
  for (const source of [
    `[${'1,'.repeat(size / 2)}1]`,
    `"${'\\u0041'.repeat(size / 6)}"`,
    `"${'\\"'.repeat(size / 2)}"`,
    wide,
    '['.repeat(size),
    `${'{"a":'.repeat(size / 5)}`,
    ' '.repeat(size),
    `"${'\\'.repeat(size)}`,
  ])
    reasonOf(source);
  t.pass();
});

const anyJson = fc.json({ stringUnit: 'grapheme' });
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

test('an array is split into exactly its elements, byte for byte', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(space, anyJson, space), { maxLength: 8 }),
      space,
      space,
      (elements, before, after) => {
        const inner = elements.map((parts) => parts.join('')).join(',');
        const found = splitArray(encode(`${before}[${inner}]${after}`));
        t.deepEqual(
          found?.map(textOf),
          elements.map(([, element]) => element.trim()),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('brackets and commas inside strings split nothing', (t) => {
  const elements = ['"a,b"', '"]"', '"[{"', '"\\"],["', '"\\\\"', '{"a":"]","b":[1,2]}', '[[],[",",{}]]'];
  t.deepEqual(splitArray(encode(`[${elements.join(' , ')}]`))?.map(textOf), elements);
  t.deepEqual(splitArray(encode('[]')), []);
  t.deepEqual(splitArray(encode(' [ \n ] ')), []);
});

test('what is no array is not split', (t) => {
  for (const source of [
    '',
    ' ',
    '{}',
    '1',
    '"[1]"',
    '[',
    '[1',
    '[1,2',
    '["a]',
    '[1]]',
    '[1] x',
    '[1][2]',
    '[[1]',
    ']',
    'x[1]',
  ])
    t.is(splitArray(encode(source)), undefined, source);
});

test('an element that is malformed is handed over as it is, for its own report', (t) => {
  t.deepEqual(splitArray(encode('[1,,x,]'))?.map(textOf), ['1', '', 'x', '']);
});

test('line breaks become spaces, and nothing else changes', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      t.deepEqual(
        onOneLine(bytes),
        Uint8Array.from(bytes, (byte) => (byte === 10 || byte === 13 ? 32 : byte)),
      );
    }),
  );
  const line = encode('{"a":1}');
  t.is(onOneLine(line), line, 'no copy where nothing is to be done');
});
