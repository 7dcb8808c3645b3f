/** A directory of append-only files on this machine's own disk, and the lock that keeps a directory to one process. */

import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { link, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assert, LoglineError, messageOf } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Clock, Disk, DiskFile } from '../ports.js';

/** The system calls on open files; a test passes ones that fail, fall short or hang. Descriptors have a third of the p99 of Node's FileHandle. */
export const FILE_CALLS = {
  open: promisify(fs.open),
  writev: promisify(fs.writev),
  read: promisify(fs.read),
  fdatasync: promisify(fs.fdatasync),
  fsync: promisify(fs.fsync),
  ftruncate: promisify(fs.ftruncate),
  close: promisify(fs.close),
};

export interface DirectoryDiskOptions {
  readonly calls?: typeof FILE_CALLS;
  readonly clock?: Pick<Clock, 'after'>;
}

/** Keeps a directory until `release`, or until the process ends in whatever way. */
export interface DirectoryLock extends AsyncDisposable {
  release(): Promise<void>;
}

const TIMERS: Pick<Clock, 'after'> = {
  after(delayMs, run) {
    // In slices, so that a pause of the whole process (SIGSTOP, a suspended machine) counts for one of them only.
    let slices = 4;
    const timer = setInterval(() => (--slices === 0 ? run() : undefined), delayMs / slices);
    return { cancel: () => clearInterval(timer) };
  },
};

