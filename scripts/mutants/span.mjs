// Bugs of what a span may be, and of the changes that carry batches of them.

const SPAN = ['json', 'span', 'instant', 'batch'];

/** A rule of what a span may be that is not held; the tests of spans and of JSON both say so. */
function span(what, file, find, replace, red) {
  return { name: `span: ${what}`, file, find, replace, tests: SPAN, red };
}

export const SPAN_MUTANTS = [
  {
    name: 'change: the reader takes what the writer would not write',
    file: 'change.js',
    find: 'return equalBytes(written.bytes, bytes) ? { ...change, hash: written.hash } : undefined',
    replace: 'return { ...change, hash: written.hash }',
    tests: ['change'],
    red: /refused|^no change with one other byte|^a body with one other byte|^no bytes make the reader/,
  },
  {
    name: 'change: operations are counted from 0',
    file: 'change.js',
    find: 'startOp < 1 ||',
    replace: '',
    tests: ['change'],
    red: /^a body with one other byte/,
  },
  {
    name: 'change: a late predecessor is written one byte short',
    file: 'change.js',
    find: 'if (((bytes[last] ?? 0) & 0x40) === 0)',
    replace: 'if (true)',
    tests: ['change'],
    red: /^an overwrite of a late operation|^our changes are the bytes|^a body with one other byte|^what we write we read/,
  },
  span(
    'any bytes are text',
    'json.js',
    'if (source === undefined)',
    "if (typeof source === 'number')",
    /UTF-8|^no bytes make/,
  ),
  span(
    'a member may come twice',
    'json.js',
    'if (found.members !== countColons(bytes))',
    'if (false)',
    /^member name appears twice|a member name appears twice$/,
  ),
  span(
    'any number will do',
    'json.js',
    'if (!isSafeNumber(value))',
    'if (false)',
    /^number lies outside|a number lies outside$/,
  ),
  span(
    'a lone surrogate will do in a string',
    'json.js',
    "else if (escapes && typeof value === 'string' && hasLoneSurrogate(value))",
    'else if (false)',
    /lone surrogate/,
  ),
  span(
    'a lone surrogate will do in a name',
    'json.js',
    'if (escapes && hasLoneSurrogate(name))',
    'if (false)',
    /lone surrogate/,
  ),
  span('any depth', 'json.js', 'if (depth >= LIMITS.spanNesting)', 'if (false)', /nested deeper/),
  span(
    'any size once it is filled',
    'span.js',
    'if (bytes.length > LIMITS.spanBytes)',
    'if (false)',
    /^what is filled counts/,
  ),
  span(
    'line breaks stay',
    'json.js',
    'byte === 0x0a || byte === 0x0d ? 0x20 : byte)',
    'byte)',
    /^line breaks/,
  ),
  span(
    'members are filled although they are there',
    'span.js',
    "if (!Object.hasOwn(members, 'id'))",
    'if (true)',
    /filled|never replaced|every byte that was received|put in front/,
  ),
  span(
    'further digits of a timestamp do not count',
    'instant.js',
    "const further = fraction.slice(9).replace(/0+$/, '');",
    "const further = '';",
    /^keys order as the instants do|^one instant has one key/,
  ),
  span(
    'zeros at the end of a timestamp count',
    'instant.js',
    "const further = fraction.slice(9).replace(/0+$/, '');",
    'const further = fraction.slice(9);',
    /^keys order as the instants do|^one instant has one key/,
  ),
  span(
    'every fourth year is a leap year',
    'instant.js',
    '(year % 100 !== 0 || year % 400 === 0)',
    'true',
    /^days exist as the calendar has them/,
  ),
  span(
    'half a million lines are split',
    'batch.js',
    'if (lines.length > LIMITS.batchSpans)\n            return lines;',
    '',
    /^a few bytes that inflate/,
  ),
];
