/** Seeds under a passphrase: Argon2id makes the key of a box (XSalsa20-Poly1305) that holds the seed. */

import { readFile } from 'node:fs/promises';
import sodium from 'sodium-native';
import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import type { Crypto, Random } from '../ports.js';
import { diskError } from './directory-disk.js';
import { SEED_BYTES, type SealedSeed, type StretchCost } from './key-format.js';

/** 256 MiB and about a second: spent once at a start, and by a thief for every guess. */
export const SEAL_COST: StretchCost = {
  passes: sodium.crypto_pwhash_OPSLIMIT_MODERATE,
  memoryBytes: sodium.crypto_pwhash_MEMLIMIT_MODERATE,
};
const PASSPHRASE_BYTES_MAX = 1024;

export interface SealOptions {
  readonly passphrase: string;
  readonly cost: StretchCost;
  readonly random: Random;
  readonly crypto: Pick<Crypto, 'keyPair'>;
}

export function sealSeed(seed: Uint8Array, { passphrase, cost, random, crypto }: SealOptions): SealedSeed {
  const salt = random.bytes(sodium.crypto_pwhash_SALTBYTES);
  const nonce = random.bytes(sodium.crypto_secretbox_NONCEBYTES);
  const box = new Uint8Array(SEED_BYTES + sodium.crypto_secretbox_MACBYTES);
  sodium.crypto_secretbox_easy(box, seed, nonce, stretch(passphrase, salt, cost));
  return { publicKey: crypto.keyPair(seed).publicKey, cost, salt, nonce, box };
}

/** `undefined` for another passphrase than the one it was sealed with, and for a box that holds another key than it says. */
export function openSealed(
  sealed: SealedSeed,
  { passphrase, crypto }: Pick<SealOptions, 'passphrase' | 'crypto'>,
): Uint8Array | undefined {
  const seed = new Uint8Array(SEED_BYTES);
  const key = stretch(passphrase, sealed.salt, sealed.cost);
  if (!sodium.crypto_secretbox_open_easy(seed, sealed.box, sealed.nonce, key)) return undefined;
  return equalBytes(crypto.keyPair(seed).publicKey, sealed.publicKey) ? seed : undefined;
}

/** The passphrase in a file, without the end of its line. Rejects with `bad_configuration` for an empty or overlong one. */
export async function readPassphrase(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw diskError({ doing: 'read the passphrase in', path }, error);
  });
  const passphrase = bytes.toString('utf8').replace(/\r?\n$/, '');
  const problem =
    passphrase === ''
      ? 'is empty'
      : bytes.length > PASSPHRASE_BYTES_MAX
        ? `has ${bytes.length} bytes`
        : undefined;
  if (problem === undefined) return passphrase;
  const expected = `expected a passphrase of 1 to ${PASSPHRASE_BYTES_MAX} bytes`;
  throw new LoglineError('bad_configuration', `${path} ${problem}: ${expected} on one line`);
}

function stretch(passphrase: string, salt: Uint8Array, cost: StretchCost): Uint8Array {
  const key = new Uint8Array(sodium.crypto_secretbox_KEYBYTES);
  const text = new TextEncoder().encode(passphrase);
  const { passes, memoryBytes } = cost;
  sodium.crypto_pwhash(key, text, salt, passes, memoryBytes, sodium.crypto_pwhash_ALG_ARGON2ID13);
  return key;
}
