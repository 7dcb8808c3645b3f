/** The file with the node's Ed25519 seed: the node's identity, so it is made once, never overwritten, and read by its owner alone. */

import { link, open, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fromBase64Url, toBase64Url, toHex } from '../bytes.js';
import { LoglineError } from '../errors.js';
import type { Crypto, KeyPair, Random } from '../ports.js';
import { diskError, makeDirectory, syncDirectory, unless, withinDeadline } from './directory-disk.js';

const HEAD = 'logline-node-key v1';
const FORM = /^logline-node-key v1\nseed ([A-Za-z0-9_-]{43})\nchecksum ([0-9a-f]{16})\n$/;
const SEED_BYTES = 32;
const CHECKSUM_BYTES = 8;
/** A file longer than this is something else. */
const FILE_BYTES_MAX = 4096;
const FOR_GROUP_OR_WORLD = 0o077;

interface Source {
  readonly random: Random;
  readonly crypto: Pick<Crypto, 'keyPair' | 'sha256'>;
}

/**
 * Reads the key at `path`, or makes one there if there is no file; of two processes that start at once, one makes it
 * and both read it. Rejects with `bad_configuration` for a file that others may read, `damaged` for one that is no
 * whole key, `disk_failed` for anything else.
 */
export async function loadOrCreateNodeKey(path: string, source: Source): Promise<KeyPair> {
  const at = resolve(path);
  const work = loadOrCreate(at, source);
  const seed = await withinDeadline({ doing: 'read or make the node key', path: at }, work);
  return source.crypto.keyPair(seed);
}

async function loadOrCreate(path: string, source: Source): Promise<Uint8Array> {
  const found = await loadSeed(path, source);
  if (found !== undefined) return found;
  await createKeyFile(path, source);
  const made = await loadSeed(path, source);
  if (made === undefined)
    throw new LoglineError('disk_failed', `${path} vanished as soon as it was made: check who removes it`);
  return made;
}

/** `undefined` where there is no file. */
async function loadSeed(path: string, { crypto }: Source): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(unless('ENOENT', undefined));
  if (file === undefined) return undefined;
  try {
    const { mode, size } = await file.stat();
    if ((mode & FOR_GROUP_OR_WORLD) !== 0) throw readableByOthers(path, mode);
    const seed = size <= FILE_BYTES_MAX ? parseKeyFile(await file.readFile('latin1'), crypto) : undefined;
    if (seed === undefined) throw damagedKey(path);
    return seed;
  } catch (error) {
    throw diskError({ doing: 'read', path }, error);
  } finally {
    await file.close();
  }
}

/** Writes aside, then links into place: the name appears with a whole and durable key, and never replaces another. */
async function createKeyFile(path: string, { random, crypto }: Source): Promise<void> {
  const directory = dirname(path);
  await makeDirectory(directory);
  const draft = join(directory, `.${basename(path)}-${toHex(random.bytes(8))}`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(formatKeyFile(random.bytes(SEED_BYTES), crypto));
    await file.sync();
    await link(draft, path).catch(unless('EEXIST', undefined));
  } finally {
    await file.close();
    await unlink(draft);
  }
  await syncDirectory(directory);
}

function formatKeyFile(seed: Uint8Array, crypto: Pick<Crypto, 'sha256'>): string {
  return `${HEAD}\nseed ${toBase64Url(seed)}\nchecksum ${checksumOf(seed, crypto)}\n`;
}

/** `undefined` unless `text` is exactly what `formatKeyFile` writes for some seed. */
function parseKeyFile(text: string, crypto: Pick<Crypto, 'sha256'>): Uint8Array | undefined {
  const [, encoded = '', checksum] = FORM.exec(text) ?? [];
  const seed = fromBase64Url(encoded);
  return seed?.length === SEED_BYTES && checksumOf(seed, crypto) === checksum ? seed : undefined;
}

/** Tells damage, and tells nothing of the seed to who sees only it. */
function checksumOf(seed: Uint8Array, crypto: Pick<Crypto, 'sha256'>): string {
  const head = Uint8Array.from(HEAD, (character) => character.charCodeAt(0));
  return toHex(crypto.sha256(head, seed).subarray(0, CHECKSUM_BYTES));
}

function readableByOthers(path: string, mode: number): LoglineError {
  const found = (mode & 0o777).toString(8).padStart(4, '0');
  const why = `${path} is the node's secret key, but its mode is ${found}, so other users can reach it; run: chmod 600 '${path}'`;
  return new LoglineError('bad_configuration', why);
}

function damagedKey(path: string): LoglineError {
  const why = `${path} should hold a node key (three lines, the first "${HEAD}") but does not, or its checksum is wrong; it is left as it is. Restore it from a backup. Only if there is none, move it away: the node then starts with a new identity, which peers have to verify anew`;
  return new LoglineError('damaged', why);
}
