/** Frames that no honest node ever sends (THREATS F1, T1): each is refused wherever and whenever it comes. */

import { brotliCompressSync, constants } from 'node:zlib';

const DEPTH = 100_000;
const BOMB_BYTES = 256 * 1024 * 1024;
const FRAME_BYTES_MAX = 1024 * 1024;

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** CBOR by hand, since a good encoder refuses to write most of this. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = bytes.length < 24 ? [0x60 + bytes.length] : [0x78, bytes.length];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function map(...members: readonly (readonly [string, Buffer])[]): Buffer {
  const parts = members.flatMap(([key, value]) => [text(key), value]);
  return Buffer.concat([Buffer.of(0xa0 + members.length), ...parts]);
}

const NULL = hex('f6');

/** As the first bytes of a stock automerge-repo client would be. */
const STOCK_FRAMES: Readonly<Record<string, Buffer>> = {
  'a join without a sender': map(['type', text('join')]),
  'a join of a stock client': map(
    ['type', text('join')],
    ['senderId', text('mallory')],
    ['peerMetadata', map()],
    ['supportedProtocolVersions', Buffer.concat([hex('81'), text('1')])],
  ),
  'a join whose protocol versions are a number': map(
    ['type', text('join')],
    ['senderId', text('mallory')],
    ['supportedProtocolVersions', hex('05')],
  ),
  'an answer to a join': map(['type', text('peer')], ['selectedProtocolVersion', text('1')]),
  'a request for a document': map(
    ['type', text('request')],
    ['documentId', text('4NMNnkMhL8jXrdJ9jamS58PAVdXu')],
    ['data', hex('4100')],
  ),
};

const CBOR_VALUES: Readonly<Record<string, Buffer>> = {
  null: NULL,
  undefined: hex('f7'),
  true: hex('f5'),
  false: hex('f4'),
  'an unassigned simple value': hex('f8ff'),
  'a small number': hex('05'),
  'a negative number': hex('20'),
  'the largest number': hex('1bffffffffffffffff'),
  'the least number': hex('3bffffffffffffffff'),
  'a half float': hex('f93e00'),
  'a float': hex('fa3fc00000'),
  'a double': hex('fb3ff8000000000000'),
  'not a number': hex('f97e00'),
  infinity: hex('f97c00'),
  'minus zero': hex('f98000'),
  'an empty text': hex('60'),
  'a text': text('x'),
  'a text of bad UTF-8': hex('61ff'),
  'a lone surrogate': hex('63eda080'),
  'some bytes': hex('4101'),
  'an empty array': hex('80'),
  'an empty map': hex('a0'),
  'a tagged date': hex('c11a514b67b0'),
  'a tagged big number': hex('c249010000000000000000'),
  'a tag that says CBOR': hex('d9d9f7f6'),
  'the largest tag': hex('dbfffffffffffffffff6'),
};

const MALFORMED: Readonly<Record<string, Buffer>> = {
  'an array that claims 2^64 items': hex('9bffffffffffffffff'),
  'an array that claims 2^32 items': hex('9affffffff'),
  'a map that claims 2^64 members': hex('bbffffffffffffffff'),
  'a text that claims 2^64 bytes': hex('7bffffffffffffffff'),
  'bytes that claim 2^64 bytes': hex('5bffffffffffffffff'),
  'bytes that claim 16 MiB': hex('5a01000000'),
  'a length of a reserved kind': hex('1c'),
  'an array without end': hex('9f'),
  'an array of indefinite length': hex('9fff'),
  'a map without end': hex('bf'),
  'a map of indefinite length': hex('bfff'),
  'a text of indefinite length': hex('7f6161ff'),
  'bytes without end': hex('5f'),
  'a break alone': hex('ff'),
  'half a map': hex('a1'),
  'a key without a value': hex('a16174'),
  'a number longer than it needs to be': hex('1800'),
  'a length longer than it needs to be': hex('780161'),
  'a map with a number as a key': hex('a10101'),
  'a map with a key twice': Buffer.concat([hex('a2'), text('t'), text('ping'), text('t'), text('pong')]),
  'two values': hex('f6f6'),
  'a byte too many': hex('a000'),
  '100,000 arrays inside one another': Buffer.concat([Buffer.alloc(DEPTH, 0x81), hex('80')]),
  '100,000 arrays without end inside one another': Buffer.alloc(DEPTH, 0x9f),
  '100,000 maps inside one another': Buffer.concat([Buffer.alloc(3 * DEPTH, hex('a16161')), hex('a0')]),
  '100,000 tags on one another': Buffer.concat([Buffer.alloc(DEPTH, 0xc1), NULL]),
};

