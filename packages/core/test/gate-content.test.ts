/** R5, third part: the change and the spans in it, and what passes every check. */

import test from 'ava';
import { sealAssertions } from '../dist/assertion.js';
import { sealBatch } from '../dist/batch.js';
import { concatBytes } from '../dist/bytes.js';
import { accessScope, annotationsScope, TRUST_SCOPE } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import { sealStatements } from '../dist/statement.js';
import { acme, alice, bob, epoch, Keeper, span, spanText, tools, withChecksum, Writer } from './forge.js';
import { checksOf, heldBy, verdict } from './gate-checks.js';

const check = checksOf('content');

check('change_shape', 'a change that its canonical writer would not have written is refused', (t) => {
  const { keeper, writer } = heldBy(1);
  const forged = writer.draft({ changeBytes: (bytes) => withTime(bytes) });
  t.is(verdict(keeper.judge(forged.bytes)), 'change_shape');
  const garbage = writer.draft({ changeBytes: () => new Uint8Array(50) });
  t.is(verdict(keeper.judge(garbage.bytes)), 'change_shape');
});

check('change_place', 'actor, numbers, key and dependency follow from the place of the entry', (t) => {
  const { keeper, writer } = heldBy(2);
  const stray: Readonly<Record<string, Parameters<Writer['draft']>[0]>> = {
    'another actor': { change: { actor: concatBytes([bob.publicKey, epoch(1)]) } },
    'another epoch': { change: { actor: concatBytes([alice.publicKey, epoch(2)]) } },
    'a later seq': { change: { seq: 4 } },
    'a startOp out of line': { change: { startOp: 4 } },
    'a startOp that inflates documents': { change: { startOp: 2 ** 25 } },
    'another key': { change: { key: 'x' } },
    'another dependency': { change: { dep: new Uint8Array(32) } },
    'no dependency': { change: { dep: undefined } },
    'an overwrite': { change: { replaces: 1 } },
    'a dependency at the start of a segment': { doc: 3, change: { dep: new Uint8Array(32) } },
  };
  for (const [what, draft] of Object.entries(stray))
    t.is(verdict(keeper.judge(writer.draft(draft).bytes)), 'change_place', what);
});

check('content', 'a batch that is damaged, too large, or holds what is no span is refused', (t) => {
  const { keeper, writer } = heldBy(1);
  const lines = (text: string): Uint8Array => tools.text.encode(text);
  const plain = (text: string): Uint8Array => concatBytes([Uint8Array.of(0), lines(text)]);
  const packed = (bytes: Uint8Array): Uint8Array =>
    concatBytes([Uint8Array.of(1), tools.compression.compress(bytes)]);
  const bad: Readonly<Record<string, Uint8Array>> = {
    'no coding byte': new Uint8Array(0),
    'an unknown coding': concatBytes([Uint8Array.of(2), lines('{}')]),
    'damaged compression': concatBytes([Uint8Array.of(1), new Uint8Array(20).fill(9)]),
    'a compression bomb': packed(new Uint8Array(50_000_000)),
    'a bomb of line breaks': packed(new Uint8Array(LIMITS.batchBytes).fill(0x0a)),
    'more than a batch may hold': packed(
      tools.text.encode([1, 2, 3].map((n) => spanText(n, { data: 'a'.repeat(200_000) })).join('\n')),
    ),
    'an empty line': plain(''),
    'no JSON': plain('{"id":'),
    'a span without an id': plain('{"logline_id":"x","title":"y","timestamp":"2025-01-01T00:00:00Z"}'),
  };
  for (const [what, value] of Object.entries(bad))
    t.is(verdict(keeper.judge(writer.draft({ value }).bytes)), 'content', what);
});

