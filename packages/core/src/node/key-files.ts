/** Key files on the disk: read by their owner alone, and made, replaced and removed so that a crash leaves the old or the new one whole. */

import { link, open, readdir, realpath, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toHex } from '../bytes.js';
import { LoglineError } from '../errors.js';
import type { Crypto, Random } from '../ports.js';
import { diskError, makeDirectory, syncDirectory, unless } from './directory-disk.js';
import {
  formatKeyFile,
  KEY_FILE_BYTES_MAX,
  parseKeyFile,
  PLAIN_HEAD,
  type KeyFile,
  type StretchCost,
} from './key-format.js';
import { openSealed, SEAL_COST, sealSeed } from './key-seal.js';

/** The name of the key's file in a data directory. */
export const KEY_FILE = 'node.key';
const FOR_GROUP_OR_WORLD = 0o077;

/** Where keys come from. */
export interface KeySource {
  readonly random: Random;
  readonly crypto: Pick<Crypto, 'keyPair' | 'sha256'>;
}

/** The steps that change the disk; a test passes ones at which the machine stops. */
export const KEY_FILE_CALLS = {
  /** Makes a file that is not there, for its owner alone; its content is durable on return, its name is not. */
  async writeNew(path: string, text: string): Promise<void> {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  link,
  rename,
  unlink,
  syncDirectory: (path: string): Promise<void> => syncDirectory(path),
};

export interface KeyFileOptions {
  /** Encrypts what is written, and in place what was found unencrypted. */
  readonly passphrase?: string;
  /** What guessing the passphrase costs. */
  readonly cost?: StretchCost;
  readonly calls?: typeof KEY_FILE_CALLS;
}

/** One key file and how to go about it. */
export interface KeyPlace extends KeySource {
  readonly path: string;
  readonly options: KeyFileOptions;
}

/** The seed in a key file; `undefined` where there is none. With a passphrase an unencrypted file is encrypted before this resolves. */
export async function loadSeed(place: KeyPlace): Promise<Uint8Array | undefined> {
  const file = await readKeyFile(place);
  if (file === undefined) return undefined;
  const { path, options, crypto } = place;
  const { passphrase } = options;
  if (file.kind === 'plain') {
    if (passphrase !== undefined) await encryptInPlace(place, file.seed);
    return file.seed;
  }
  if (passphrase === undefined) {
    const why = `${path} is encrypted: name the file with its passphrase in FEDERATION_KEY_PASSPHRASE_FILE`;
    throw new LoglineError('bad_configuration', why);
  }
  const seed = openSealed(file.sealed, { passphrase, crypto });
  if (seed !== undefined) return seed;
  const why = `the passphrase does not open ${path}: check the file that FEDERATION_KEY_PASSPHRASE_FILE names, and that it belongs to this key`;
  throw new LoglineError('bad_configuration', why);
}

/** What a key file holds, sealed as it is; `undefined` where there is none. */
export async function readKeyFile({
  path,
  crypto,
}: Pick<KeyPlace, 'path' | 'crypto'>): Promise<KeyFile | undefined> {
  const file = await open(path, 'r').catch(unless('ENOENT', undefined));
  if (file === undefined) return undefined;
  try {
    const { mode, size } = await file.stat();
    if ((mode & FOR_GROUP_OR_WORLD) !== 0) throw readableByOthers(path, mode);
    const text = size <= KEY_FILE_BYTES_MAX ? await file.readFile('latin1') : '';
    const parsed = parseKeyFile(text, crypto);
    if (parsed === undefined) throw damagedKey(path);
    return parsed;
  } catch (error) {
    throw diskError({ doing: 'read', path }, error);
  } finally {
    await file.close();
  }
}

/** Makes a key file unless there is one: the name appears with a whole and durable key, and never replaces another. */
export async function createKeyFile(place: KeyPlace, seed: Uint8Array): Promise<void> {
  const { path, options } = place;
  const { calls = KEY_FILE_CALLS } = options;
  await makeDirectory(dirname(path));
  await withDraft(place, textOf(place, seed), async (draft) => {
    // Taken, or swept away by another start: that one has made the key.
    await calls.link(draft, path).catch(unless('EEXIST', undefined)).catch(unless('ENOENT', undefined));
  });
  await calls.syncDirectory(dirname(path));
}

/** Puts a key in the place of another: at any moment there is the one or the other, whole. */
export async function replaceKeyFile(place: KeyPlace, seed: Uint8Array): Promise<void> {
  await replaceFile(place, textOf(place, seed));
}

/** Puts a text in the place of another, as `replaceKeyFile` does. */
export async function replaceFile(place: KeyPlace, text: string): Promise<void> {
  const { calls = KEY_FILE_CALLS } = place.options;
  await withDraft(place, text, (draft) => calls.rename(draft, place.path));
  await calls.syncDirectory(dirname(place.path));
}

/** Removes a key file for good, and overwrites it as far as the file system lets one. */
export async function eraseKeyFile({ path, options }: KeyPlace): Promise<void> {
  const { calls = KEY_FILE_CALLS } = options;
  await replacing(path, async () => {
    await calls.unlink(path).catch(unless('ENOENT', undefined));
    await calls.syncDirectory(dirname(path));
  });
}

/** Removes what a crash left of drafts beside a key file that exists: each may hold a seed. */
export async function sweepDrafts({ path, options }: KeyPlace): Promise<void> {
  const { calls = KEY_FILE_CALLS } = options;
  const prefix = draftPrefix(path);
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{16}$/.test(name.slice(prefix.length))) continue;
    await calls.unlink(join(dirname(path), name)).catch(unless('ENOENT', undefined));
  }
}

