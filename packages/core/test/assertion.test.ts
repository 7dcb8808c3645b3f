/** Assertions: what is written can be read back, and nothing else can be read. */

import test from 'ava';
import fc from 'fast-check';
import {
  canonicalJson,
  compareRefs,
  openAssertions,
  registerFault,
  sealAssertions,
  type Assertion,
  type AssertionRef,
} from '../dist/assertion.js';
import { decodeCbor, encodeCbor, type Cbor } from '../dist/cbor.js';
import { openContent, sealContent } from '../dist/content.js';
import type { Json } from '../dist/json.js';
import { LIMITS } from '../dist/limits.js';
import { parseSpanId, type SpanId } from '../dist/span.js';
import { tools as TOOLS } from './forge.js';

const SPAN = parseSpanId('00112233-4455-4677-8899-aabbccddeeff') as SpanId;
const span = fc.constant(SPAN);
const ref = fc.record({
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  index: fc.nat(1000),
});
const supersedes: fc.Arbitrary<readonly AssertionRef[]> = fc
  .uniqueArray(ref, { maxLength: 4, comparator: (a, b) => compareRefs(a, b) === 0 })
  .map((refs) => refs.toSorted(compareRefs));
const text = fc.string({ maxLength: 40, unit: 'grapheme' });
const json = fc
  .jsonValue({ maxDepth: 4 })
  .map((value) => canonicalJson(value as Json))
  .filter((value) => openable(value));
const register = fc.oneof(
  fc.record({
    field: fc.constant('status' as const),
    value: fc.constantFrom('"executed"', '"reverted"', '"ghost"', '"simulated"'),
  }),
  fc.record({ field: fc.constant('processed' as const), value: fc.constantFrom('true', 'false') }),
  fc.record({ field: text.map((key) => `metadata.${key}` as const), value: json }),
);
const assertion: fc.Arbitrary<Assertion> = fc.oneof(
  fc
    .tuple(register, supersedes)
    .map(([one, refs]) => ({ op: 'set' as const, span: SPAN, ...one, supersedes: refs })),
  fc
    .tuple(register, supersedes, text)
    .map(([one, refs, note]) => ({ op: 'resolve' as const, span: SPAN, ...one, supersedes: refs, note })),
  fc.record({
    op: fc.constant('resolve' as const),
    span,
    field: fc.constant('identity' as const),
    value: fc.constant(`"${'0a'.repeat(32)}"`),
    supersedes,
    note: text,
  }),
  fc.record({
    op: fc.constantFrom('add' as const, 'remove' as const),
    span,
    field: fc.constant('tags' as const),
    value: text,
    supersedes,
  }),
  fc.record({
    op: fc.constant('note' as const),
    span,
    field: fc.constant('notes' as const),
    value: text.filter((note) => note !== ''),
    supersedes: fc.constant([]),
  }),
);

function openable(value: string): boolean {
  return openAssertions(
    sealAssertions([{ op: 'set', span: SPAN, field: 'metadata.a', value, supersedes: [] }]),
    TOOLS,
  ).ok;
}

test('assertions are read back as they were written, and in no other scope', (t) => {
  fc.assert(
    fc.property(fc.array(assertion, { minLength: 1, maxLength: 6 }), (assertions) => {
      const value = sealContent({ spans: [], statements: [], assertions }, TOOLS);
      t.deepEqual(openContent(value, 'annotations/acme', TOOLS), {
        ok: true,
        spans: [],
        statements: [],
        assertions,
      });
      for (const other of ['timeline/acme', 'access/acme', 'trust', 'acts'])
        t.false(openContent(value, other, TOOLS).ok);
    }),
    { numRuns: 200 },
  );
});

test('an assertion with a member too many, too few, or of another type is refused', (t) => {
  fc.assert(
    fc.property(assertion, fc.nat(), (one, chance) => {
      const [list] = decodeCbor(sealAssertions([one])) as readonly (readonly Cbor[])[];
      const members = list ?? [];
      const at = 1 + (chance % (members.length - 1));
      const broken: readonly (readonly Cbor[])[] = [
        [...members, 1],
        members.slice(0, -1),
        members.with(at, -1),
        members.with(0, 'unheard_of'),
      ];
      for (const each of broken) t.false(openAssertions(encodeCbor([each]), TOOLS).ok);
    }),
    { numRuns: 200 },
  );
});

