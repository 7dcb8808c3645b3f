/** One message of each kind, and arbitrary ones, for the tests of what is said on the wire. */

import fc from 'fast-check';
import type { Cbor } from '../dist/cbor.js';
import { feedKey } from '../dist/feed.js';
import type { FeedHoldings } from '../dist/holdings.js';
import { parseTenant, timelineScope, type TenantId } from '../dist/identity.js';
import { LIMITS } from '../dist/limits.js';
import { CLOSE_CODES, type ByeCode, type Message } from '../dist/message.js';
import { ACME, alice, epoch } from './forge.js';

type Of<K extends Message['kind']> = Message & { readonly kind: K };
const byes = Object.keys(CLOSE_CODES) as ByeCode[];

const HASH = new Uint8Array(32).fill(4);
const SIGNATURE = new Uint8Array(64).fill(6);
const TENANT = parseTenant('acme') ?? ('' as TenantId);
const FEED: FeedHoldings = {
  key: feedKey(ACME, alice.publicKey, epoch(1)),
  ranges: [
    { from: 1, to: 5, hash: HASH },
    { from: 9, to: 9, hash: HASH },
  ],
};

/** In the order in which PROTOCOL.md lists them. */
export const SAMPLES: { readonly [K in Message['kind']]: Message } = {
  hello: {
    kind: 'hello',
    version: '0.1.0',
    name: 'alpha',
    verify: true,
    proof: HASH,
    atMs: 1_760_000_000_000,
    certificates: [Uint8Array.of(0x30, 0)],
    rotations: [Uint8Array.of(1)],
    signature: SIGNATURE,
  },
  holdings: {
    kind: 'holdings',
    scopes: [{ scope: ACME, read: true, write: false }],
    ranges: [{ lower: '', upper: `${FEED.key}\0`, digest: HASH, feeds: [FEED], reply: true }],
    round: 1,
  },
  want: { kind: 'want', ranges: [{ key: FEED.key, from: 1, to: 5, aligned: true }], creditBytes: 100 },
  entries: { kind: 'entries', entries: [Uint8Array.of(1, 2, 3)] },
  receipt: { kind: 'receipt', feeds: [FEED], run: epoch(2), atMs: 1, signature: SIGNATURE },
  peers: {
    kind: 'peers',
    peers: [{ key: alice.publicKey, name: 'alice', address: 'wss://alice.example:443/v1/federation' }],
  },
  readings: { kind: 'readings', claims: [{ tenant: TENANT, rules: HASH, accepted: undefined }] },
  ping: { kind: 'ping', nonce: 1 },
  pong: { kind: 'pong', nonce: 1 },
  bye: { kind: 'bye', code: 'going_away', reason: 'restart' },
};

/** No lists of what nodes say of their readings: other than triples, digests of other lengths, or tenants out of order. */
export const MALFORMED_READINGS: readonly Cbor[] = [
  null,
  [null],
  [['acme', HASH]],
  [['acme', HASH.subarray(1), null]],
  [['acme', HASH, HASH.subarray(1)]],
  [['acme', null, HASH]],
  [['', HASH, HASH]],
  [['a\nb', HASH, HASH]],
  ['b', 'a'].map((name) => [name, HASH, HASH]),
  ['a', 'a'].map((name) => [name, HASH, HASH]),
  Array.from({ length: LIMITS.readingClaims + 1 }, (_, i) => [`t${1000 + i}`, HASH, HASH]),
];

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const count = fc.oneof(fc.nat(30), fc.maxSafeNat());
const scope = fc
  .stringMatching(/^[A-Za-z0-9!$.~-]{1,30}$/)
  .map((name) => timelineScope(parseTenant(name) ?? ('x' as never)));
const offered = fc
  .tuple(scope, fc.constantFrom([true, true], [true, false], [false, true]))
  .map(([named, [read = false, write = false]]) => ({ scope: named, read, write }));
const key = fc.tuple(scope, bytes(32), bytes(8)).map(([name, origin, run]) => feedKey(name, origin, run));

