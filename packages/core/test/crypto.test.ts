/** Signatures, keys, hashes and compression: known answers, and what must never be accepted. */

import test from 'ava';
import { concatBytes, fromHex, toHex } from '../dist/bytes.js';
import { createCrypto } from '../dist/node/sodium.js';
import { createClock, createCompression, createRandom, createText } from '../dist/node/system.js';

const crypto = createCrypto();
const text = createText();
const compression = createCompression();
const hex = (digits: string): Uint8Array => fromHex(digits) ?? new Uint8Array(0);

/** RFC 8032 §7.1: seed, public key, message, signature. */
const RFC_8032: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
];

/** The points of small order in every encoding that a lax decoder takes (y below 2^255, both signs). */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PRIME = 2n ** 255n - 19n;

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

/** The same encoding with the sign of x inverted. */
function otherSign(key: Uint8Array): Uint8Array {
  return key.with(31, (key[31] ?? 0) ^ 0x80);
}

test('keys and signatures are those of RFC 8032', (t) => {
  for (const [seed, publicKey, message, signature] of RFC_8032) {
    const pair = crypto.keyPair(hex(seed));
    t.is(toHex(pair.publicKey), publicKey);
    t.is(toHex(crypto.sign(hex(message), pair.secretKey)), signature);
    t.true(crypto.verify(hex(signature), hex(message), pair.publicKey));
    t.true(crypto.isSafePublicKey(pair.publicKey));
  }
});

test('a signature of any other length is refused, even if it begins with a good one', (t) => {
  const [, publicKey = '', message = '', signature = ''] = RFC_8032[2] ?? [];
  const verify = (bytes: Uint8Array): boolean => crypto.verify(bytes, hex(message), hex(publicKey));
  t.true(verify(hex(signature)));
  t.false(verify(hex(`${signature}00`)));
  t.false(verify(hex(signature).subarray(0, 63)));
  t.false(verify(new Uint8Array(0)));
  t.false(crypto.verify(hex(signature), hex(message), hex(publicKey).subarray(1)));
});

test('an altered signature, message or key is refused', (t) => {
  const { publicKey, secretKey } = crypto.keyPair(new Uint8Array(32).fill(3));
  const message = text.encode('span');
  const signature = crypto.sign(message, secretKey);
  for (let bit = 0; bit < 512; bit += 7) {
    const at = bit >> 3;
    t.false(crypto.verify(signature.with(at, (signature[at] ?? 0) ^ (1 << (bit & 7))), message, publicKey));
  }
  t.false(crypto.verify(signature, text.encode('spam'), publicKey));
  t.false(crypto.verify(signature, message, crypto.keyPair(new Uint8Array(32).fill(4)).publicKey));
});

test('a signature whose S is not reduced is refused', (t) => {
  const { publicKey, secretKey } = crypto.keyPair(new Uint8Array(32).fill(3));
  const message = text.encode('span');
  const signature = crypto.sign(message, secretKey);
  const larger = numberOf(signature.subarray(32)) + ORDER;
  const malleated = concatBytes([signature.subarray(0, 32), littleEndian(larger)]);
  t.false(crypto.verify(malleated, message, publicKey));
});

test('keys of small order are refused, and nothing verifies under them', (t) => {
  for (const key of SMALL_ORDER.flatMap((digits) => [hex(digits), otherSign(hex(digits))])) {
    t.false(crypto.isSafePublicKey(key), toHex(key));
    const signature = concatBytes([hex(SMALL_ORDER[0] ?? ''), new Uint8Array(32)]);
    t.false(crypto.verify(signature, text.encode('anything'), key), toHex(key));
  }
});

test('keys that are not canonically encoded are refused', (t) => {
  for (let y = PRIME; y < 2n ** 255n; y++) {
    const key = littleEndian(y);
    t.false(crypto.isSafePublicKey(key), toHex(key));
    t.false(crypto.isSafePublicKey(otherSign(key)), toHex(key));
  }
});

test('keys off the curve or of another length are refused', (t) => {
  t.false(crypto.isSafePublicKey(littleEndian(2n)));
  t.false(crypto.isSafePublicKey(new Uint8Array(0)));
  const { publicKey } = crypto.keyPair(new Uint8Array(32).fill(3));
  t.false(crypto.isSafePublicKey(concatBytes([publicKey, Uint8Array.of(0)])));
  t.false(crypto.isSafePublicKey(publicKey.subarray(0, 31)));
});

