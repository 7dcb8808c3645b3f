/** Files that commands write for operators: keys for their owner alone, and nothing overwritten unless told to. */

import { open, rename, rm, stat } from 'node:fs/promises';
import { CliError } from './exit-code.js';

const FOR_GROUP_OR_WORLD = 0o077;

export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Writes all of `files` or none: where one exists, nothing is touched, unless it may be replaced. Rejects with a `CliError`. */
export async function writeFiles(
  files: readonly NewFile[],
  options: { readonly mayReplace: boolean },
): Promise<void> {
  const there = options.mayReplace ? [] : await Promise.all(files.map(({ path }) => exists(path)));
  const taken = files.filter((_, index) => there[index] === true).map(({ path }) => path);
  if (taken.length > 0)
    throw new CliError(
      `${taken.join(' and ')}: there already; choose another place, or replace with --force`,
    );
  const parts = files.map((file) => ({ ...file, part: `${file.path}.part` }));
  try {
    for (const { part, text, mode } of parts) await writeDurably(part, text, mode);
    for (const { part, path } of parts) await rename(part, path);
  } catch (error) {
    throw failed('cannot be written', error);
  } finally {
    for (const { part } of parts) await rm(part, { force: true });
  }
}

/** The text of a file with a secret; refused where others may read it. */
export async function readSecret(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode } = await file.stat();
      if ((mode & FOR_GROUP_OR_WORLD) !== 0)
        throw new CliError(`${path}: other users can reach this key; run: chmod 600 '${path}'`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw failed('cannot be read', error);
  }
}

/** An error of the core, or of the file system, as one of the command line. */
export function failed(what: string, error: unknown): unknown {
  if (error instanceof CliError || !(error instanceof Error)) return error;
  if (error.name === 'LoglineError') return new CliError(error.message, { cause: error });
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  return new CliError(`${path ?? 'a file'}: ${what}: ${error.message}`, { cause: error });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