/** What an operator can do about an error of the file system. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'free space (or inodes) on its file system, then restart the node',
  EFBIG: 'raise the file size limit (ulimit -f), then restart the node',
  EROFS: 'see in the kernel log why it is read-only, mount it writable, then restart the node',
  EIO: 'the disk is failing: check it (dmesg, smartctl), move the data to a healthy one, then restart the node',
  EACCES: 'give the user of the node read and write permission there (chown, chmod)',
  EPERM: 'use a local file system that belongs to the user of the node',
  EMFILE: 'raise the limit of open files (ulimit -n), then restart the node',
  ENOENT: 'check the path, and that its volume is mounted',
  EEXIST: 'a file stands where a directory should: move it, or choose another path',
};

/** Opens `path` for log files, and makes it for this user alone where it is absent. Everything rejects with `disk_failed`. */
export async function openDirectoryDisk(path: string, options: DirectoryDiskOptions = {}): Promise<Disk> {
  const { calls = FILE_CALLS, clock = TIMERS } = options;
  const directory = resolve(path);
  const within = <T>(doing: string, work: Promise<T>): Promise<T> =>
    withinDeadline({ doing, path: directory, clock }, work);
  await within('make the directory', makeDirectory(directory));

  async function openFile(name: string, create: boolean): Promise<DiskFile> {
    const at = pathOf(directory, name);
    const fd = await calls.open(at, create ? fs.constants.O_RDWR | fs.constants.O_CREAT : 'r+', 0o600);
    try {
      const { size } = fs.fstatSync(fd);
      if (create) {
        await calls.fsync(fd);
        await syncDirectory(directory, calls);
      }
      return new DirectoryFile({ path: at, fd, sizeBytes: size, calls, clock });
    } catch (error) {
      await calls.close(fd);
      throw error;
    }
  }

  async function removeFile(name: string): Promise<void> {
    await unlink(pathOf(directory, name)).catch(unless('ENOENT', undefined));
    await syncDirectory(directory, calls);
  }

  return {
    async list() {
      const entries = await within('list', readdir(directory, { withFileTypes: true }));
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    open: (name, { create }) => within(`open ${name} in`, openFile(name, create)),
    remove: (name) => within(`remove ${name} from`, removeFile(name)),
  };
}

interface OpenedFile extends Required<DirectoryDiskOptions> {
  readonly path: string;
  readonly fd: number;
  readonly sizeBytes: number;
}

class DirectoryFile implements DiskFile {
  readonly #opened: OpenedFile;
  #sizeBytes: number;
  /** One failed write or sync fails the file for good: after a failed fsync the kernel may drop the pages and call the next one a success. */
  #failure: unknown;
  #closing: Promise<void> | undefined;
  /** The end of the queue of appends and cuts, which must reach the file in order. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Calls that the system has not answered yet. */
  readonly #running = new Set<Promise<unknown>>();

  constructor(opened: OpenedFile) {
    this.#opened = opened;
    this.#sizeBytes = opened.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(parts: readonly Uint8Array[]): Promise<void> {
    return this.#inTurn(async () => {
      const { fd, calls, path } = this.#opened;
      let rest = parts;
      let end = this.#sizeBytes;
      const goal = parts.reduce((sum, part) => sum + part.length, end);
      while (end < goal) {
        const { bytesWritten } = await this.#call('append to', calls.writev(fd, rest, end));
        if (bytesWritten === 0)
          throw new LoglineError('disk_failed', `${path} takes no bytes: check the disk`);
        end += bytesWritten;
        // Short writes are rare enough to copy for.
        rest = end < goal ? [Buffer.concat(rest).subarray(bytesWritten)] : [];
      }
      // Counted only when whole: what a failed append left behind is for the next start to cut off.
      this.#sizeBytes = end;
    });
  }

  sync(): Promise<void> {
    // Appends made before must be through; those made meanwhile may run beside it.
    const { fd, calls } = this.#opened;
    return this.#guarded(() => this.#call('sync', calls.fdatasync(fd)));
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#inTurn(async () => {
      assert(sizeBytes <= this.#sizeBytes, 'a cut never makes a file longer');
      const { fd, calls } = this.#opened;
      await this.#call('truncate', calls.ftruncate(fd, sizeBytes));
      this.#sizeBytes = sizeBytes;
      await this.#call('sync', calls.fsync(fd));
    });
  }

  /** Works on a failed file too: what is durable stays readable. */
  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    if (this.#closing !== undefined) throw closedError(this.#opened.path);
    const { fd, calls } = this.#opened;
    const bytes = new Uint8Array(Math.max(0, Math.min(lengthBytes, this.#sizeBytes - offsetBytes)));
    let filled = 0;
    while (filled < bytes.length) {
      const reading = calls.read(fd, bytes, filled, bytes.length - filled, offsetBytes + filled);
      const { bytesRead } = await this.#call('read', reading);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn.then(async () => {
      const { fd, calls, path, clock } = this.#opened;
      // A descriptor closed under a hung write could become another file's, so that write's answer is waited for.
      const last = Promise.allSettled(this.#running).then(() => calls.close(fd));
      await withinDeadline({ doing: 'close', path, clock }, last);
    });
    return this.#closing;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#guarded(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.#closing !== undefined) throw closedError(this.#opened.path);
    await this.#turn;
    if (this.#failure !== undefined) {
      const why = `${this.#opened.path} takes nothing more since a write failed; restart the node (${messageOf(this.#failure)})`;
      throw new LoglineError('disk_failed', why, { cause: this.#failure });
    }
    try {
      await work();
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  async #call<T>(doing: string, work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const forget = (): void => void this.#running.delete(work);
    work.then(forget, forget);
    return withinDeadline({ doing, path: this.#opened.path, clock: this.#opened.clock }, work);
  }
}

/** Settles as `work` does, with errors told as `disk_failed`; gives up at the deadline, though nothing stops the work itself. */
export function withinDeadline<T>(
  job: { readonly doing: string; readonly path: string; readonly clock?: Pick<Clock, 'after'> },
  work: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = (job.clock ?? TIMERS).after(LIMITS.diskMs, () => {
      timer.cancel();
      const why = `could not ${job.doing} ${job.path} within ${LIMITS.diskMs} ms: the disk hangs; check it, then restart the node`;
      reject(new LoglineError('disk_failed', why));
    });
    work.then(resolve, (error: unknown) => reject(diskError(job, error))).finally(() => timer.cancel());
  });
}

/** An error of the file system with what to do about it; a `LoglineError` stays as it is. */
export function diskError(
  job: { readonly doing: string; readonly path: string },
  cause: unknown,
): LoglineError {
  if (cause instanceof LoglineError) return cause;
  const advice = ADVICE[codeOf(cause)] ?? 'check the disk and its file system, then restart the node';
  return new LoglineError('disk_failed', `cannot ${job.doing} ${job.path}: ${messageOf(cause)}; ${advice}`, {
    cause,
  });
}

/** Makes a directory and those above it for this user alone, their names durable on return. */
export async function makeDirectory(path: string): Promise<void> {
  const topmost = await mkdir(path, { recursive: true, mode: 0o700 });
  if (topmost === undefined) return;
  for (let made = path; made.length >= topmost.length; made = dirname(made))
    await syncDirectory(dirname(made));
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string, calls: typeof FILE_CALLS = FILE_CALLS): Promise<void> {
  const fd = await calls.open(path, fs.constants.O_RDONLY);
  try {
    await calls.fsync(fd);
  } finally {
    await calls.close(fd);
  }
}

/** For `catch`: errors of one kind count as `value`, all others are thrown on. */
export function unless<T>(code: string, value: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) !== code) throw error;
    return value;
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function pathOf(directory: string, name: string): string {
  assert(/^\w[\w.-]*$/.test(name), 'a file name has letters, digits, _ . and - only');
  return join(directory, name);
}

function closedError(path: string): LoglineError {
  return new LoglineError('closed', `${path} is closed: open it again to use it`);
}

const LOCK_NAME = /^lock\.([0-9]{1,15})$/;
const LOCK_TEXT = /^logline-lock v1\npid ([0-9]+) started (\S+)\n$/;
const RELEASED = 'logline-lock v1\nreleased\n';

/**
 * Takes a directory for this process; rejects with `bad_configuration` where a live process has it. Locks are numbered
 * files and the highest counts. A dead one is not removed to take its place, which two could do to each other, but
 * outnumbered, which only one can. So the highest file always stays: released, it says so.
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  const directory = resolve(path);
  const lock = await withinDeadline({ doing: 'lock', path: directory }, takeLock(directory));
  let released: Promise<void> | undefined;
  const free = `${lock}-released`;
  const release = (): Promise<void> =>
    (released ??= writeFile(free, RELEASED).then(() => rename(free, lock)));
  return { release, [Symbol.asyncDispose]: release };
}

async function takeLock(directory: string): Promise<string> {
  await makeDirectory(directory);
  const numbered = (number: number): string => join(directory, `lock.${number}`);
  const draft = join(directory, `lock-${randomUUID()}`);
  const owner = `logline-lock v1\npid ${process.pid} started ${await startOf(process.pid)}\n`;
  await writeFile(draft, owner, { flag: 'wx', mode: 0o600 });
  try {
    for (;;) {
      const newest = Math.max(0, ...(await lockNumbers(directory)));
      if (newest > 0) await refuseIfHeld(numbered(newest), directory);
      const mine = newest + 1;
      // A link appears with its whole content, or not at all when the number is taken.
      if ((await link(draft, numbered(mine)).catch(unless('EEXIST', 'taken'))) === 'taken') continue;
      const others = (await lockNumbers(directory)).filter((number) => number !== mine);
      // Somebody ahead of me may have cleared away the very number that I took.
      const late = others.some((number) => number > mine);
      for (const idle of late ? [mine] : others)
        await unlink(numbered(idle)).catch(unless('ENOENT', undefined));
      if (!late) return numbered(mine);
    }
  } finally {
    await unlink(draft).catch(unless('ENOENT', undefined));
  }
}

async function lockNumbers(directory: string): Promise<readonly number[]> {
  return (await readdir(directory)).flatMap((name) => LOCK_NAME.exec(name)?.slice(1).map(Number) ?? []);
}

async function refuseIfHeld(lock: string, directory: string): Promise<void> {
  const text = await readFile(lock, 'utf8').catch(unless('ENOENT', RELEASED));
  const [, pid, started] = LOCK_TEXT.exec(text) ?? [];
  // Links show whole files only, so one without an owner was released, or torn by a power cut that no process outlived.
  if (pid === undefined) return;
  const found = await startOf(Number(pid));
  if (found !== started && found !== 'unknown') return;
  const why = `${directory} is in use by process ${pid}: stop that process, or choose another data directory; if you are certain that it does not use this one, remove ${lock}`;
  throw new LoglineError('bad_configuration', why);
}

/** When a process began, so that a reused pid is not taken for it: `gone` where there is none, `unknown` where the system does not say. */
async function startOf(pid: number): Promise<string> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return 'gone';
  }
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // Fields 3 (state) and 22 (start, in ticks since boot) of proc(5); the second may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : `${boot.trim()}/${fields[19]}`;
  } catch {
    return 'unknown';
  }
}
