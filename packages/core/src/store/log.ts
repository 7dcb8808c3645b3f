/** The log: append-only files of checksummed records. It is the truth; everything else is derived from it. */

import { fromKey, numberKey } from '../bytes.js';
import { assert, LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Crypto, Disk, DiskFile } from '../ports.js';

/** A record where it stands. `position` counts bytes over all files. */
export interface LogRecord {
  readonly position: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  /** Position of the byte after it. */
  readonly end: number;
  /** Where the append that wrote it began: all before that was durable by then. */
  readonly group: number;
}

interface LogFile {
  readonly base: number;
  readonly name: string;
  readonly file: DiskFile;
}

/** What opening found and did. */
export interface LogOpening {
  /** Bytes of a torn tail that were cut off: an append that no one was told of. */
  readonly tornBytes: number;
}

const RECORD_HEAD_BYTES = 13;
const READ_BYTES = 1024 * 1024;
/** Enough for most entries, so that few need a second read. */
const READ_AHEAD_BYTES = 16 * 1024;
const RECORD_BYTES_MOST = LIMITS.entryBytes * 4;
const NAME = /^log-([0-9]{16})$/;

export class Log {
  readonly opening: LogOpening;
  readonly #disk: Disk;
  readonly #crypto: Crypto;
  readonly #files: LogFile[];

  private constructor(disk: Disk, crypto: Crypto, files: LogFile[], opening: LogOpening) {
    this.#disk = disk;
    this.#crypto = crypto;
    this.#files = files;
    this.opening = opening;
  }

  /** Opens the log and cuts off a torn tail. `reached` is a position up to which the log is known to be whole. */
  static async open(disk: Disk, crypto: Crypto, reached: number): Promise<Log> {
    const names = [...(await disk.list())].filter((name) => NAME.test(name)).sort();
    const files: LogFile[] = [];
    for (const name of names) {
      files.push({
        base: Number(NAME.exec(name)?.[1]),
        name,
        file: await disk.open(name, { create: false }),
      });
    }
    if (files.length === 0) files.push(await createFile(disk, 0));
    for (const [i, { base, file, name }] of files.entries()) {
      const next = files[i + 1];
      if (next !== undefined && next.base !== base + file.sizeBytes) {
        throw new LoglineError(
          'damaged',
          `log file ${name} ends at ${base + file.sizeBytes}, the next begins at ${next.base}: a file is missing or cut; restore it from a copy`,
        );
      }
    }
    const last = files.at(-1);
    assert(last !== undefined, 'a log has a file');
    const log = new Log(disk, crypto, files, { tornBytes: 0 });
    const whole = await log.#wholeEnd(Math.min(Math.max(reached, last.base), log.end));
    const tornBytes = log.end - whole;
    if (tornBytes === 0) return log;
    await last.file.truncate(whole - last.base);
    return new Log(disk, crypto, files, { tornBytes });
  }

  /** Position after the last byte. */
  get end(): number {
    const last = this.#last();
    return last.base + last.file.sizeBytes;
  }

