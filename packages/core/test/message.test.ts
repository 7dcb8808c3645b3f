/** Messages are read as they were written, in one encoding only; everything else is refused, and quickly. */

import { encode } from 'cborg';
import test from 'ava';
import fc from 'fast-check';
import { concatBytes } from '../dist/bytes.js';
import { decodeCbor, encodeCbor, isCborMap, type Cbor } from '../dist/cbor.js';
import { LIMITS } from '../dist/limits.js';
import { decodeMessage, encodeMessage, type Message } from '../dist/message.js';
import { alice, seeded, tools } from './forge.js';
import { MALFORMED_READINGS, SAMPLES, messages } from './messages.js';

const { compression } = tools;
const kinds = Object.keys(SAMPLES) as Message['kind'][];
const plain = { ...compression, compress: (bytes: Uint8Array) => bytes };

/** The map that a message is on the wire. */
function mapOf(message: Message): { readonly [key: string]: Cbor } {
  const map = decodeCbor(encodeMessage(message, plain).subarray(1));
  return isCborMap(map) ? map : {};
}

const framed = (body: Uint8Array): Uint8Array => concatBytes([Uint8Array.of(0), body]);
const read = (frame: Uint8Array): Message | undefined => decodeMessage(frame, compression);
const readMap = (map: Cbor): Message | undefined => read(framed(encodeCbor(map)));

for (const kind of kinds) {
  test(`every ${kind} is read as it was written, and written as it was read`, (t) => {
    t.deepEqual(read(encodeMessage(SAMPLES[kind], compression)), SAMPLES[kind]);
    fc.assert(
      fc.property(messages[kind], (message) => {
        const frame = encodeMessage(message, compression);
        const again = read(frame);
        t.deepEqual(again, message);
        t.deepEqual(again === undefined ? undefined : encodeMessage(again, compression), frame);
      }),
      { numRuns: 100 },
    );
  });

  test(`a ${kind} without a member, or with one more, is refused`, (t) => {
    const map = mapOf(SAMPLES[kind]);
    t.deepEqual(readMap(map), SAMPLES[kind]);
    for (const name of Object.keys(map)) {
      const less = Object.fromEntries(Object.entries(map).filter(([other]) => other !== name));
      t.is(readMap(less), undefined, name);
    }
    for (const name of ['more', '__proto__', 'kind', '']) {
      const more = Object.fromEntries([...Object.entries(map), [name, 1] as const]);
      t.is(readMap(more), undefined, name);
    }
  });

  test(`a ${kind} in any other encoding of the same values is refused`, (t) => {
    const body = encodeMessage(SAMPLES[kind], plain).subarray(1);
    const map = mapOf(SAMPLES[kind]);
    const members = Object.entries(map).toReversed();
    const parts = members.flatMap(([name, value]) => [encodeCbor(name), encodeCbor(value)]);
    const head = body.subarray(0, 1);
    t.is(read(framed(concatBytes([head, ...parts]))), undefined, 'in another order');
    t.is(
      read(framed(concatBytes([Uint8Array.of(0xbf), body.subarray(1), Uint8Array.of(0xff)]))),
      undefined,
      'indefinite',
    );
    t.is(
      read(framed(concatBytes([Uint8Array.of(0xb8, (head[0] ?? 0) & 31), body.subarray(1)]))),
      undefined,
      'a longer head',
    );
    t.is(read(framed(concatBytes([Uint8Array.of(0xc1), body]))), undefined, 'tagged');
    t.is(read(framed(concatBytes([body, Uint8Array.of(0xf6)]))), undefined, 'with something behind');
    for (let cut = 0; cut < body.length; cut++)
      if (read(framed(body.subarray(0, cut))) !== undefined) t.fail(`cut at ${cut}`);
  });
}

test('a number that is a float is refused, even where it is whole', (t) => {
  const float = encode({ t: 'ping', n: 1 }, { float64: true });
  const ping = framed(
    concatBytes([Uint8Array.of(0xa2, 0x61, 0x6e, 0xf9, 0x3c, 0x00), encodeCbor('t'), encodeCbor('ping')]),
  );
  t.true(float.length > 0);
  t.is(read(ping), undefined);
  t.is(read(framed(encode({ t: 'ping', n: 1.5 }))), undefined);
  t.is(read(framed(encode({ t: 'ping', n: 2n ** 60n }))), undefined);
  t.is(readMap({ t: 'ping', n: -1 }), undefined);
});

