/** R5, second part: place in the feed, chain, segment and signature. */

import { passGate, type GateOutcome } from '../dist/gate.js';
import { LIMITS } from '../dist/limits.js';
import {
  alice,
  bob,
  carol,
  DAY_MS,
  hashOf,
  Keeper,
  NOON_MS,
  span,
  tools,
  withSignature,
  Writer,
} from './forge.js';
import { checksOf, heldBy, noise, verdict } from './gate-checks.js';

const check = checksOf('place');

check('position', 'an entry beyond a gap is asked for, unless it starts a segment', (t) => {
  const { keeper, writer } = heldBy(1);
  writer.write();
  const third = writer.draft();
  t.deepEqual(keeper.judge(third.bytes), {
    kind: 'gap',
    key: keeper.accepted[0]?.key,
    seq: 3,
    hash: third.hash,
  } as GateOutcome);
  t.is(verdict(keeper.judge(writer.draft({ doc: 3 }).bytes)), 'accepted');
});

check('position', 'an entry that is held is told apart by its hash alone, and never read again', (t) => {
  const { keeper, writer } = heldBy(2);
  const first = writer.written[0];
  t.deepEqual(keeper.judge(first?.bytes ?? new Uint8Array(0)), {
    kind: 'held',
    key: keeper.accepted[0]?.key,
    seq: 1,
    hash: first?.hash,
    bytes: first?.bytes,
  } as GateOutcome);
});

check('position', 'nothing is taken from the place on where a feed has forked', (t) => {
  const { keeper, writer } = heldBy(2);
  const third = writer.draft();
  t.is(verdict(keeper.judge(third.bytes)), 'accepted');
  keeper.fork(3);
  t.is(verdict(keeper.judge(third.bytes)), 'not_yet');
});

check('position', 'a scattered feed takes no further pieces, but those it has may grow', (t) => {
  const keeper = new Keeper();
  const writer = new Writer(alice);
  for (let i = 0; i < 2 * LIMITS.rangesPerFeed; i++) {
    const { bytes } = writer.write({ doc: i + 1 });
    if (i % 2 === 0) t.is(verdict(keeper.take(bytes)), 'accepted');
  }
  const next = writer.write({ doc: writer.written.length + 1 });
  t.is(verdict(keeper.judge(next.bytes)), 'gap');
  t.is(verdict(keeper.judge(writer.written[1]?.bytes ?? new Uint8Array(0))), 'accepted');
});

check('chain', 'an entry that names another predecessor than the one held is a fork at that place', (t) => {
  const { keeper, writer } = heldBy(1);
  const forged = writer.draft({ header: { prev: new Uint8Array(32).fill(7) } });
  t.deepEqual(keeper.judge(forged.bytes), {
    kind: 'fork',
    key: keeper.accepted[0]?.key,
    seq: 1,
    bytes: forged.bytes,
  } as GateOutcome);
});

check('chain', 'a broken chain that its origin did not sign proves nothing and is a fault', (t) => {
  const { keeper, writer } = heldBy(1);
  const forged = writer.draft({ header: { prev: new Uint8Array(32).fill(7) }, signer: bob });
  t.is(keeper.judge(forged.bytes).kind, 'fault');
});

check('segment', 'an entry goes on in the segment that is open, or starts one', (t) => {
  const { keeper, writer } = heldBy(2);
  keeper.take(writer.write({ doc: 3 }).bytes);
  // Goes on in the first segment although the second is open: its change would be number 4 of that one.
  const back = writer.draft({ doc: 1 });
  t.is(verdict(keeper.judge(back.bytes)), 'segment');
  t.is(verdict(keeper.judge(writer.draft().bytes)), 'accepted');
});

