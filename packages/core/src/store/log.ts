/** The log: append-only files of checksummed records. It is the truth; everything else is derived from it. */

import { fromKey, numberKey } from '../bytes.js';
import { assert, LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Crypto, Disk, DiskFile } from '../ports.js';
import { PartSums } from './part-sums.js';

/** A record where it stands. `position` counts bytes over all files. */
export interface LogRecord {
  readonly position: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  /** Position of the byte after it. */
  readonly end: number;
  /** Where the append that wrote it began: all before that was durable by then. */
  readonly group: number;
  readonly checksum: number;
}

/** The last record up to some point, as it can be recognised later: a log of another history has another one there. */
export type LogMark = Pick<LogRecord, 'position' | 'end' | 'checksum'>;

export interface LogOptions {
  /** A place up to which the log was whole, if somebody remembers one. */
  readonly mark?: LogMark | undefined;
  /** When to begin another file. */
  readonly fileBytes?: number | undefined;
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
  /** Whether the log still holds the record of the mark that it was opened with. */
  readonly knowsMark: boolean;
}

const RECORD_HEAD_BYTES = 13;
/** Where in a record what its checksum covers begins. */
const CHECKED_FROM = 8;
const READ_BYTES = 1024 * 1024;
/** Enough for most entries, so that few need a second read. */
const READ_AHEAD_BYTES = 16 * 1024;
const RECORD_BYTES_MOST = LIMITS.entryBytes * 4;
/** Bytes searched at a time for what was appended behind a hole. */
const SEARCH_BYTES = 2 * 1024 * 1024;
const NAME = /^log-([0-9]{16})$/;

export class Log {
  readonly opening: LogOpening;
  readonly #disk: Disk;
  readonly #crypto: Crypto;
  readonly #files: LogFile[];
  readonly #fileBytes: number;
  #mark: LogMark | undefined;

  private constructor(
    disk: Disk,
    crypto: Crypto,
    found: {
      readonly files: LogFile[];
      readonly opening: LogOpening;
      readonly fileBytes: number | undefined;
    },
  ) {
    this.#disk = disk;
    this.#crypto = crypto;
    this.#files = found.files;
    this.#fileBytes = found.fileBytes ?? LIMITS.logFileBytes;
    this.opening = found.opening;
  }