test('text that is not UTF-8 is refused', (t) => {
  const bye = encodeMessage({ kind: 'bye', code: 'fault', reason: 'ab' }, plain);
  const at = bye.findIndex((byte, i) => byte === 0x61 && bye[i + 1] === 0x62);
  t.truthy(read(bye));
  t.is(read(bye.with(at, 0xff)), undefined);
});

/** Members with a value of the wrong type, length or order. */
const hash = new Uint8Array(32);
const [feed] = (mapOf(SAMPLES.receipt)['feeds'] as readonly (readonly Cbor[])[]) ?? [];
const feedName = feed?.[0] ?? null;
const range = (...members: readonly Cbor[]): Cbor => [members];
const low = new Uint8Array(0);
const PLACE = 'ws://alice:1/v1/federation';
const MALFORMED: { readonly [K in Message['kind']]?: Readonly<Record<string, readonly Cbor[]>> } = {
  hello: {
    version: ['', '1', '1.0', 'v1.0.0', '1.0.0-x', '11111.0.0', 1],
    name: ['', '-a', 'a b', 'a/b', 'a'.repeat(LIMITS.nodeNameChars + 1), 'é', 1],
    verify: [1, null, 'true'],
    proof: [new Uint8Array(31), new Uint8Array(33), 'x'],
    at: [-1, '1'],
    certs: [
      null,
      'x',
      ['x'],
      Array.from({ length: LIMITS.certificates + 1 }, () => new Uint8Array(1)),
      [new Uint8Array(LIMITS.certificateBytes), new Uint8Array(1)],
    ],
    rotations: [
      null,
      ['x'],
      Array.from({ length: LIMITS.rotations + 1 }, () => new Uint8Array(1)),
      [new Uint8Array(LIMITS.rotationBytes), new Uint8Array(1)],
    ],
    sig: [new Uint8Array(63), new Uint8Array(65)],
  },
  holdings: {
    scopes: [
      'timeline/acme',
      5,
      [5],
      ['timeline/acme'],
      [['timeline/acme']],
      [['timeline/acme', 0]],
      [['timeline/acme', 4]],
      [['timeline/acme', true]],
      [['timeline/acme', 3, 3]],
      [['x'.repeat(2 * LIMITS.tenantChars + 1), 3]],
      Array.from({ length: LIMITS.offeredScopes + 1 }, () => ['x', 3]),
    ],
    round: [-1, null],
    ranges: [
      null,
      [1],
      range(low, low, hash, null),
      range(low, low, hash, null, true, 1),
      range('', low, hash, null, true),
      range(low, low, new Uint8Array(31), null, true),
      range(low, low, hash, null, 1),
      range(low, low, hash, 5, true),
      range(low, new Uint8Array(513).fill(1), hash, null, true),
      range(Uint8Array.of(5), Uint8Array.of(4), hash, null, true),
      range(Uint8Array.of(5), Uint8Array.of(5), hash, null, true),
      // A feed outside of its range, a feed twice, and feeds that descend.
      range(low, Uint8Array.of(1), hash, [feed ?? null], true),
      range(Uint8Array.of(255), low, hash, [feed ?? null], true),
      range(low, low, hash, [feed ?? null, feed ?? null], true),
      // Ranges that overlap, or that follow on one without an end.
      [
        [low, Uint8Array.of(5), hash, null, true],
        [Uint8Array.of(4), low, hash, null, true],
      ],
      [
        [low, low, hash, null, true],
        [Uint8Array.of(4), low, hash, null, true],
      ],
      Array.from({ length: LIMITS.rangesPerComparison + 1 }, (_, i) => [
        Uint8Array.of(i >> 8, i & 255, 1),
        Uint8Array.of(i >> 8, i & 255, 2),
        hash,
        null,
        true,
      ]),
    ],
  },
  want: {
    ranges: [
      null,
      [1],
      range(feedName, 1, 5),
      range(new Uint8Array(40), 1, 5, true),
      range(feedName, 0, 5, true),
      range(feedName, 6, 5, true),
      range(feedName, 1, 5, 1),
      range(new Uint8Array(513).fill(65), 1, 5, true),
      Array.from({ length: LIMITS.rangesPerWant + 1 }, () => [feedName, 1, 5, true]),
    ],
    credit: [-1, LIMITS.creditBytes + 1, null],
  },
  entries: { entries: [[], [1], ['x'], null, low] },
  receipt: {
    feeds: [
      null,
      [1],
      [feed ?? null, feed ?? null],
      Array.from({ length: LIMITS.feedsPerMessage + 1 }, () => 1),
    ],
    run: [new Uint8Array(7), null],
    at: [-1, null],
    sig: [new Uint8Array(63), null],
  },
  peers: {
    peers: [
      null,
      [null],
      [[alice.publicKey, 'alice']],
      [[alice.publicKey.subarray(1), 'alice', PLACE]],
      [[alice.publicKey, '../alice', PLACE]],
      [[alice.publicKey, 'alice', 'file:///etc/passwd']],
      [[alice.publicKey, 'alice', 'ws://alice:1/admin/v1/federation']],
      [[alice.publicKey, 'alice', 'http://alice:1']],
      [[alice.publicKey, 'alice', `ws://${'a.'.repeat(300)}:1/v1/federation`]],
      Array.from({ length: LIMITS.acquaintances + 1 }, () => [alice.publicKey, 'alice', PLACE]),
    ],
  },
  readings: { tenants: MALFORMED_READINGS },
  ping: { n: [-1, null, '1'] },
  pong: { n: [-1, null, '1'] },
  bye: { code: ['', 'gone', 'toString', 1], reason: ['x'.repeat(501), null, 1] },
};

