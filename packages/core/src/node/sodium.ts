/** The crypto port on libsodium, with Node's own OpenSSL where that is faster: hashes and CRC-32. */

import { createHmac, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import sodium from 'sodium-native';
import { concatBytes, EMPTY, equalBytes } from '../bytes.js';
import { assert } from '../errors.js';
import type { Crypto } from '../ports.js';

const SIGNATURE_BYTES = sodium.crypto_sign_BYTES;
const PUBLIC_KEY_BYTES = sodium.crypto_sign_PUBLICKEYBYTES;
const SECRET_KEY_BYTES = sodium.crypto_sign_SECRETKEYBYTES;
const SEED_BYTES = sodium.crypto_sign_SEEDBYTES;
const STRETCHED_BYTES = 32;
/** Keys remembered as safe, the oldest forgotten first. */
const SAFE_KEYS = 32;

export function createCrypto(): Crypto {
  return {
    sha256(...parts) {
      // One joined call is faster than a hash object even with the copy, for all that is small.
      return plain(hash('sha256', parts.length === 1 ? (parts[0] ?? EMPTY) : concatBytes(parts), 'buffer'));
    },

    sign(message, secretKey) {
      assert(secretKey.length === SECRET_KEY_BYTES, 'a secret key is seed and public key, 64 bytes');
      const signature = new Uint8Array(SIGNATURE_BYTES);
      sodium.crypto_sign_detached(signature, message, secretKey);
      return signature;
    },

    verify(signature, message, publicKey) {
      // sodium-native looks at the first 64 bytes only and throws on a key of another length.
      if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES) return false;
      return sodium.crypto_sign_verify_detached(signature, message, publicKey);
    },

    isSafePublicKey: rememberingSafeKeys(),

    keyPair(seed) {
      assert(seed.length === SEED_BYTES, 'a seed is 32 bytes');
      const publicKey = new Uint8Array(PUBLIC_KEY_BYTES);
      const secretKey = new Uint8Array(SECRET_KEY_BYTES);
      sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
      return { publicKey, secretKey };
    },

    hmac(key, message) {
      return plain(createHmac('sha256', key).update(message).digest());
    },

    stretch(secret, label) {
      const salt = hash('sha256', label, 'buffer').subarray(0, sodium.crypto_pwhash_SALTBYTES);
      const stretched = new Uint8Array(STRETCHED_BYTES);
      sodium.crypto_pwhash(
        stretched,
        new TextEncoder().encode(secret),
        salt,
        sodium.crypto_pwhash_OPSLIMIT_INTERACTIVE,
        sodium.crypto_pwhash_MEMLIMIT_INTERACTIVE,
        sodium.crypto_pwhash_ALG_ARGON2ID13,
      );
      return stretched;
    },

    crc32(...parts) {
      let sum = 0;
      // zlib takes empty input for "no input" and starts again from 0.
      for (const part of parts) if (part.length > 0) sum = crc32(part, sum);
      return sum;
    },
  };
}

/**
 * Whether a key may name anyone. libsodium checks the encoding (y < 2^255 - 19), that the point is on the curve,
 * and that it lies in the main subgroup, which also rules out the small orders under which anything verifies.
 */
export function isSafePublicKey(publicKey: Uint8Array): boolean {
  return publicKey.length === PUBLIC_KEY_BYTES && sodium.crypto_core_ed25519_is_valid_point(publicKey);
}

/** Entries come in runs of one origin, and to look at its key again each time takes longer than to verify what it signed. */
function rememberingSafeKeys(): (publicKey: Uint8Array) => boolean {
  const known: Uint8Array[] = [];
  let next = 0;
  return (publicKey) => {
    if (known.some((key) => equalBytes(key, publicKey))) return true;
    if (!isSafePublicKey(publicKey)) return false;
    // A copy: the caller's bytes may be overwritten.
    known[next] = Uint8Array.from(publicKey);
    next = (next + 1) % SAFE_KEYS;
    return true;
  };
}

/** The same memory without Buffer's own methods, so that values compare as plain bytes. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
