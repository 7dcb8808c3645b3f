/** The node's Ed25519 key: made once, never overwritten, read by its owner alone, and encrypted if there is a passphrase. */

import { resolve } from 'node:path';
import { LoglineError } from '../errors.js';
import type { KeyPair } from '../ports.js';
import { withinDeadline } from './directory-disk.js';
import {
  createKeyFile,
  loadSeed,
  lostKey,
  previousPath,
  readKeyFile,
  sweepDrafts,
  type KeyFileOptions,
  type KeyPlace,
  type KeySource,
} from './key-files.js';
import { SEED_BYTES } from './key-format.js';

/**
 * Reads the key at `path`, or makes one there if there is no file; of two processes that start at once, one makes it
 * and both read it. With a passphrase the file is encrypted, if need be in place. Rejects with `bad_configuration` for a
 * file that others may read and for a passphrase that is wrong or missing, with `damaged` for one that is no whole key,
 * with `disk_failed` for anything else; then nothing was written.
 */
export async function loadOrCreateNodeKey(
  path: string,
  source: KeySource,
  options: KeyFileOptions = {},
): Promise<KeyPair> {
  const at = resolve(path);
  const work = loadOrCreate({ ...source, path: at, options });
  const seed = await withinDeadline({ doing: 'read or make the node key', path: at }, work);
  return source.crypto.keyPair(seed);
}

async function loadOrCreate(place: KeyPlace): Promise<Uint8Array> {
  const found = await loadSeed(place);
  if (found === undefined) {
    if ((await readKeyFile({ ...place, path: previousPath(place.path) })) !== undefined)
      throw lostKey(place.path);
    await createKeyFile(place, place.random.bytes(SEED_BYTES));
  }
  const seed = found ?? (await loadSeed(place));
  if (seed === undefined) {
    const why = `${place.path} vanished as soon as it was made: check who removes it`;
    throw new LoglineError('disk_failed', why);
  }
  await sweepDrafts(place);
  return seed;
}
