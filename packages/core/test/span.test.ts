/** Spans: what is refused and why, what is filled, and that everything else stays byte for byte. */

import test from 'ava';
import fc from 'fast-check';
import { parseInstant } from '../dist/instant.js';
import { LIMITS } from '../dist/limits.js';
import { checkSpan, formatSpanId, parseSpanId, tenantNamedIn, type CheckedSpan } from '../dist/span.js';
import { spanText, tools, uuid } from './forge.js';

const encode = tools.text.encode.bind(tools.text);
const ID = uuid(7);
const NOW = '2025-10-03T22:00:00.000Z';
const fill = { id: () => ID, timestamp: () => NOW };

const check = (source: string | Uint8Array, filling?: typeof fill): CheckedSpan =>
  checkSpan(typeof source === 'string' ? encode(source) : source, tools, filling);

/** The stored line, or the reason why there is none. */
function stored(source: string | Uint8Array, filling?: typeof fill): string {
  const checked = check(source, filling);
  return checked.ok ? (tools.text.decode(checked.span.bytes) ?? '') : `refused: ${checked.reason}`;
}

const NEEDED = `"logline_id":"logline-id://person/alice","title":"x"`;
const PLACED = `"id":"${ID}","timestamp":"${NOW}",${NEEDED}`;
const sized = (bytes: number): string => {
  const shell = spanText(1, { data: '' }).length;
  return spanText(1, { data: 'x'.repeat(bytes - shell) });
};
const deep = (levels: number): string => `{${PLACED},"data":${'['.repeat(levels)}${']'.repeat(levels)}}`;

/** Each reason, with spans that have just that against them and spans that barely do not. */
const REASONS: Readonly<
  Record<string, { readonly refused: readonly (string | Uint8Array)[]; readonly taken: readonly string[] }>