/** Where the key stays that a rotation has replaced, until its statement is published. */
export function previousPath(path: string): string {
  return `${path}.previous`;
}

/** The file that a name stands for in the end: a link to a key in another place is not to be replaced by a file. */
export async function resolveKeyPath(path: string): Promise<string> {
  return realpath(path).catch(unless('ENOENT', path));
}

async function encryptInPlace(place: KeyPlace, seed: Uint8Array): Promise<void> {
  const path = await resolveKeyPath(place.path);
  try {
    await replacing(path, () => replaceKeyFile({ ...place, path }, seed));
  } catch (error) {
    throw diskError({ doing: 'encrypt', path }, error);
  }
}

/** Runs what removes a file's last name, then overwrites the bytes that nobody can name any more. */
async function replacing(path: string, run: () => Promise<void>): Promise<void> {
  const old = await open(path, 'r+').catch(unless('ENOENT', undefined));
  try {
    await run();
    if (old !== undefined) await overwriteNameless(old);
  } finally {
    await old?.close();
  }
}

async function overwriteNameless(file: FileHandle): Promise<void> {
  const { nlink, size } = await file.stat();
  if (nlink > 0) return;
  const length = Math.min(size, KEY_FILE_BYTES_MAX);
  await file.write(new Uint8Array(length), 0, length, 0);
  await file.sync();
}

async function withDraft(
  place: KeyPlace,
  text: string,
  use: (draft: string) => Promise<void>,
): Promise<void> {
  const { path, random, options } = place;
  const { calls = KEY_FILE_CALLS } = options;
  const draft = join(dirname(path), draftPrefix(path) + toHex(random.bytes(8)));
  try {
    await calls.writeNew(draft, text);
    await use(draft);
  } finally {
    await calls.unlink(draft).catch(unless('ENOENT', undefined));
  }
}

function draftPrefix(path: string): string {
  return `.${basename(path)}-`;
}

function textOf(place: KeyPlace, seed: Uint8Array): string {
  const { options, random, crypto } = place;
  const { passphrase, cost = SEAL_COST } = options;
  if (passphrase === undefined) return formatKeyFile({ kind: 'plain', seed }, crypto);
  return formatKeyFile(
    { kind: 'sealed', sealed: sealSeed(seed, { passphrase, cost, random, crypto }) },
    crypto,
  );
}

function readableByOthers(path: string, mode: number): LoglineError {
  const found = (mode & 0o777).toString(8).padStart(4, '0');
  const why = `${path} is the node's secret key, but its mode is ${found}, so other users can reach it; run: chmod 600 '${path}'`;
  return new LoglineError('bad_configuration', why);
}

function damagedKey(path: string): LoglineError {
  const why = `${path} should hold a node key (a few lines, the first "${PLAIN_HEAD}" or v2) but does not, or its checksum is wrong; it is left as it is. Restore it from a backup. Only if there is none, move it away: the node then starts with a new identity, which peers have to verify anew`;
  return new LoglineError('damaged', why);
}

/** For a key that is not there though its predecessor is: a new one in its place would be a third identity. */
export function lostKey(path: string): LoglineError {
  const why = `there is no key at ${path}, but the one that it replaced is at ${previousPath(path)}: restore it from a backup, or move the former key back there`;
  return new LoglineError('damaged', why);
}
