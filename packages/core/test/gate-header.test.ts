/** R5, first part: what the gate refuses by size, framing, header, scope and right. */

import fc from 'fast-check';
import { concatBytes, equalBytes } from '../dist/bytes.js';
import { encodeCbor, type Cbor } from '../dist/cbor.js';
import { decodeHeader, encodeHeader, splitEntry } from '../dist/entry.js';
import { timelineScope } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import { acme, alice, bob, epoch, Keeper, NOON_MS, signEntry, span, tenant, tools, Writer } from './forge.js';
import { checksOf, verdict } from './gate-checks.js';

const check = checksOf('header');

check(
  'size',
  'an entry of one byte too many is refused, one of exactly the most is not refused for that',
  (t) => {
    // A valid entry of any size that honest spans allow is smaller; padding the change is the only way beyond.
    const keeper = new Keeper();
    const { header } = new Writer(alice).draft();
    const shell = signEntry(encodeHeader(header), new Uint8Array(0), alice).bytes.length;
    const sized = (bytes: number): Uint8Array =>
      signEntry(encodeHeader(header), new Uint8Array(bytes - shell), alice).bytes;
    t.is(sized(LIMITS.entryBytes).length, LIMITS.entryBytes);
    t.is(verdict(keeper.judge(sized(LIMITS.entryBytes + 1))), 'size');
    t.not(verdict(keeper.judge(sized(LIMITS.entryBytes))), 'size');
  },
);

check('framing', 'lengths that do not add up to the whole are refused', (t) => {
  const { bytes } = new Writer(alice).draft();
  const keeper = new Keeper();
  const parts = splitEntry(bytes);
  const longer = bytes.slice();
  longer[1] = (longer[1] ?? 0) + 1;
  const change = parts?.header.length ?? 0;
  const hugeChange = bytes.slice();
  hugeChange.fill(255, 2 + change, 6 + change);
  for (const [what, cut] of [
    ['nothing', new Uint8Array(0)],
    ['a byte short', bytes.subarray(0, -1)],
    ['a byte over', concatBytes([bytes, Uint8Array.of(0)])],
    ['a longer header', longer],
    ['a change of 4 GiB', hugeChange],
    ['only lengths', new Uint8Array(6)],
  ] as const) {
    t.is(verdict(keeper.judge(cut)), 'framing', what);
  }
});

check('header_size', 'a header beyond its bound is refused, however well it is signed', (t) => {
  // The scope's name is long here, which no other check measures.
  const long = timelineScope(tenant('a'.repeat(LIMITS.tenantChars)));
  const heads = Array.from({ length: LIMITS.namedHeads }, (_, i) => ({
    epoch: epoch(i + 2),
    seq: Number.MAX_SAFE_INTEGER,
    hash: new Uint8Array(32).fill(i),
  }));
  const largest = new Writer(alice, { scope: long }).draft({ header: { heads } });
  t.true(encodeHeader(largest.header).length <= LIMITS.headerBytes, 'an honest header always fits');
  t.is(verdict(new Keeper().judge(largest.bytes)), 'accepted');
  const padded = new Writer(alice).draft({
    headerBytes: (bytes) =>
      encodeCbor({ ...decodeHeader(bytes), scope: `timeline/${'a'.repeat(LIMITS.headerBytes)}` }),
  });
  t.is(verdict(new Keeper().judge(padded.bytes)), 'header_size');
});

check('header_encoding', 'a header in another encoding of the same values is refused', (t) => {
  const keeper = new Keeper();
  // The last member in order of the map is `origin` (length first, then bytes): a longer number for `count` stands before it.
  const variants: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    'a number in more bytes than it needs': (bytes) => {
      const at = indexOf(bytes, tools.text.encode('count')) + 5;
      return concatBytes([bytes.subarray(0, at), Uint8Array.of(0x18), bytes.subarray(at)]);
    },
    'members in another order': (bytes) => reordered(bytes),
    'an indefinite map': (bytes) =>
      concatBytes([Uint8Array.of(0xbf), bytes.subarray(1), Uint8Array.of(0xff)]),
    'a float for a whole number': (bytes) => {
      const at = indexOf(bytes, tools.text.encode('count')) + 5;
      return concatBytes([bytes.subarray(0, at), Uint8Array.of(0xf9, 0x3c, 0x00), bytes.subarray(at + 1)]);
    },
    'a byte after the map': (bytes) => concatBytes([bytes, Uint8Array.of(0)]),
    'no map': () => encodeCbor([1, 2]),
    nothing: () => new Uint8Array(0),
  };
  for (const [what, headerBytes] of Object.entries(variants)) {
    t.is(verdict(keeper.judge(new Writer(alice).draft({ headerBytes }).bytes)), 'header_encoding', what);
  }
});