  /**
   * Opens the log and cuts off a torn tail. Behind the mark, if it is found, nothing is looked at; where the log is as long
   * and no longer whole up to there, opening refuses: what was acknowledged is no torn tail.
   */
  static async open(disk: Disk, crypto: Crypto, options: LogOptions = {}): Promise<Log> {
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
    const { mark, fileBytes } = options;
    const log = new Log(disk, crypto, { files, opening: { tornBytes: 0, knowsMark: false }, fileBytes });
    const knowsMark = mark !== undefined && (await log.#holds(mark));
    const whole = await log.#wholeEnd(knowsMark ? Math.max(mark.end, last.base) : last.base);
    if (mark !== undefined && !knowsMark && whole < mark.end && mark.end <= log.end) {
      throw new LoglineError(
        'damaged',
        `the log is whole up to byte ${whole}, but its index has seen it whole up to byte ${mark.end}: restore the data directory from a copy; if only the index came from elsewhere, remove its folder and start again`,
      );
    }
    const tornBytes = log.end - whole;
    if (tornBytes > 0) await last.file.truncate(whole - last.base);
    // Written by a process that did not live to sync it, perhaps: what is read from here on is durable.
    await last.file.sync();
    return new Log(disk, crypto, { files, opening: { tornBytes, knowsMark }, fileBytes });
  }

  /** The last record that this process appended. */
  get mark(): LogMark | undefined {
    return this.#mark;
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
    if (this.#last().file.sizeBytes >= this.#fileBytes)
      this.#files.push(await createFile(this.#disk, this.end));
    const { base, file } = this.#last();
    const positions: number[] = [];
    const parts: Uint8Array[] = [];
    const group = base + file.sizeBytes;
    let position = group;
    let mark = this.#mark;
    for (const { kind, payload } of records) {
      const isReadable = payload.length > 0 && payload.length <= RECORD_BYTES_MOST;
      assert(isReadable, 'a record has some bytes, and no more than are read back');
      const checksum = checksumOf({ position, group, kind, payload }, this.#crypto);
      positions.push(position);
      parts.push(headOf({ position, group, kind, payload, checksum }), payload);
      const end = position + RECORD_HEAD_BYTES + payload.length;
      mark = { position, end, checksum };
      position = end;
    }
    await file.append(parts);
    await file.sync();
    this.#mark = mark;
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

  async #holds(mark: LogMark): Promise<boolean> {
    const record = await this.read(mark.position);
    return record?.end === mark.end && record.checksum === mark.checksum;
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

  /** Looks at every byte behind a hole once, however many records those bytes pretend to begin. */
  async #hasLaterAppend(position: number): Promise<boolean> {
    const { base, file } = this.#last();
    for (let from = position + 1; from < this.end; from += SEARCH_BYTES) {
      const bytes = await file.read(from - base, SEARCH_BYTES + RECORD_HEAD_BYTES + RECORD_BYTES_MOST);
      if (holdsLaterAppend(bytes, { from, hole: position }, this.#crypto)) return true;
    }
    return false;
  }
}

/** Whether a whole record of an append that began behind `hole` stands in a search piece of the log, which begins at `from`. */
function holdsLaterAppend(
  bytes: Uint8Array,
  { from, hole }: { readonly from: number; readonly hole: number },
  crypto: Crypto,
): boolean {
  const sums = new PartSums(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = Math.min(SEARCH_BYTES, bytes.length - RECORD_HEAD_BYTES);
  for (let at = 0; at < last; at++) {
    const position = from + at;
    const length = view.getUint32(at);
    const end = at + RECORD_HEAD_BYTES + length;
    const isPlausible = length > 0 && end <= bytes.length && view.getUint32(at + 9) < position - hole;
    if (!isPlausible) continue;
    // A sum for each of them from its own bytes would take minutes where a hostile entry was torn.
    const sum = sums.after(crypto.crc32(placeOf(position)), at + CHECKED_FROM, end);
    if (sum === view.getUint32(at + 4) && parseRecord(bytes.subarray(at), position, crypto) !== undefined)
      return true;
  }
  return false;
}

/** What to remember of a record, without its payload. */
export function markOf(record: LogRecord | undefined): LogMark | undefined {
  if (record === undefined) return undefined;
  const { position, end, checksum } = record;
  return { position, end, checksum };
}

async function createFile(disk: Disk, base: number): Promise<LogFile> {
  const name = `log-${String(base).padStart(16, '0')}`;
  return { base, name, file: await disk.open(name, { create: true }) };
}

/** Length of the payload, checksum, kind, bytes since the append began. */
function headOf(record: Omit<LogRecord, 'end'>): Uint8Array {
  const head = headWithoutChecksum(record);
  new DataView(head.buffer).setUint32(4, record.checksum);
  return head;
}

function headWithoutChecksum(record: Omit<LogRecord, 'end' | 'checksum'>): Uint8Array {
  const head = new Uint8Array(RECORD_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, record.payload.length);
  head[8] = record.kind;
  view.setUint32(9, record.position - record.group);
  return head;
}

/** Covers the position too, so that a misplaced record is none. */
function checksumOf(record: Omit<LogRecord, 'end' | 'checksum'>, crypto: Crypto): number {
  const place = placeOf(record.position);
  return crypto.crc32(place, headWithoutChecksum(record).subarray(CHECKED_FROM), record.payload);
}

function placeOf(position: number): Uint8Array {
  return fromKey(numberKey(position, 7));
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
  const record = { position, kind: view.getUint8(8), payload, group: position - view.getUint32(9) };
  const checksum = view.getUint32(4);
  if (checksumOf(record, crypto) !== checksum) return undefined;
  return { ...record, end: position + length, checksum };
}