> = {
  'larger than': { refused: [sized(LIMITS.spanBytes + 1)], taken: [sized(LIMITS.spanBytes)] },
  'not valid UTF-8': {
    refused: [Uint8Array.from(encode(`{${PLACED},"data":"é"}`), (byte) => (byte === 0xa9 ? 0xff : byte))],
    taken: [`{${PLACED},"data":"é"}`],
  },
  'byte order mark': { refused: [`\ufeff{${PLACED}}`], taken: [`{${PLACED},"data":"\ufeff"}`] },
  'not valid JSON': { refused: [`{${PLACED}`, `{${PLACED}}}`, '', `{${PLACED},}`], taken: [`{${PLACED}}`] },
  'not a JSON object': { refused: ['[]', `[{${PLACED}}]`, 'null', '"x"', '1'], taken: [` {${PLACED}} `] },
  'nested deeper': {
    refused: [deep(LIMITS.spanNesting)],
    taken: [deep(LIMITS.spanNesting - 1)],
  },
  'a number lies outside': {
    refused: ['9007199254740993', '-9007199254740993', '1e400', '1e16'].map((n) => `{${PLACED},"data":${n}}`),
    taken: ['9007199254740991', '1.10', '-0', '1e15', '0.1'].map((n) => `{${PLACED},"data":${n}}`),
  },
  'a member name appears twice': {
    refused: [
      `{${PLACED},"id":"${ID}"}`,
      `{${PLACED},"data":{"a":1,"a":1}}`,
      `{${PLACED},"\\u0069d":"${ID}"}`,
    ],
    taken: [`{${PLACED},"data":{"id":1}}`],
  },
  'has a lone surrogate': {
    refused: [`{${PLACED},"data":"\\ud800"}`, `{${PLACED},"\\udc00":1}`],
    taken: [`{${PLACED},"data":"\\ud83d\\udddd"}`],
  },
  'id: expected a UUID': {
    refused: [
      '""',
      'null',
      '7',
      '"x"',
      `"${ID} "`,
      `"{${ID}}"`,
      `"${ID.replaceAll('-', '')}"`,
      `"urn:uuid:${ID}"`,
      `"${ID.slice(0, -1)}g"`,
    ].map((id) => `{"id":${id},"timestamp":"${NOW}",${NEEDED}}`),
    taken: [`{"id":"${'ABCDEF00-0000-4000-8000-0000000000AB'}","timestamp":"${NOW}",${NEEDED}}`],
  },
  'timestamp: expected RFC 3339': {
    refused: [
      'null',
      '1759528800',
      '""',
      '"2025-10-03"',
      '"2025-10-03 22:00:00Z"',
      '"2025-10-03T22:00:00"',
      '"yesterday"',
      '"2025-02-29T00:00:00Z"',
    ].map((timestamp) => `{"id":"${ID}","timestamp":${timestamp},${NEEDED}}`),
    taken: ['"2024-02-29t00:00:00z"', '"2025-10-03T22:00:00.123456789+05:30"'].map(
      (timestamp) => `{"id":"${ID}","timestamp":${timestamp},${NEEDED}}`,
    ),
  },
  'logline_id: required': {
    refused: [`{"id":"${ID}","timestamp":"${NOW}","title":"x"}`],
    taken: [`{${PLACED}}`],
  },
  'title: required': {
    refused: [`{"id":"${ID}","timestamp":"${NOW}","logline_id":"x"}`],
    taken: [`{${PLACED}}`],
  },
  'title: expected text': {
    refused: ['null', '""', '1', '[]'].map(
      (title) => `{"id":"${ID}","timestamp":"${NOW}","logline_id":"x","title":${title}}`,
    ),
    taken: [`{"id":"${ID}","timestamp":"${NOW}","logline_id":"x","title":" "}`],
  },
  'tenant_id: expected text': {
    refused: [`{${PLACED},"tenant_id":5}`],
    taken: [`{${PLACED},"tenant_id":null}`],
  },
  'status: expected one of': {
    refused: [`{${PLACED},"status":"done"}`, `{${PLACED},"status":1}`],
    taken: ['executed', 'simulated', 'reverted', 'ghost'].map((status) => `{${PLACED},"status":"${status}"}`),
  },
  'span_type: expected one of': {
    refused: [`{${PLACED},"span_type":"User"}`],
    taken: ['user', 'system', 'organization', 'ghost'].map((type) => `{${PLACED},"span_type":"${type}"}`),
  },
  'visibility: expected one of': {
    refused: [`{${PLACED},"visibility":"secret"}`],
    taken: ['private', 'organization', 'public'].map((one) => `{${PLACED},"visibility":"${one}"}`),
  },
  'tags: expected a list of texts': {
    refused: ['"a"', '[1]', '[null]', '{}'].map((tags) => `{${PLACED},"tags":${tags}}`),
    taken: ['[]', '["a","b"]', 'null'].map((tags) => `{${PLACED},"tags":${tags}}`),
  },
};

for (const [reason, { refused, taken }] of Object.entries(REASONS)) {
  test(`a span is refused, and told why: ${reason}`, (t) => {
    for (const source of refused)
      t.true(
        stored(source).startsWith(`refused: `) && stored(source).includes(reason),
        stored(source).slice(0, 200),
      );
    for (const source of taken) t.is(stored(source), source);
  });
}

test('every byte that was received is kept: digits, offsets, order, spaces and unknown members', (t) => {
  for (const source of [
    `{ "unknown" : {"z":1.10,"a":1e2} ,${PLACED},"data":0.30000000000000004 }`,
    `{"timestamp":"2025-10-03T23:00:00.120+01:00","id":"${ID}",${NEEDED}}`,
    `{${PLACED},"__proto__":{"x":1},"constructor":"y","toString":null}`,
    `{${PLACED},"data":"\\u00e9é\\/\\n"}`,
    `\t {${PLACED}} \t`,
  ]) {
    t.is(stored(source), source);
    t.is(stored(source, fill), source, 'nothing is absent, so nothing is filled');
  }
});