check('header_encoding', 'a member out of its bounds is refused', (t) => {
  const bad: Readonly<Record<string, Cbor>> = {
    v: 2,
    origin: new Uint8Array(31),
    epoch: new Uint8Array(9),
    seq: 0,
    prev: new Uint8Array(32),
    stamp: [NOON_MS, -1],
    doc: 2,
    count: 0,
  };
  for (const [member, value] of Object.entries(bad)) {
    const forged = new Writer(alice).draft({
      headerBytes: (bytes) => encodeCbor({ ...decodeHeader(bytes), [member]: value }),
    });
    t.is(verdict(new Keeper().judge(forged.bytes)), 'header_encoding', member);
  }
  const late = new Writer(alice).draft({ stamp: { ms: 253_402_300_800_000, count: 0 } });
  t.is(verdict(new Keeper().judge(late.bytes)), 'header_encoding', 'a stamp after the year 9999');
  const heads = Array.from({ length: LIMITS.namedHeads + 1 }, () => ({
    epoch: epoch(2),
    seq: 1,
    hash: new Uint8Array(32),
  }));
  const many = new Writer(alice).draft({ header: { heads } });
  t.is(verdict(new Keeper().judge(many.bytes)), 'header_encoding', 'too many named heads');
});

check('header_keys', 'a member that this version does not know is refused', (t) => {
  for (const name of ['more', '__proto__', 'constructor']) {
    const forged = new Writer(alice).draft({
      headerBytes: (bytes) => {
        const members = Object.fromEntries(Object.entries(decodeHeader(bytes) ?? {}));
        Object.defineProperty(members, name, { value: 1, enumerable: true });
        return encodeCbor(members);
      },
    });
    t.is(verdict(new Keeper().judge(forged.bytes)), 'header_keys', name);
  }
});

check('scope', 'a scope that this version does not know is refused', (t) => {
  for (const name of ['timeline/', 'timeline/a b', 'timeline', 'access/', 'trust/', 'acts']) {
    const scope = name as ReturnType<typeof timelineScope>;
    const { bytes } = new Writer(alice, { scope }).draft({ spans: [span(1)] });
    t.is(verdict(new Keeper().judge(bytes)), 'scope', name);
  }
});

check('right', 'an entry of a tenant that is not shared with the sender waits, and is no fault', (t) => {
  const { bytes } = new Writer(alice).draft();
  const keeper = new Keeper((scope) => scope !== timelineScope(acme));
  t.is(verdict(keeper.judge(bytes)), 'not_yet');
  t.is(verdict(new Keeper().judge(bytes)), 'accepted');
});

check(
  'standing',
  'an entry that its origin may not write here waits, whoever brings it, and is no fault',
  (t) => {
    const reason = 'the primary of acme grants this origin no right to write';
    const keeper = new Keeper(undefined, ({ origin }) =>
      equalBytes(origin, alice.publicKey) ? reason : undefined,
    );
    t.deepEqual(keeper.judge(new Writer(alice).draft().bytes), { kind: 'not_yet', reason });
    t.is(verdict(keeper.judge(new Writer(bob).draft().bytes)), 'accepted');
  },
);

check('framing', 'random bytes are no entry', (t) => {
  const keeper = new Keeper();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noisy) => keeper.judge(noisy).kind === 'fault'),
    { numRuns: 2000 },
  );
  t.pass();
});

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++)
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  throw new Error('the part is not there');
}

/** The members of a map in the reverse of the canonical order. */
function reordered(header: Uint8Array): Uint8Array {
  const members = Object.entries(decodeHeader(header) ?? {}).toReversed();
  const parts = members.flatMap(([name, value]) => [encodeCbor(name), encodeCbor(value)]);
  return concatBytes([header.subarray(0, 1), ...parts]);
}