for (const [kind, members] of Object.entries(MALFORMED)) {
  for (const [member, values] of Object.entries(members)) {
    test(`a ${kind} whose member "${member}" is malformed is refused`, (t) => {
      const map = mapOf(SAMPLES[kind as Message['kind']]);
      for (const [i, value] of values.entries())
        t.is(readMap({ ...map, [member]: value }), undefined, `value ${i}`);
    });
  }
}

test('every kind of first frame that kills the stock server is refused here', (t) => {
  const nested = new Uint8Array(1_000_000).fill(0x81);
  const frames: Readonly<Record<string, Uint8Array>> = {
    'nothing at all': new Uint8Array(0),
    'a coding byte alone': Uint8Array.of(0),
    null: framed(Uint8Array.of(0xf6)),
    undefined: framed(Uint8Array.of(0xf7)),
    five: framed(Uint8Array.of(0x05)),
    'a negative number': framed(Uint8Array.of(0x20)),
    'a float': framed(Uint8Array.of(0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0)),
    'not a number': framed(Uint8Array.of(0xf9, 0x7e, 0x00)),
    'a tag': framed(Uint8Array.of(0xd8, 0x40, 0x41, 0x00)),
    'a simple value': framed(Uint8Array.of(0xf8, 0xff)),
    'a break': framed(Uint8Array.of(0xff)),
    text: framed(encodeCbor('join')),
    bytes: framed(encodeCbor(new Uint8Array(9))),
    'a list': framed(encodeCbor([1, 2])),
    'an empty map': framed(encodeCbor({})),
    'a join without members': framed(encode({ type: 'join' })),
    'a join of the stock protocol': framed(
      encode({ type: 'join', senderId: 'bob', peerMetadata: {}, supportedProtocolVersions: 5 }),
    ),
    'a map with a number for a key': framed(encode(new Map([[1, 2]]))),
    'a member twice': framed(
      concatBytes([
        Uint8Array.of(0xa2),
        encodeCbor('t'),
        encodeCbor('ping'),
        encodeCbor('t'),
        encodeCbor('ping'),
      ]),
    ),
    'bytes of 2^63': framed(Uint8Array.of(0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
    'bytes of 4 GiB': framed(Uint8Array.of(0x5a, 0xff, 0xff, 0xff, 0xff)),
    'text of 4 GiB': framed(Uint8Array.of(0x7a, 0xff, 0xff, 0xff, 0xff)),
    'a list of 2^53': framed(Uint8Array.of(0x9b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
    'a map of 4 Gi members': framed(Uint8Array.of(0xba, 0xff, 0xff, 0xff, 0xff)),
    'an endless list': framed(Uint8Array.of(0x9f, 0x9f, 0x9f)),
    'endless text': framed(Uint8Array.of(0x7f, 0x61, 0x61)),
    'a million lists in one another': framed(nested),
    'a million maps in one another': framed(
      Uint8Array.from({ length: 1_000_000 }, (_, i) => [0xa1, 0x61, 0x61][i % 3] ?? 0),
    ),
    'a million empty lists': framed(
      concatBytes([Uint8Array.of(0x9a, 0, 0x0f, 0x42, 0x40), new Uint8Array(1_000_000).fill(0x80)]),
    ),
    'an unknown coding': concatBytes([Uint8Array.of(2), encodeCbor(mapOf(SAMPLES.ping))]),
    'damaged compression': Uint8Array.of(1, 9, 9, 9),
    JSON: new TextEncoder().encode('{"t":"ping","n":1}'),
    'one byte more than a frame': new Uint8Array(LIMITS.frameBytes + 1),
  };
  for (const [what, frame] of Object.entries(frames)) t.is(read(frame), undefined, what);
});

test('random bytes are no message', (t) => {
  const random = seeded(5);
  for (let i = 0; i < 20_000; i++) {
    const noise = random.bytes(i % 64);
    noise[0] = i % 3;
    if (read(noise) !== undefined) t.fail(`${i}: ${Buffer.from(noise).toString('hex')}`);
  }
  t.pass();
});

test('no single changed byte of a message makes another encoding of the same one', (t) => {
  for (const kind of kinds) {
    const frame = encodeMessage(SAMPLES[kind], plain);
    for (let at = 1; at < frame.length; at++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const message = read(frame.with(at, (frame[at] ?? 0) ^ bit));
        if (message === undefined) continue;
        t.notDeepEqual(message, SAMPLES[kind], `byte ${at} of ${kind}`);
      }
    }
  }
});

test('a frame that inflates beyond the bound is refused before it does', (t) => {
  const message: Message = { kind: 'entries', entries: [new Uint8Array(LIMITS.frameBytes)] };
  const bomb = encodeMessage(message, compression);
  t.true(bomb.length < 1000);
  t.is(read(bomb), undefined);
  const within: Message = { kind: 'entries', entries: [new Uint8Array(LIMITS.frameBytes - 100)] };
  t.deepEqual(read(encodeMessage(within, compression)), within);
  const trailing = concatBytes([encodeMessage(within, compression), Uint8Array.of(0)]);
  t.is(read(trailing), undefined, 'bytes behind the compressed ones');
});

test('a frame of one byte too many is refused, though it is a message', (t) => {
  const sized = (bytes: number): Uint8Array =>
    encodeMessage({ kind: 'entries', entries: [new Uint8Array(bytes)] }, plain);
  const head = sized(LIMITS.entryBytes).length - LIMITS.entryBytes;
  t.is(read(sized(LIMITS.frameBytes - head))?.kind, 'entries');
  t.is(read(sized(LIMITS.frameBytes - head + 1)), undefined);
});

test('what is said as a reason is cut to what may be read, and stays readable', (t) => {
  for (const reason of ['x'.repeat(2000), '🗝️'.repeat(400), `${'x'.repeat(499)}🗝️`]) {
    const again = read(encodeMessage({ kind: 'bye', code: 'fault', reason }, compression));
    t.true(again?.kind === 'bye' && again.reason.length >= 499 && again.reason.length <= 500);
  }
});

test('the largest messages that a node may send fit a frame', (t) => {
  const scopes = Array.from({ length: LIMITS.offeredScopes }, (_, i) => ({
    scope: `annotations/${String(i).padStart(LIMITS.tenantChars, 'x')}`,
    read: true,
    write: i % 2 === 0,
  }));
  const offer = encodeMessage({ kind: 'holdings', scopes, ranges: [], round: 0 }, plain);
  t.true(offer.length <= LIMITS.frameBytes, `${offer.length} bytes of scopes`);
  const sizes = [LIMITS.entriesFrameBytes - 1, LIMITS.entryBytes];
  const entries = encodeMessage(
    { kind: 'entries', entries: sizes.map((size) => new Uint8Array(size)) },
    plain,
  );
  t.true(entries.length <= LIMITS.frameBytes);
});