const ALMOST_MESSAGES: Readonly<Record<string, Buffer>> = {
  'a kind that does not exist': map(['t', text('admin')]),
  'a kind from the prototype': map(['t', text('__proto__')]),
  'a member that is the prototype': map(['__proto__', map(['t', text('ping')])]),
  'a kind that is a number': map(['t', hex('05')]),
  'a hello that says nothing': map(['t', text('hello')]),
  'a ping of minus one': map(['n', hex('20')], ['t', text('ping')]),
  'a ping of one and a half': map(['n', hex('f93e00')], ['t', text('ping')]),
  'a ping of a text': map(['n', text('1')], ['t', text('ping')]),
  'a ping with one member more': map(['n', hex('01')], ['t', text('ping')], ['x', NULL]),
  'a want of more room than there may be': map(
    ['t', text('want')],
    ['ranges', hex('80')],
    ['credit', hex('1b001fffffffffffff')],
  ),
  'a want of ranges that are none': map(['t', text('want')], ['ranges', hex('8105')], ['credit', hex('00')]),
  'entries that are none': map(['t', text('entries')], ['entries', hex('80')]),
  'entries that are numbers': map(['t', text('entries')], ['entries', hex('8105')]),
  'holdings of nulls': map(['t', text('holdings')], ['round', NULL], ['ranges', NULL], ['scopes', NULL]),
  'holdings of a number of scopes': map(
    ['t', text('holdings')],
    ['round', hex('00')],
    ['ranges', hex('80')],
    ['scopes', hex('05')],
  ),
  'a goodbye for no known reason': map(['t', text('bye')], ['code', text('bored')], ['reason', text('')]),
};

/** What is no message, as bytes of CBOR. */
export const HOSTILE_CBOR: Readonly<Record<string, Buffer>> = {
  ...STOCK_FRAMES,
  ...CBOR_VALUES,
  ...MALFORMED,
  ...ALMOST_MESSAGES,
};

const PLAIN = Buffer.of(0);
const BROTLI = Buffer.of(1);

const CODED = Object.entries(HOSTILE_CBOR).map(([name, bytes]) => [name, Buffer.concat([PLAIN, bytes])]);
const BOMB = brotliCompressSync(Buffer.alloc(BOMB_BYTES), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
});

/** What is no message, as frames of a session: a byte that says how the rest is coded, then CBOR. */
export const HOSTILE_FRAMES: Readonly<Record<string, Buffer>> = {
  ...(Object.fromEntries(CODED) as Readonly<Record<string, Buffer>>),
  'a frame of no bytes': Buffer.alloc(0),
  'a frame of a coding and nothing else': PLAIN,
  'a frame of a coding that does not exist': Buffer.concat([Buffer.of(7), map(['t', text('ping')])]),
  'a frame of bad Brotli': Buffer.concat([BROTLI, hex('ffffffff')]),
  'a frame that inflates to 256 MiB': Buffer.concat([BROTLI, BOMB]),
  'the largest frame, of zeros': Buffer.alloc(FRAME_BYTES_MAX),
  'the largest frame, of nulls': Buffer.concat([PLAIN, Buffer.alloc(FRAME_BYTES_MAX - 1, 0xf6)]),
};