test('a value has one form: canonical JSON of the type that its field has', (t) => {
  const opens = (field: string, value: string): boolean =>
    openAssertions(encodeCbor([['set', new Uint8Array(16), field, value, []]]), TOOLS).ok;
  t.true(opens('metadata.a', '{"a":1,"b":[0.5,null]}'));
  t.true(opens('metadata.a', 'null'));
  const others = [
    '{"b":1,"a":2}',
    ' 1',
    '1.0',
    '{"a":1,"a":1}',
    'NaN',
    '1e999',
    '9007199254740993',
    '"\\ud800"',
    '',
  ];
  for (const value of others) t.false(opens('metadata.a', value), value);
  t.false(opens('metadata.a', `${'['.repeat(70)}${']'.repeat(70)}`), 'nested too deep');
  t.true(opens('status', '"reverted"'));
  for (const value of ['"undone"', 'null', 'true', '["reverted"]']) t.false(opens('status', value), value);
  t.false(opens('processed', '"true"'));
  t.true(opens('verification_status', '"pending"'));
  t.true(opens('visibility', '"public"'));
  for (const field of ['title', 'metadata', 'tags', 'notes', 'identity', '__proto__', 'constructor'])
    t.false(opens(field, '"reverted"'), field);
  t.is(registerFault('status', 'undone'), 'status: expected one of executed, simulated, reverted, ghost');
});

test('what an assertion supersedes is named in order and once, and no more than the bound', (t) => {
  const ref = (byte: number, index: number): Cbor => [new Uint8Array(32).fill(byte), index];
  const opens = (refs: readonly Cbor[]): boolean =>
    openAssertions(encodeCbor([['set', new Uint8Array(16), 'processed', 'true', refs]]), TOOLS).ok;
  t.true(opens([ref(1, 0), ref(1, 1), ref(2, 0)]));
  t.false(opens([ref(2, 0), ref(1, 0)]));
  t.false(opens([ref(1, 0), ref(1, 0)]));
  t.false(opens([[new Uint8Array(31), 0]]));
  t.false(opens([ref(1, -1)]));
  const many = (count: number): readonly Cbor[] => Array.from({ length: count }, (_, i) => ref(0, i));
  t.true(opens(many(LIMITS.supersededAssertions)));
  t.false(opens(many(LIMITS.supersededAssertions + 1)));
});

test('texts, values and lists of assertions have bounds', (t) => {
  const opens = (...items: readonly Cbor[]): boolean => openAssertions(encodeCbor(items), TOOLS).ok;
  const id = new Uint8Array(16);
  t.true(opens(['note', id, 'x'.repeat(LIMITS.noteChars)]));
  t.false(opens(['note', id, 'x'.repeat(LIMITS.noteChars + 1)]));
  t.false(opens(['note', id, '']));
  t.true(opens(['add', id, 'x'.repeat(LIMITS.tagChars), []]));
  t.false(opens(['add', id, 'x'.repeat(LIMITS.tagChars + 1), []]));
  const value = (chars: number): string => JSON.stringify('x'.repeat(chars - 2));
  t.true(opens(['set', id, 'metadata.a', value(LIMITS.metadataValueChars), []]));
  t.false(opens(['set', id, 'metadata.a', value(LIMITS.metadataValueChars + 1), []]));
  t.true(opens(['set', id, `metadata.${'k'.repeat(LIMITS.metadataKeyChars)}`, '1', []]));
  t.false(opens(['set', id, `metadata.${'k'.repeat(LIMITS.metadataKeyChars + 1)}`, '1', []]));
  t.true(opens(...Array.from({ length: LIMITS.assertionsPerEntry }, (): Cbor => ['note', id, 'x'])));
  t.false(opens(...Array.from({ length: LIMITS.assertionsPerEntry + 1 }, (): Cbor => ['note', id, 'x'])));
  t.false(opens(...Array.from({ length: 80 }, (): Cbor => ['note', id, 'x'.repeat(LIMITS.noteChars)])));
});