test('line breaks between members become spaces, so that a span is one line', (t) => {
  const pretty = JSON.stringify(JSON.parse(`{${PLACED},"data":{"a":[1,2]}}`), null, 2);
  t.is(stored(pretty), pretty.replaceAll('\n', ' '));
  t.is(stored(pretty.replaceAll('\n', '\r\n')), pretty.replaceAll('\n', '  '));
});

test('an absent id and timestamp are put in front, and everything else stays as it is', (t) => {
  t.is(stored(`{${NEEDED}}`, fill), `{"id":"${ID}","timestamp":"${NOW}",${NEEDED}}`);
  t.is(
    stored(` { ${NEEDED}, "n": 1.10 }`, fill),
    ` {"id":"${ID}","timestamp":"${NOW}", ${NEEDED}, "n": 1.10 }`,
  );
  t.is(stored(`{"id":"${uuid(9)}",${NEEDED}}`, fill), `{"timestamp":"${NOW}","id":"${uuid(9)}",${NEEDED}}`);
  t.is(stored(`{"timestamp":"${NOW}",${NEEDED}}`, fill), `{"id":"${ID}","timestamp":"${NOW}",${NEEDED}}`);
  t.regex(stored('{}', fill), /refused: logline_id: required/);
  t.regex(stored(`{${NEEDED}}`), /refused: id/, 'a peer has to send them');
});

test('a span that was filled is found under what was filled', (t) => {
  const checked = check(`{${NEEDED}}`, fill);
  if (!checked.ok) return t.fail(checked.reason);
  t.is(formatSpanId(checked.span.id), ID);
  t.is(checked.span.instant, parseInstant(NOW) ?? t.fail());
  t.deepEqual(JSON.parse(tools.text.decode(checked.span.bytes) ?? ''), checked.span.members);
});

test('a present id or timestamp that is wrong is never replaced', (t) => {
  t.regex(stored(`{"id":null,${NEEDED}}`, fill), /refused: id/);
  t.regex(stored(`{"timestamp":"",${NEEDED}}`, fill), /refused: timestamp/);
});

test('what is filled counts towards the largest size', (t) => {
  const shell = `{${NEEDED},"data":""}`.length;
  const largest = (more: number): string =>
    `{${NEEDED},"data":"${'x'.repeat(LIMITS.spanBytes - shell + more)}"}`;
  t.regex(stored(largest(0), fill), /refused: larger/);
  const filled = `"id":"${ID}","timestamp":"${NOW}",`.length;
  t.is(stored(largest(-filled), fill).length, LIMITS.spanBytes);
});

test('a refusal names the span, shortened, and only if its id is text', (t) => {
  const idOf = (source: string): string | null => {
    const checked = check(source);
    return checked.ok ? 'taken' : checked.id;
  };
  t.is(idOf(`{"id":"${'x'.repeat(500)}"}`), 'x'.repeat(64));
  t.is(idOf('{"id":{"a":1}}'), null);
  t.is(idOf('['), null);
});

test('an id is one place in every case and form of writing', (t) => {
  fc.assert(
    fc.property(fc.uuid(), (text) => {
      const id = parseSpanId(text);
      t.is(parseSpanId(text.toUpperCase()), id);
      t.is(id?.length, 16);
      t.is(id === undefined ? '' : formatSpanId(id), text.toLowerCase());
    }),
  );
});

test('the tenant of a span is the text that it names', (t) => {
  t.is(tenantNamedIn({ tenant_id: 'acme' }), 'acme');
  for (const tenant of [null, 5, ['acme']]) t.is(tenantNamedIn({ tenant_id: tenant }), undefined);
  t.is(tenantNamedIn({}), undefined);
});

test('no bytes make the check throw', (t) => {
  const source = encode(`{${PLACED},"data":{"a":[1.10,"é"]}}`);
  fc.assert(
    fc.property(fc.nat(source.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
      const bytes = cut ? source.slice(0, at) : source.with(at, byte);
      const checked = check(bytes, fill);
      if (checked.ok) t.deepEqual(checked.span.bytes.length >= bytes.length, true);
    }),
    { numRuns: 2000 },
  );
});