check('content', 'statements pass in the scope they belong to, and in no other', (t) => {
  const trust = new Writer(alice, { scope: TRUST_SCOPE });
  const access = new Writer(alice, { scope: accessScope(acme) });
  const introduce = sealStatements([
    { kind: 'introduce', key: bob.publicKey, name: 'bob', address: 'http://bob:8080/' },
  ]);
  const designate = sealStatements([{ kind: 'designate', key: bob.publicKey }]);
  const keeper = new Keeper();
  const judged = (writer: Writer, value: Uint8Array): string =>
    verdict(keeper.judge(writer.draft({ value, spans: [span(1)] }).bytes));
  t.is(judged(trust, introduce), 'accepted');
  t.is(judged(access, designate), 'accepted');
  t.is(judged(trust, designate), 'content');
  t.is(judged(access, introduce), 'content');
  t.is(judged(trust, sealBatch([span(1)], tools)), 'content');
  t.is(judged(new Writer(alice), designate), 'content');
});

check('content', 'assertions pass in the scope they belong to, and in no other', (t) => {
  const annotations = new Writer(alice, { scope: annotationsScope(acme) });
  const value = sealAssertions([
    { span: span(1).id, op: 'set', field: 'status', value: '"reverted"', supersedes: [] },
  ]);
  const keeper = new Keeper();
  const judged = (writer: Writer, sealed: Uint8Array): string =>
    verdict(keeper.judge(writer.draft({ value: sealed, spans: [span(1)] }).bytes));
  t.is(judged(annotations, value), 'accepted');
  t.is(judged(annotations, sealBatch([span(1)], tools)), 'content');
  t.is(judged(new Writer(alice), value), 'content');
  t.is(judged(new Writer(alice, { scope: accessScope(acme) }), value), 'content');
});

check('content_count', 'a batch of more or fewer spans than the header says is refused', (t) => {
  const { keeper, writer } = heldBy(1);
  const spans = [span(5), span(6)];
  t.is(verdict(keeper.judge(writer.draft({ spans, header: { count: 3 } }).bytes)), 'content_count');
  t.is(verdict(keeper.judge(writer.draft({ spans, header: { count: 1 } }).bytes)), 'content_count');
  t.is(verdict(keeper.judge(writer.draft({ spans }).bytes)), 'accepted');
});

check('content_tenant', 'a span that names another tenant than its timeline is refused', (t) => {
  const { keeper, writer } = heldBy(1);
  const spans = [span(5), span(6, { tenant_id: 'globex' })];
  t.is(verdict(keeper.judge(writer.draft({ spans }).bytes)), 'content_tenant');
  const own = [span(5), span(6, { tenant_id: 'acme' }), span(7, { tenant_id: null })];
  t.is(verdict(keeper.judge(writer.draft({ spans: own }).bytes)), 'accepted');
});

test('what an honest origin writes passes, in order and newest segment first', (t) => {
  const writer = new Writer(alice);
  for (let i = 0; i < 9; i++)
    writer.write({ doc: i < 3 ? 1 : i < 6 ? 4 : 7, spans: [span(2 * i), span(2 * i + 1)] });
  const bytes = writer.written.map((entry) => entry.bytes);
  for (const order of [
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
    [6, 7, 8, 3, 4, 5, 0, 1, 2],
    [3, 6, 0, 4, 1, 7, 2, 5, 8],
  ]) {
    const keeper = new Keeper();
    for (const i of order)
      t.is(
        verdict(keeper.take(bytes[i] ?? new Uint8Array(0))),
        'accepted',
        `entry ${i + 1} of the order ${order.join()}`,
      );
    t.deepEqual(
      keeper.accepted.map((entry) => entry.header.seq).toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  }
});

test('an accepted entry tells everything the store needs', (t) => {
  const writer = new Writer(alice);
  const forged = writer.draft({ spans: [span(1), span(2)] });
  const outcome = new Keeper().judge(forged.bytes);
  if (outcome.kind !== 'accepted') return t.fail(verdict(outcome));
  t.deepEqual(outcome.entry.hash, forged.hash);
  t.deepEqual(outcome.entry.changeHash, forged.changeHash);
  t.is(outcome.entry.changeBytes, forged.changeBytes);
  t.deepEqual(outcome.entry.header, forged.header);
  t.deepEqual(outcome.entry.spans, forged.spans);
});

/** The same change made one millisecond after the beginning of time, with its checksum. */
function withTime(change: Uint8Array): Uint8Array {
  // Chunk head, length, one dependency, actor, seq and startOp of one byte each.
  const at = 9 + 2 + 33 + 41 + 2;
  return withChecksum(change.with(at, 1));
}