test('a key that was found safe vouches for no other, even in the same bytes', (t) => {
  const keys = Array.from({ length: 100 }, (_, i) => crypto.keyPair(new Uint8Array(32).fill(i)).publicKey);
  for (const key of [...keys, ...keys]) t.true(crypto.isSafePublicKey(key));
  for (const key of keys) {
    const unsafe = hex(SMALL_ORDER[0] ?? '');
    key.set(unsafe);
    t.false(crypto.isSafePublicKey(key));
    t.false(crypto.isSafePublicKey(unsafe));
  }
});

test('hashes are those of their standards, whatever the parts', (t) => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  t.is(toHex(crypto.sha256(text.encode('abc'))), abc);
  t.is(toHex(crypto.sha256(text.encode('a'), text.encode(''), text.encode('bc'))), abc);
  t.is(toHex(crypto.sha256()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  t.is(crypto.crc32(text.encode('123456789')), 0xcbf43926);
  t.is(crypto.crc32(text.encode('1234'), text.encode(''), text.encode('56789')), 0xcbf43926);
  t.is(crypto.crc32(), 0);
  // RFC 4231, test case 2.
  const mac = crypto.hmac(text.encode('Jefe'), text.encode('what do ya want for nothing?'));
  t.is(toHex(mac), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});

test('results are plain bytes', (t) => {
  const { publicKey, secretKey } = crypto.keyPair(new Uint8Array(32));
  const results = [
    crypto.sha256(secretKey),
    crypto.hmac(secretKey, publicKey),
    crypto.sign(publicKey, secretKey),
    compression.compress(publicKey),
    createRandom().bytes(8),
    text.encode('x'),
  ];
  for (const bytes of results) t.is(Object.getPrototypeOf(bytes), Uint8Array.prototype);
});

test('a network key is stretched to the same 32 bytes each time, and to others for another key or label', (t) => {
  const stretched = toHex(crypto.stretch('correct horse', 'network'));
  t.is(stretched.length, 64);
  t.is(toHex(crypto.stretch('correct horse', 'network')), stretched);
  t.not(toHex(crypto.stretch('correct horse!', 'network')), stretched);
  t.not(toHex(crypto.stretch('correct horse', 'discovery')), stretched);
  t.is(crypto.stretch('', '').length, 32);
});

test('bytes come back from compression as they were', (t) => {
  for (const size of [0, 1, 1000, 65_536, 1 << 20]) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * index) >>> 7);
    t.deepEqual(compression.decompress(compression.compress(bytes), size), bytes);
  }
});

test('what would inflate beyond the limit, is damaged, cut short or continued is refused', (t) => {
  const bomb = compression.compress(new Uint8Array(64 << 20));
  t.true(bomb.length < 64 << 10);
  t.is(compression.decompress(bomb, 1 << 20), undefined);
  const packed = compression.compress(text.encode('logline '.repeat(100)));
  t.is(compression.decompress(packed, 799), undefined);
  t.is(compression.decompress(packed, 800)?.length, 800);
  t.is(compression.decompress(packed.subarray(0, -1), 800), undefined);
  t.is(compression.decompress(concatBytes([packed, Uint8Array.of(0)]), 800), undefined);
  t.is(compression.decompress(text.encode('this was never compressed'), 800), undefined);
  t.is(compression.decompress(new Uint8Array(0), 800), undefined);
  t.is(compression.decompress(compression.compress(Uint8Array.of(1)), 0), undefined);
});

test('text is decoded strictly, and a byte order mark is text', (t) => {
  t.is(text.decode(text.encode('späñ 🜁')), 'späñ 🜁');
  t.is(text.decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b)), '\ufeff{');
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    t.is(text.decode(Uint8Array.from(bytes)), undefined);
  }
});

test('a timer fires once, and not at all after it was cancelled', async (t) => {
  const clock = createClock();
  const fired: string[] = [];
  clock.after(0, () => fired.push('cancelled')).cancel();
  const far = clock.after(2 ** 40, () => fired.push('far'));
  await new Promise<void>((resolve) => {
    clock.after(1, () => {
      fired.push('soon');
      resolve();
    });
  });
  far.cancel();
  t.deepEqual(fired, ['soon']);
});