const ranges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 99 }), bytes(32)), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) => {
    let at = 0;
    return steps.map(([gap, length, hash]) => {
      const from = at + 1 + gap;
      at = from + length + 1;
      return { from, to: from + length, hash };
    });
  });

const feeds = fc
  .uniqueArray(fc.record({ key, ranges }), { maxLength: 8, selector: (feed) => feed.key })
  .map((list) => list.toSorted((a, b) => (a.key < b.key ? -1 : 1)));

/** Ascending and apart: each range lists some feeds, or none, or tells a digest alone. */
const compared = fc
  .tuple(feeds, fc.array(fc.tuple(fc.boolean(), fc.boolean(), bytes(32)), { minLength: 8, maxLength: 8 }))
  .map(([list, choices]) =>
    list.map((feed, i) => {
      const [listed, reply, digest] = choices[i] ?? [true, true, HASH];
      const upper = list[i + 1]?.key ?? '';
      return {
        lower: feed.key,
        upper,
        digest,
        feeds: listed ? [feed] : undefined,
        reply,
      };
    }),
  );

const name = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/);
const part = fc.nat(9999);

/** Any message that this version may send. */
export const messages: { readonly [K in Message['kind']]: fc.Arbitrary<Message> } = {
  hello: fc.record<Of<'hello'>>({
    kind: fc.constant('hello'),
    version: fc.tuple(part, part, part).map((parts) => parts.join('.')),
    name,
    verify: fc.boolean(),
    proof: bytes(32),
    atMs: count,
    certificates: fc.array(fc.uint8Array({ maxLength: 4000 }), { maxLength: 4 }),
    rotations: fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: LIMITS.rotations }),
    signature: bytes(64),
  }),
  holdings: fc.record<Of<'holdings'>>({
    kind: fc.constant('holdings'),
    scopes: fc.oneof(fc.constant(undefined), fc.constant('*' as const), fc.array(offered, { maxLength: 5 })),
    ranges: compared,
    round: count,
  }),
  want: fc.record<Of<'want'>>({
    kind: fc.constant('want'),
    ranges: fc.array(
      fc
        .tuple(key, fc.integer({ min: 1 }), fc.nat(), fc.boolean())
        .map(([feed, from, length, aligned]) => ({ key: feed, from, to: from + length, aligned })),
      { maxLength: 6 },
    ),
    creditBytes: fc.nat(LIMITS.creditBytes),
  }),
  entries: fc.record<Of<'entries'>>({
    kind: fc.constant('entries'),
    entries: fc.array(fc.uint8Array({ maxLength: 2000 }), { minLength: 1, maxLength: 6 }),
  }),
  receipt: fc.record<Of<'receipt'>>({
    kind: fc.constant('receipt'),
    feeds,
    run: bytes(8),
    atMs: count,
    signature: bytes(64),
  }),
  peers: fc.record<Of<'peers'>>({
    kind: fc.constant('peers'),
    peers: fc.array(
      fc.record({
        key: bytes(32),
        name,
        address: fc.integer({ min: 1, max: 65_535 }).map((port) => `ws://10.0.0.1:${port}/v1/federation`),
      }),
      { maxLength: LIMITS.acquaintances },
    ),
  }),
  readings: fc.record<Of<'readings'>>({
    kind: fc.constant('readings'),
    claims: fc
      .uniqueArray(
        fc.record({
          tenant: fc.stringMatching(/^[A-Za-z0-9]{1,20}$/).map((text) => parseTenant(text) ?? TENANT),
          rules: bytes(32),
          accepted: fc.option(bytes(32), { nil: undefined }),
        }),
        { maxLength: 8, selector: (claim) => claim.tenant },
      )
      .map((claims) => claims.toSorted((a, b) => (a.tenant < b.tenant ? -1 : 1))),
  }),
  ping: fc.record<Of<'ping'>>({ kind: fc.constant('ping'), nonce: count }),
  pong: fc.record<Of<'pong'>>({ kind: fc.constant('pong'), nonce: count }),
  bye: fc.record<Of<'bye'>>({
    kind: fc.constant('bye'),
    code: fc.constantFrom(...byes),
    reason: fc.string({ maxLength: 200, unit: 'grapheme' }),
  }),
};
