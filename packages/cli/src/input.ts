/** Where imported spans come from: files or stdin, compressed or not. */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CliError } from './exit-code.js';
import type { Io } from './output.js';

export const STDIN = '-';

export interface Input {
  readonly name: string;
  /** Bytes to read, compressed as they are; `undefined` where nobody knows. */
  readonly totalBytes: number | undefined;
  /** The lines' bytes, decompressed. `onRead` is told how many bytes of the total were read. */
  read(onRead: (bytes: number) => void): AsyncGenerator<Uint8Array, void, void>;
}

/** Rejects with a `CliError` for a file that is not there, before anything is sent. */
export async function openInput(path: string, io: Pick<Io, 'stdin'>): Promise<Input> {
  if (path === STDIN) {
    return {
      name: 'stdin',
      totalBytes: undefined,
      read: (onRead) => inflated(counted(io.stdin, onRead), 'stdin'),
    };
  }
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) throw new CliError(`${path}: is a directory: name the files in it`);
  return {
    name: path,
    totalBytes: found.isFile() ? found.size : undefined,
    read: (onRead) => inflated(counted(createReadStream(path), onRead), path),
  };
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    onRead(bytes);
    yield chunk;
  }
}

/** Told by its first two bytes, whatever the name says: compressed data may come through a pipe as well. */
async function* inflated(
  source: AsyncGenerator<Uint8Array, void, void>,
  name: string,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    const { head, isOver } = await firstBytes(source, 2);
    const whole = isOver ? [head] : chain(head, source);
    if (head[0] !== 0x1f || head[1] !== 0x8b) {
      yield* whole;
      return;
    }
    const file = Readable.from(whole, { objectMode: false });
    const gunzip = createGunzip();
    file.on('error', (error) => gunzip.destroy(error));
    try {
      for await (const chunk of file.pipe(gunzip)) yield chunk as Uint8Array;
    } finally {
      file.destroy();
    }
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function firstBytes(
  source: AsyncGenerator<Uint8Array, void, void>,
  count: number,
): Promise<{ readonly head: Uint8Array; readonly isOver: boolean }> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < count) {
    const { done, value } = await source.next();
    if (done === true) return { head, isOver: true };
    head = Buffer.concat([head, value]);
  }
  return { head, isOver: false };
}

async function* chain(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  yield head;
  yield* rest;
}

function unreadable(name: string, error: unknown): CliError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file: check the path',
    EACCES: 'it may not be read: check its permissions',
    Z_BUF_ERROR: 'the compressed data breaks off: the file is not complete',
    Z_DATA_ERROR: 'the compressed data is damaged: take another copy',
  };
  return new CliError(`${name}: ${reasons[code ?? ''] ?? message}`, { cause: error });
}