check('segment', 'an entry that goes on in a full segment is refused', (t) => {
  const spans = (from: number, count: number): ReturnType<typeof span>[] =>
    Array.from({ length: count }, (_, i) => span(from + i));
  const full = new Writer(alice);
  const keeper = new Keeper();
  for (let i = 0; i < LIMITS.segmentSpans / LIMITS.batchSpans; i++)
    keeper.take(full.write({ spans: spans(i * LIMITS.batchSpans, LIMITS.batchSpans) }).bytes);
  t.is(keeper.accepted.length, 4);
  t.is(verdict(keeper.judge(full.draft().bytes)), 'segment', 'spans');
  t.is(verdict(keeper.judge(full.draft({ doc: 5 }).bytes)), 'accepted');

  const heavy = new Writer(bob);
  let bytes = 0;
  const large = { spans: [span(1, { data: noise(250_000) })] };
  while (bytes + heavy.draft(large).changeBytes <= LIMITS.segmentBytes) {
    const { bytes: entry, changeBytes } = heavy.write(large);
    t.is(verdict(keeper.take(entry)), 'accepted');
    bytes += changeBytes;
  }
  t.is(verdict(keeper.judge(heavy.draft(large).bytes)), 'segment', 'bytes');
  t.is(verdict(keeper.judge(heavy.draft().bytes)), 'accepted');

  const daily = new Writer(carol);
  keeper.take(daily.write().bytes);
  const tomorrow = { ms: NOON_MS + DAY_MS, count: 0 };
  t.is(verdict(keeper.judge(daily.draft({ stamp: tomorrow }).bytes)), 'segment', 'day');
  t.is(verdict(keeper.judge(daily.draft({ stamp: tomorrow, doc: 2 }).bytes)), 'accepted');
});

check('key', 'an origin of small order, under which anything verifies, is refused', (t) => {
  // libsodium's verify refuses such keys too, so the world here has a verify that would not.
  const small = new Uint8Array(32);
  small[0] = 1;
  const lax = { ...tools, crypto: { ...tools.crypto, verify: () => true } };
  const keeper = new Keeper();
  const forged = new Writer({ ...alice, publicKey: small }).draft();
  const world = { ...keeper.world, tools: lax };
  t.is(verdict(passGate(forged.bytes, world)), 'key');
  t.is(verdict(passGate(new Writer(alice).draft().bytes, world)), 'accepted');
});

check('signature', 'an entry that its origin did not sign is refused', (t) => {
  const { keeper, writer } = heldBy(1);
  t.is(verdict(keeper.judge(writer.draft({ signer: bob }).bytes)), 'signature', 'signed by another');
  const { bytes } = writer.draft();
  for (const [what, change] of [
    ['one bit', (one: Uint8Array) => one.with(0, (one[0] ?? 0) ^ 1)],
    ['zeros', () => new Uint8Array(64)],
    ['s + L', (one: Uint8Array) => withOrderAdded(one)],
  ] as const) {
    t.is(verdict(keeper.judge(withSignature(bytes, change))), 'signature', what);
  }
  const plain = tools.crypto.sign(hashOf(bytes), alice.secretKey);
  t.is(verdict(keeper.judge(withSignature(bytes, () => plain))), 'signature', 'signed without the domain');
});

check('junction', 'an entry that closes a gap with another hash than the next one names is a fork', (t) => {
  const writer = new Writer(alice);
  writer.write();
  writer.write();
  const third = writer.write({ doc: 3 });
  const keeper = new Keeper();
  keeper.take(third.bytes);
  const first = writer.written[0];
  keeper.take(first?.bytes ?? new Uint8Array(0));
  const other = new Writer(alice, { history: writer.written.slice(0, 1) }).draft({ spans: [span(99)] });
  t.deepEqual(keeper.judge(other.bytes), {
    kind: 'fork',
    key: keeper.accepted[0]?.key,
    seq: 2,
    bytes: other.bytes,
  } as GateOutcome);
  t.is(verdict(keeper.judge(writer.written[1]?.bytes ?? new Uint8Array(0))), 'accepted');
});

check('signature', 'no entry with one changed byte passes', (t) => {
  const { bytes } = new Writer(alice).draft();
  const keeper = new Keeper();
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 8)));
    t.not(verdict(keeper.judge(changed)), 'accepted', `byte ${at}`);
  }
});

/** The signature with the group's order added to its second half, which a lax verifier takes. */
function withOrderAdded(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
  let sum = order + signature.subarray(32).reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
  return signature.map((byte, i) => {
    if (i < 32) return byte;
    const low = Number(sum & 255n);
    sum >>= 8n;
    return low;
  });
}
