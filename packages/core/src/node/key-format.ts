/** The text of a key file: a node's seed as it is, or sealed under a passphrase, with what tells a damaged file from a whole one. */

import { fromBase64Url, toBase64Url, toHex } from '../bytes.js';
import type { Crypto } from '../ports.js';

export const SEED_BYTES = 32;
/** A file longer than this is something else. */
export const KEY_FILE_BYTES_MAX = 4096;

/** What stretching a passphrase costs: Argon2id's passes and its memory in bytes. */
export interface StretchCost {
  readonly passes: number;
  readonly memoryBytes: number;
}

/** A seed in a box that only its passphrase opens. The public key stands beside it, so that a node can be named without. */
export interface SealedSeed {
  readonly publicKey: Uint8Array;
  readonly cost: StretchCost;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

export type KeyFile =
  | { readonly kind: 'plain'; readonly seed: Uint8Array }
  | { readonly kind: 'sealed'; readonly sealed: SealedSeed };

/** Beyond this a damaged or foreign file could keep a start busy for minutes. */
const COST_MAX: StretchCost = { passes: 10, memoryBytes: 1 << 30 };
const MEMORY_BYTES_MIN = 8192;
const SALT_BYTES = 16;
const NONCE_BYTES = 24;
const BOX_BYTES = SEED_BYTES + 16;
const CHECKSUM_BYTES = 8;

export const PLAIN_HEAD = 'logline-node-key v1';
export const SEALED_HEAD = 'logline-node-key v2';
const PLAIN = /^logline-node-key v1\nseed ([A-Za-z0-9_-]{43})\nchecksum ([0-9a-f]{16})\n$/;
const SEALED =
  /^(logline-node-key v2\npublic ([\w-]{43})\nargon2id ([1-9]\d{0,2}) ([1-9]\d{0,10}) ([\w-]{22})\nsecretbox ([\w-]{32}) ([\w-]{64})\n)checksum ([0-9a-f]{16})\n$/;

type Hash = Pick<Crypto, 'sha256'>;

export function formatKeyFile(file: KeyFile, crypto: Hash): string {
  if (file.kind === 'plain') {
    const { seed } = file;
    return `${PLAIN_HEAD}\nseed ${toBase64Url(seed)}\nchecksum ${checksumOf(PLAIN_HEAD, seed, crypto)}\n`;
  }
  const { publicKey, cost, salt, nonce, box } = file.sealed;
  const text = [
    SEALED_HEAD,
    `public ${toBase64Url(publicKey)}`,
    `argon2id ${cost.passes} ${cost.memoryBytes} ${toBase64Url(salt)}`,
    `secretbox ${toBase64Url(nonce)} ${toBase64Url(box)}`,
    '',
  ].join('\n');
  return `${text}checksum ${checksumOf(text, new Uint8Array(0), crypto)}\n`;
}

/** `undefined` unless `text` is exactly what `formatKeyFile` writes for some key. */
export function parseKeyFile(text: string, crypto: Hash): KeyFile | undefined {
  return parsePlain(text, crypto) ?? parseSealed(text, crypto);
}

function parsePlain(text: string, crypto: Hash): KeyFile | undefined {
  const [, encoded = '', checksum] = PLAIN.exec(text) ?? [];
  const seed = fromBase64Url(encoded);
  if (seed?.length !== SEED_BYTES || checksumOf(PLAIN_HEAD, seed, crypto) !== checksum) return undefined;
  return { kind: 'plain', seed };
}

function parseSealed(text: string, crypto: Hash): KeyFile | undefined {
  const [, checked = '', key = '', passes, memory, salt = '', nonce = '', box = '', checksum] =
    SEALED.exec(text) ?? [];
  if (checksum === undefined || checksumOf(checked, new Uint8Array(0), crypto) !== checksum) return undefined;
  const cost = { passes: Number(passes), memoryBytes: Number(memory) };
  const isBounded =
    cost.passes <= COST_MAX.passes &&
    cost.memoryBytes >= MEMORY_BYTES_MIN &&
    cost.memoryBytes <= COST_MAX.memoryBytes;
  const parts = [
    [key, SEED_BYTES],
    [salt, SALT_BYTES],
    [nonce, NONCE_BYTES],
    [box, BOX_BYTES],
  ] as const;
  const [publicKey, saltBytes, nonceBytes, boxBytes] = parts.map(([encoded, length]) => {
    const bytes = fromBase64Url(encoded);
    return bytes?.length === length ? bytes : undefined;
  });
  if (!isBounded || !publicKey || !saltBytes || !nonceBytes || !boxBytes) return undefined;
  return { kind: 'sealed', sealed: { publicKey, cost, salt: saltBytes, nonce: nonceBytes, box: boxBytes } };
}

/** Tells damage, and tells nothing of the seed to who sees only it. */
function checksumOf(text: string, bytes: Uint8Array, crypto: Hash): string {
  const head = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return toHex(crypto.sha256(head, bytes).subarray(0, CHECKSUM_BYTES));
}
