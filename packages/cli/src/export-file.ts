/** The file of an export: under another name until it is complete, beside a note of how far it is. */

import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CliError } from './exit-code.js';

const compress = promisify(gzip);

/** How far an export is: everything before the cursor is in the file. */
export interface Checkpoint {
  readonly cursor: string;
  readonly spans: number;
}

interface Note extends Checkpoint {
  readonly version: 1;
  /** What was asked for, of which node. */
  readonly wish: string;
  /** Length of the partial file, compressed as it is. */
  readonly bytes: number;
}

const NOTE_EVERY_MS = 1_000;

/** Each failure of the disk is a `CliError` that names the file. */
export class ExportFile {
  readonly #path: string;
  readonly #wish: string;
  readonly #handle: FileHandle;
  /** Where to go on, if an earlier run asked for the same. */
  readonly earlier: Checkpoint | undefined;
  #bytes: number;
  #notedAtMs = performance.now();

  private constructor(parts: {
    readonly path: string;
    readonly wish: string;
    readonly handle: FileHandle;
    readonly note: Note | undefined;
  }) {
    this.#path = parts.path;
    this.#wish = parts.wish;
    this.#handle = parts.handle;
    this.earlier = parts.note;
    this.#bytes = parts.note?.bytes ?? 0;
  }

  static async open(path: string, wish: string): Promise<ExportFile> {
    return orNamed(path, async () => {
      const note = await readNote(path, wish);
      const handle = await open(partial(path), note === undefined ? 'w' : 'r+');
      try {
        await handle.truncate(note?.bytes ?? 0);
        return new ExportFile({ path, wish, handle, note });
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  /** Takes whole lines. A name that ends in .gz is compressed, write by write: files of gzip may be put together. */
  async write(text: string): Promise<void> {
    await orNamed(this.#path, async () => {
      const bytes = this.#path.endsWith('.gz') ? await compress(text) : Buffer.from(text);
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#bytes);
        at += bytesWritten;
        this.#bytes += bytesWritten;
      }
    });
  }

  /** Notes now and then how far it is; at the end of a run that broke off, `always`. */
  async note(at: Checkpoint, options: { readonly always: boolean } = { always: false }): Promise<void> {
    if (!options.always && performance.now() - this.#notedAtMs < NOTE_EVERY_MS) return;
    this.#notedAtMs = performance.now();
    await orNamed(this.#path, async () => {
      // First the bytes, then the word that they are there.
      await this.#handle.datasync();
      const { cursor, spans } = at;
      const note: Note = { version: 1, wish: this.#wish, bytes: this.#bytes, cursor, spans };
      await writeFile(`${noteOf(this.#path)}.new`, JSON.stringify(note), { flush: true });
      await rename(`${noteOf(this.#path)}.new`, noteOf(this.#path));
    });
  }

  /** Gives the file its name. */
  async finish(): Promise<void> {
    await orNamed(this.#path, async () => {
      await this.#handle.sync();
      await rename(partial(this.#path), this.#path);
      await rm(noteOf(this.#path), { force: true });
    });
  }

  /** Leaves nothing behind, for an export that has nothing to go on from. */
  async discard(): Promise<void> {
    await rm(partial(this.#path), { force: true });
    await rm(noteOf(this.#path), { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** What an earlier run left, if it is about the same and its bytes are there. */
async function readNote(path: string, wish: string): Promise<Note | undefined> {
  try {
    const note = JSON.parse(await readFile(noteOf(path), 'utf8')) as Note;
    const isUsable = note.version === 1 && note.wish === wish && typeof note.cursor === 'string';
    const { size } = await stat(partial(path));
    return isUsable && Number.isSafeInteger(note.bytes) && size >= note.bytes ? note : undefined;
  } catch {
    return undefined;
  }
}

function partial(path: string): string {
  return `${path}.part`;
}

function noteOf(path: string): string {
  return `${path}.part.json`;
}

async function orNamed<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new CliError(
      `${path}: cannot be written: ${message}; check the folder, its permissions and its space`,
      { cause: error },
    );
  }
}