  /** Appends records and makes them durable; returns where each begins. */
  async append(
    records: readonly { readonly kind: number; readonly payload: Uint8Array }[],
  ): Promise<readonly number[]> {
    if (this.#last().file.sizeBytes >= LIMITS.logFileBytes)
      this.#files.push(await createFile(this.#disk, this.end));
    const { base, file } = this.#last();
    const positions: number[] = [];
    const parts: Uint8Array[] = [];
    const group = base + file.sizeBytes;
    let position = group;
    for (const { kind, payload } of records) {
      positions.push(position);
      parts.push(headOf({ position, group, kind, payload }, this.#crypto), payload);
      position += RECORD_HEAD_BYTES + payload.length;
    }
    await file.append(parts);
    await file.sync();
    return positions;
  }

  /** The record at `position`; `undefined` where nothing whole stands there. */
  async read(position: number): Promise<LogRecord | undefined> {
    const [record] = (await this.readFrom(position, 1)).records;
    return record;
  }

  /**
   * Whole records from `position` on, at least one if there is one, until about `bytesMost` bytes or the end of a file.
   * `next` is where to go on; it equals `position` at the end of the log and where the log is damaged.
   */
  async readFrom(
    position: number,
    bytesMost: number,
  ): Promise<{ readonly records: readonly LogRecord[]; readonly next: number }> {
    const found = this.#files.findLast((file) => file.base <= position);
    if (found === undefined) return { records: [], next: position };
    const offset = position - found.base;
    let bytes = await found.file.read(offset, Math.max(bytesMost, READ_AHEAD_BYTES));
    const wanted = recordLength(bytes);
    if (wanted !== undefined && wanted > bytes.length) bytes = await found.file.read(offset, wanted);
    const records: LogRecord[] = [];
    let at = 0;
    while (at === 0 || at < bytesMost) {
      const record = parseRecord(bytes.subarray(at), position + at, this.#crypto);
      if (record === undefined) break;
      records.push(record);
      at = record.end - position;
    }
    return { records, next: position + at };
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map(({ file }) => file.close()));
  }

  #last(): LogFile {
    const last = this.#files.at(-1);
    assert(last !== undefined, 'a log has a file');
    return last;
  }

  /**
   * The end of the last whole record. A torn append may leave later pieces of itself whole, but damage before
   * a later append is no torn tail: cutting there would lose what was acknowledged, so opening refuses instead.
   */
  async #wholeEnd(from: number): Promise<number> {
    let position = from;
    for (;;) {
      const { next } = await this.readFrom(position, READ_BYTES);
      if (next === position) break;
      position = next;
    }
    if (position < this.end && (await this.#hasLaterAppend(position))) {
      throw new LoglineError(
        'damaged',
        `the log is damaged at byte ${position}, and whole records follow: restore the data directory from a copy, or move it away and let the peers fill a new one`,
      );
    }
    return position;
  }

  async #hasLaterAppend(position: number): Promise<boolean> {
    const { base, file } = this.#last();
    const tail = await file.read(position - base, this.end - position);
    for (let at = 1; at + RECORD_HEAD_BYTES < tail.length; at++) {
      const length = recordLength(tail.subarray(at));
      if (length === undefined || at + length > tail.length) continue;
      const record = parseRecord(tail.subarray(at), position + at, this.#crypto);
      if (record !== undefined && record.group > position) return true;
    }
    return false;
  }
}

async function createFile(disk: Disk, base: number): Promise<LogFile> {
  const name = `log-${String(base).padStart(16, '0')}`;
  return { base, name, file: await disk.open(name, { create: true }) };
}

/** Length of the payload, checksum, kind, bytes since the append began. The checksum covers the position, so that a misplaced record is none. */
function headOf(record: Omit<LogRecord, 'end'>, crypto: Crypto): Uint8Array {
  const head = new Uint8Array(RECORD_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, record.payload.length);
  head[8] = record.kind;
  view.setUint32(9, record.position - record.group);
  view.setUint32(4, checksum(head, record.position, record.payload, crypto));
  return head;
}

function checksum(head: Uint8Array, position: number, payload: Uint8Array, crypto: Crypto): number {
  return crypto.crc32(fromKey(numberKey(position, 7)), head.subarray(8, RECORD_HEAD_BYTES), payload);
}

function recordLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < RECORD_HEAD_BYTES) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return length === 0 || length > RECORD_BYTES_MOST ? undefined : RECORD_HEAD_BYTES + length;
}

function parseRecord(bytes: Uint8Array, position: number, crypto: Crypto): LogRecord | undefined {
  const length = recordLength(bytes);
  if (length === undefined || length > bytes.length) return undefined;
  const payload = bytes.subarray(RECORD_HEAD_BYTES, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (checksum(bytes, position, payload, crypto) !== view.getUint32(4)) return undefined;
  return {
    position,
    kind: view.getUint8(8),
    payload,
    end: position + length,
    group: position - view.getUint32(9),
  };
}
