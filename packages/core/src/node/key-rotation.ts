/**
 * A new key in the place of the old one, on the disk. Until the node has published its rotation the old key stays
 * beside the new one, as `<file>.previous`, so that the statement which both sign can still be made after any crash.
 */

import { lstat, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import { fingerprintOf, parseFingerprint, type Fingerprint } from '../identity.js';
import type { KeyPair } from '../ports.js';
import { diskError, unless, withinDeadline } from './directory-disk.js';
import {
  eraseKeyFile,
  KEY_FILE_CALLS,
  loadSeed,
  lostKey,
  previousPath,
  readKeyFile,
  replaceFile,
  replaceKeyFile,
  sweepDrafts,
  type KeyFileOptions,
  type KeyPlace,
  type KeySource,
} from './key-files.js';
import { SEED_BYTES } from './key-format.js';

/** A rotation that is begun: peers do not know of it before its statement is published. */
export interface KeyRotation {
  readonly oldKeyPair: KeyPair;
  readonly newKeyPair: KeyPair;
}

/** Rotation of one node's key, wherever it is and however it is encrypted. */
export interface KeyFiles {
  readonly pendingRotation: () => Promise<KeyRotation | undefined>;
  readonly beginRotation: () => Promise<KeyRotation>;
  readonly finishRotation: () => Promise<void>;
}

/** One of a node's keys, as anybody may know it. */
export interface KeyDescription {
  /** `previous`: replaced, and its rotation is not published yet. `retired`: replaced, and its secret is gone. */
  readonly role: 'current' | 'previous' | 'retired';
  readonly fingerprint: Fingerprint;
  readonly file: string;
  /** Undefined for a retired key, of which there is no secret. */
  readonly isEncrypted: boolean | undefined;
}

const RETIRED_HEAD = 'logline-retired-keys v1';

export function keyFilesAt(path: string, source: KeySource, options: KeyFileOptions = {}): KeyFiles {
  return {
    pendingRotation: () => pendingRotation(path, source, options),
    beginRotation: () => beginRotation(path, source, options),
    finishRotation: () => finishRotation(path, source, options),
  };
}

/**
 * Makes a new key and puts it in the place of the one at `path`, which stays beside it; one that was begun earlier is
 * gone on with. A crash leaves either the old key alone or both. Rejects with `bad_configuration` where there is no key,
 * and where `path` is a link to a file that others manage.
 */
export function beginRotation(
  path: string,
  source: KeySource,
  options: KeyFileOptions = {},
): Promise<KeyRotation> {
  return inPlace({ ...source, path: resolve(path), options }, 'rotate the node key', begin);
}

/** The rotation that was begun and not finished; `undefined` where there is none. Asked at each start. */
export function pendingRotation(
  path: string,
  source: KeySource,
  options: KeyFileOptions = {},
): Promise<KeyRotation | undefined> {
  return inPlace({ ...source, path: resolve(path), options }, 'look for a rotation of', pending);
}

/**
 * Ends a rotation once its statement is durable: the old key's secret is removed for good, its fingerprint is kept.
 * Does nothing where no rotation is under way, so it may be repeated.
 */
export function finishRotation(path: string, source: KeySource, options: KeyFileOptions = {}): Promise<void> {
  return inPlace({ ...source, path: resolve(path), options }, 'finish the rotation of', finish);
}

/** The keys of a node, the one in use first; empty where there is no key file. Needs no passphrase. */
export async function describeKeys(path: string, source: KeySource): Promise<readonly KeyDescription[]> {
  const place: KeyPlace = { ...source, path: resolve(path), options: {} };
  return inPlace(place, 'read', async () => {
    const current = await describeKey(place, 'current');
    const previous = await describeKey(previousOf(place), 'previous');
    const retired = retiredOf(place);
    const gone = (await readRetired(retired)).map((fingerprint): KeyDescription => ({
      role: 'retired',
      fingerprint,
      file: retired.path,
      isEncrypted: undefined,
    }));
    const isBegun = previous?.fingerprint !== current?.fingerprint;
    return [current, isBegun ? previous : undefined, ...gone.toReversed()].filter((key) => key !== undefined);
  });
}

function inPlace<T>(place: KeyPlace, doing: string, work: (place: KeyPlace) => Promise<T>): Promise<T> {
  const { path } = place;
  const told = work(place).catch((error: unknown) => {
    throw diskError({ doing, path }, error);
  });
  return withinDeadline({ doing, path }, told);
}

async function begin(place: KeyPlace): Promise<KeyRotation> {
  const { path, options, random, crypto } = place;
  const { calls = KEY_FILE_CALLS } = options;
  const begun = await pending(place);
  if (begun !== undefined) return begun;
  const oldSeed = await loadSeed(place);
  if (oldSeed === undefined)
    throw new LoglineError(
      'bad_configuration',
      `there is no node key at ${path} to rotate: start the node once`,
    );
  if ((await lstat(path)).isSymbolicLink()) {
    const why = `${path} is a link to a key that is kept elsewhere: put the key file itself there before it is rotated`;
    throw new LoglineError('bad_configuration', why);
  }
  await calls.link(path, previousOf(place).path);
  // Else a power cut could keep the new name and lose the old one, and with it the key.
  await calls.syncDirectory(dirname(path));
  const newSeed = random.bytes(SEED_BYTES);
  await replaceKeyFile(place, newSeed);
  return { oldKeyPair: crypto.keyPair(oldSeed), newKeyPair: crypto.keyPair(newSeed) };
}

async function pending(place: KeyPlace): Promise<KeyRotation | undefined> {
  const previous = previousOf(place);
  const oldSeed = await loadSeed(previous);
  if (oldSeed === undefined) return undefined;
  const newSeed = await loadSeed(place);
  if (newSeed === undefined) {
    throw lostKey(place.path);
  }
  await sweepDrafts(previous);
  if (!equalBytes(oldSeed, newSeed)) {
    const { crypto } = place;
    return { oldKeyPair: crypto.keyPair(oldSeed), newKeyPair: crypto.keyPair(newSeed) };
  }
  // The machine stopped before the new key took its place: nothing has begun.
  await eraseKeyFile(previous);
  return undefined;
}

async function finish(place: KeyPlace): Promise<void> {
  const rotation = await pending(place);
  if (rotation === undefined) return;
  const retired = retiredOf(place);
  const known = await readRetired(retired);
  await sweepDrafts(retired);
  const fingerprint = fingerprintOf(rotation.oldKeyPair.publicKey);
  // First: if the machine stops in between, both are there and this is done again.
  if (!known.includes(fingerprint))
    await replaceFile(retired, `${[RETIRED_HEAD, ...known, fingerprint].join('\n')}\n`);
  await eraseKeyFile(previousOf(place));
}

async function describeKey(
  place: KeyPlace,
  role: 'current' | 'previous',
): Promise<KeyDescription | undefined> {
  const file = await readKeyFile(place);
  if (file === undefined) return undefined;
  const isEncrypted = file.kind === 'sealed';
  const publicKey =
    file.kind === 'sealed' ? file.sealed.publicKey : place.crypto.keyPair(file.seed).publicKey;
  return { role, fingerprint: fingerprintOf(publicKey), file: place.path, isEncrypted };
}

/** Oldest first. */
async function readRetired({ path }: KeyPlace): Promise<readonly Fingerprint[]> {
  const text = await readFile(path, 'latin1').catch(unless('ENOENT', `${RETIRED_HEAD}\n`));
  const [head, ...lines] = text.split('\n');
  const fingerprints = lines.slice(0, -1).map(parseFingerprint);
  if (head === RETIRED_HEAD && lines.at(-1) === '' && !fingerprints.includes(undefined))
    return fingerprints.filter((fingerprint) => fingerprint !== undefined);
  const why = `${path} should list fingerprints of former keys, one a line after "${RETIRED_HEAD}", but does not: restore it from a backup, or remove it`;
  throw new LoglineError('damaged', why);
}

function previousOf(place: KeyPlace): KeyPlace {
  return { ...place, path: previousPath(place.path) };
}

function retiredOf(place: KeyPlace): KeyPlace {
  return { ...place, path: `${place.path}.retired` };
}
