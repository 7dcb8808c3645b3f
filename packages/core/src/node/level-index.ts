/** The index on LevelDB: an ordered store without syncs, for the log can always rebuild it. */

import { existsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import { LoglineError, messageOf } from '../errors.js';
import type { Key, KeyValue } from '../ports.js';
import { BatchMarks } from './batch-marks.js';
import { diskError, makeDirectory, syncDirectory, withinDeadline } from './directory-disk.js';

/** `fresh`: the index is empty because it was absent or damaged, so it must be filled from the log. */
export interface OpenedIndex {
  readonly index: KeyValue;
  readonly fresh: boolean;
}

type Database = ClassicLevel<Uint8Array, Uint8Array>;
type Row = readonly [Key, Uint8Array];

const MIB = 1024 * 1024;
const SETTINGS = {
  keyEncoding: 'view',
  valueEncoding: 'view',
  writeBufferSize: 4 * MIB,
  cacheSize: 8 * MIB,
  maxOpenFiles: 256,
} as const;
/** Rows handed to LevelDB before other work gets a turn: about a millisecond. */
const ROWS_PER_TURN = 512;
/** Bytes of one round trip of a scan. */
const SCAN_BYTES = MIB;
/** First bytes of keys: rows, and the marks of batches. */
const ROW = 'r';
const MARK = 'm';
const AFTER_MARKS = 'n';
/** Left where reading met damage, so that the next start rebuilds the index. */
const DAMAGE_NAME = 'DAMAGED';
/** The system's words for errors whose code LevelDB does not pass on. */
const CODES = [
  ['No space left', 'ENOSPC'],
  ['Read-only file system', 'EROFS'],
  ['Input/output error', 'EIO'],
  ['Permission denied', 'EACCES'],
  ['Too many open files', 'EMFILE'],
] as const;

/** Opens or makes the index; a damaged one is thrown away. Rejects with `bad_configuration` where another process has it open. */
export async function openLevelIndex(path: string): Promise<OpenedIndex> {
  const directory = resolve(path);
  return withinDeadline({ doing: 'open the index', path: directory }, openOrRenew(directory));
}

async function openOrRenew(path: string): Promise<OpenedIndex> {
  // Without CURRENT LevelDB starts anew, but takes in what it finds in old logs: newer rows without the older.
  const sound = existsSync(join(path, 'CURRENT')) && !existsSync(join(path, DAMAGE_NAME));
  // Opened in any case, for that fails where another process has it open, and then nothing may be removed.
  const kept = await openKept(path);
  if (kept !== undefined && sound) return { index: new LevelIndex(path, kept), fresh: false };
  await kept?.database.close();
  return { index: new LevelIndex(path, await openEmpty(path)), fresh: true };
}

/** `undefined` where the database is damaged or lacks a batch. */
async function openKept(path: string): Promise<Opened | undefined> {
  await makeDirectory(path);
  const database: Database = new ClassicLevel(path, SETTINGS);
  try {
    await database.open();
    // It has moved what it recovered into synced tables, and renamed a file to say so: the name is not synced yet.
    await syncDirectory(path);
    const marks = await readMarks(database);
    if (marks !== undefined) return { database, marks };
    await database.close();
    return undefined;
  } catch (error) {
    await database.close();
    if (isDamage(error)) return undefined;
    throw indexError(path, error);
  }
}

async function openEmpty(path: string): Promise<Opened> {
  // CURRENT goes first: whatever a crash leaves of the rest is then not taken for an index.
  await rm(join(path, 'CURRENT'), { force: true });
  await rm(path, { recursive: true, force: true });
  const opened = await openKept(path);
  if (opened === undefined) throw damagedIndex(path);
  return opened;
}

interface Opened {
  readonly database: Database;
  readonly marks: BatchMarks;
}

/** `undefined` where a batch is missing. */
async function readMarks(database: Database): Promise<BatchMarks | undefined> {
  const rows = await database.iterator({ gte: toBytes(MARK), lt: toBytes(AFTER_MARKS) }).all();
  const marks = rows.map(([key, value]) => [toText(key).slice(MARK.length), toText(value)] as const);
  if (marks.length > 0) return BatchMarks.read(marks, SETTINGS.writeBufferSize);
  const [row] = await database.keys({ limit: 1 }).all();
  return row === undefined ? BatchMarks.none(SETTINGS.writeBufferSize) : undefined;
}

class LevelIndex implements KeyValue {
  readonly #path: string;
  /** `undefined` while the rows are being cleared away. */
  #database: Database | undefined;
  #marks: BatchMarks;
  /** The end of the queue of writes: LevelDB's threads would apply two at once in either order. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(path: string, { database, marks }: Opened) {
    this.#path = path;
    this.#database = database;
    this.#marks = marks;
  }

  get(key: Key): Uint8Array | undefined {
    this.#refuseIfClosed();
    try {
      return plain(this.#database?.getSync(toBytes(ROW + key)));
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async getMany(keys: readonly Key[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#refuseIfClosed();
    const database = this.#database;
    if (database === undefined) return keys.map(() => undefined);
    try {
      const found = await database.getMany(keys.map((key) => toBytes(ROW + key)));
      return found.map((value) => plain(value));
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async write(rows: ReadonlyMap<Key, Uint8Array | undefined>): Promise<void> {
    this.#refuseIfClosed();
    if (rows.size > 0) await this.#inTurn('write to the index', () => this.#writeBatch(rows));
  }

  async scan(range: Parameters<KeyValue['scan']>[0]): Promise<readonly Row[]> {
    this.#refuseIfClosed();
    const { from, to, limit, reverse = false } = range;
    if (limit <= 0 || from >= to || this.#database === undefined) return [];
    try {
      const found = await this.#database
        .iterator({
          gte: toBytes(ROW + from),
          lt: toBytes(ROW + to),
          limit: Number.isFinite(limit) ? limit : -1,
          reverse,
          highWaterMarkBytes: SCAN_BYTES,
        })
        .all();
      return found.map(([key, value]) => [toText(key).slice(1), plain(value)]);
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async clear(): Promise<void> {
    this.#refuseIfClosed();
    // A new database instead of deletions, which would slow the rebuilding of the very same rows.
    await this.#inTurn('clear the index', async () => {
      const old = this.#database;
      this.#database = undefined;
      await old?.close();
      const { database, marks } = await openEmpty(this.#path);
      this.#database = database;
      this.#marks = marks;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn.then(() => this.#database?.close());
    return this.#closing;
  }

  async #writeBatch(rows: ReadonlyMap<Key, Uint8Array | undefined>): Promise<void> {
    if (this.#database === undefined)
      throw new LoglineError('disk_failed', `${this.#path} could not be cleared: restart the node`);
    const batch = this.#database.batch();
    try {
      let bytes = 0;
      let count = 0;
      for (const [key, value] of rows) {
        if (value === undefined) batch.del(toBytes(ROW + key));
        else batch.put(toBytes(ROW + key), value);
        bytes += key.length + (value?.length ?? 0);
        if (++count % ROWS_PER_TURN === 0) await nextTurn();
      }
      this.#mark(batch, bytes);
      await batch.write({ sync: false });
    } finally {
      await batch.close();
    }
  }

  #mark(batch: ReturnType<Database['batch']>, bytes: number): void {
    const { key, value, settled } = this.#marks.next(bytes);
    for (const old of settled) batch.del(toBytes(MARK + old));
    batch.put(toBytes(MARK + key), toBytes(value));
  }

  async #inTurn(doing: string, work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    await withinDeadline(
      { doing, path: this.#path },
      done.catch((error: unknown) => {
        throw indexError(this.#path, error);
      }),
    );
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw this.#closedError();
  }

  #closedError(): LoglineError {
    return new LoglineError('closed', `the index ${this.#path} is closed: open it again to use it`);
  }

  #readError(error: unknown): LoglineError {
    if (this.#closing !== undefined) return this.#closedError();
    if (!isDamage(error)) return indexError(this.#path, error);
    try {
      writeFileSync(join(this.#path, DAMAGE_NAME), `${messageOf(error)}\n`);
    } catch {
      // On a disk that takes no mark the next start meets the damage again, and says the same.
    }
    return damagedIndex(this.#path, error);
  }
}

/** Not by `fromKey`: this is the hot path, and Node does it in one call. */
function toBytes(key: Key): Uint8Array {
  return Buffer.from(key, 'latin1');
}

/** LevelDB hands out Buffers, whose `slice` shares memory where that of an array copies. */
function plain<T extends Uint8Array | undefined>(bytes: T): T | Uint8Array {
  return bytes === undefined ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toText(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** LevelDB says what is wrong in words only, and puts them in the cause when it cannot open. */
function wordsOf(error: unknown): string {
  const inner = error instanceof Error ? wordsOf(error.cause) : '';
  return error === undefined ? '' : `${messageOf(error)} ${inner}`;
}

function isDamage(error: unknown): boolean {
  return /Corruption: |No such file|Invalid argument/.test(wordsOf(error));
}

function damagedIndex(path: string, cause?: unknown): LoglineError {
  const why = `the index ${path} is damaged: restart the node, which builds it anew from the log`;
  return new LoglineError('damaged', why, { cause });
}

function indexError(path: string, error: unknown): LoglineError {
  if (error instanceof LoglineError) return error;
  const words = wordsOf(error);
  if (/IO error: lock /.test(words)) {
    const why = `the index ${path} is open in another process: stop that one, or choose another data directory`;
    return new LoglineError('bad_configuration', why, { cause: error });
  }
  const code = CODES.find(([text]) => words.includes(text))?.[1];
  const cause = Object.assign(new Error(words.trim(), { cause: error }), { code });
  return diskError({ doing: 'use the index', path }, cause);
}
