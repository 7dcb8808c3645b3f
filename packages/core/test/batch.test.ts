/** A batch gives back the very bytes of its spans, and a hostile one gives nothing and costs little. */

import test from 'ava';
import fc from 'fast-check';
import { linesOfBatch, openBatch, sealBatch } from '../dist/batch.js';
import { concatBytes } from '../dist/bytes.js';
import { LIMITS } from '../dist/limits.js';
import { seeded, span, tools } from './forge.js';

const packed = (bytes: Uint8Array): Uint8Array =>
  concatBytes([Uint8Array.of(1), tools.compression.compress(bytes)]);

test('spans come out of a batch byte for byte, in order', (t) => {
  const data = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.constant('x'.repeat(5000)));
  fc.assert(
    fc.property(fc.array(data, { minLength: 1, maxLength: 20 }), (texts) => {
      const spans = texts.map((text, n) => span(n, { data: text }));
      const opened = openBatch(sealBatch(spans, tools), tools);
      t.deepEqual(opened.ok ? opened.spans : opened.reason, spans);
    }),
    { numRuns: 100 },
  );
});

test('a batch is compressed where that makes it shorter, and left alone where not', (t) => {
  const small = sealBatch([span(1)], tools);
  t.is(small[0], 0);
  const large = [span(1, { data: 'x'.repeat(LIMITS.compressBatchFromBytes) })];
  t.is(sealBatch(large, tools)[0], 1);
  t.true(sealBatch(large, tools).length < 1000);
  const deaf = { ...tools, compression: { ...tools.compression, compress: (bytes: Uint8Array) => bytes } };
  t.is(sealBatch(large, deaf)[0], 0);
});

test('as many spans as a batch may have are opened, and not one more', (t) => {
  const spans = Array.from({ length: LIMITS.batchSpans + 1 }, (_, n) => span(n));
  t.true(openBatch(sealBatch(spans.slice(1), tools), tools).ok);
  const opened = openBatch(sealBatch(spans, tools), tools);
  t.regex(opened.ok ? '' : opened.reason, /too many spans/);
});

test('a few bytes that inflate to half a million lines are given up after a thousand', (t) => {
  const bomb = packed(new Uint8Array(LIMITS.batchBytes).fill(0x0a));
  t.true(bomb.length < 100);
  t.is(linesOfBatch(bomb, tools)?.length, LIMITS.batchSpans + 1);
  t.false(openBatch(bomb, tools).ok);
});

test('a batch that inflates beyond its bound gives nothing, compressed or not', (t) => {
  const bytes = new Uint8Array(LIMITS.batchBytes + 1).fill(0x20);
  t.is(linesOfBatch(packed(bytes), tools), undefined);
  t.is(linesOfBatch(concatBytes([Uint8Array.of(0), bytes]), tools), undefined);
  t.is(linesOfBatch(packed(bytes.subarray(1)), tools)?.length, 1);
  t.is(linesOfBatch(concatBytes([Uint8Array.of(0), bytes.subarray(1)]), tools)?.length, 1);
});

test('no bytes make opening a batch throw', (t) => {
  const random = seeded(3);
  for (let i = 0; i < 5000; i++) {
    const noise = random.bytes(1 + (i % 80));
    noise[0] = i % 3;
    t.false(openBatch(noise, tools).ok);
  }
});
