/** A disk in memory that loses, after a crash, what a real one may lose after a power cut. */

import { concatBytes, EMPTY } from '../bytes.js';
import { assert, LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Clock, Disk, DiskFile, Random, Timer } from '../ports.js';

/** How often each fault struck, for a simulation to show that it met them all. */
const NO_FAULTS = {
  crashes: 0,
  /** Unsynced appends of which nothing was left. */
  lostWrites: 0,
  /** Files that ended in the middle of an append. */
  tornTails: 0,
  /** Files whose last unsynced bytes became zeros, or noise. */
  zeroedTails: 0,
  garbageTails: 0,
  /** Of these, files with unsynced bytes that were kept behind lost ones. */
  holes: 0,
  /** Files that were gone after a crash in the middle of `open` or `remove`. */
  lostNames: 0,
  failedAppends: 0,
  failedSyncs: 0,
  stalledOperations: 0,
};

export interface MemoryDiskOptions {
  /** With a clock, every operation takes time. Without one it takes a turn of the event queue. */
  readonly clock?: Pick<Clock, 'after'>;
  /** Varies the delays, and how much a failing append leaves behind. */
  readonly random?: Random;
  /** The longest delay. */
  readonly latencyMs?: number;
  /** Whether a crash may keep unsynced bytes behind lost ones, as disks do that write pages in any order. */
  readonly holes?: boolean;
}

/** The content of a disk at one moment: a backup. */
export type DiskSnapshot = ReadonlyMap<string, Uint8Array>;

interface StoredFile {
  bytes: Uint8Array;
  sizeBytes: number;
  syncedBytes: number;
  /** Where each append after `syncedBytes` ends. */
  ends: number[];
  isNamed: boolean;
  isLeaving: boolean;
}

/** What lives from one start of the machine to the next crash. */
interface Session {
  isOver: boolean;
  /** Operations under way. */
  readonly waiting: Set<Waiting>;
}

interface Waiting {
  readonly go: () => void;
  readonly fail: (error: LoglineError) => void;
}

/** What an open file needs of its disk. */
interface Machine {
  /** Waits as long as an operation takes; rejects where it is to fail. */
  pass(operation?: 'append' | 'sync'): Promise<void>;
  isOver(): boolean;
  /** How many of `length` bytes a failed append leaves behind. */
  leftOf(length: number): number;
}

const LATENCY_MS = 2;

export class MemoryDisk implements Disk {
  readonly faults = { ...NO_FAULTS };
  readonly #options: MemoryDiskOptions;
  readonly #files = new Map<string, StoredFile>();
  #failures: Record<'append' | 'sync', Error[]> = { append: [], sync: [] };
  #session: Session = { isOver: false, waiting: new Set() };
  #isStalled = false;
  readonly #stalled = new Set<Waiting>();

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options;
  }

  async list(): Promise<readonly string[]> {
    await this.#pass(this.#session);
    return [...this.#files.keys()];
  }

  async open(name: string, { create }: { readonly create: boolean }): Promise<DiskFile> {
    const session = this.#session;
    if (create && !this.#files.has(name)) this.#files.set(name, newFile(EMPTY, { isNamed: false }));
    const file = this.#files.get(name);
    await this.#pass(session);
    if (file === undefined) throw new LoglineError('disk_failed', `there is no file ${name}: check the path`);
    file.isNamed = true;
    return new MemoryFile(name, file, {
      pass: (operation) => this.#pass(session, operation),
      isOver: () => session.isOver,
      leftOf: (length) => (this.#options.random === undefined ? 0 : below(this.#options.random, length + 1)),
    });
  }

  async remove(name: string): Promise<void> {
    const file = this.#files.get(name);
    if (file !== undefined) file.isLeaving = true;
    await this.#pass(this.#session);
    if (this.#files.get(name) === file) this.#files.delete(name);
  }

  /** The next operation of that kind fails, and with it every later append and sync of its file. */
  failNext(operation: 'append' | 'sync', error: Error): void {
    this.#failures[operation].push(error);
  }

  /** From now on nothing is answered: with a clock until the deadline of the port, without one until `resume` or `crash`. */
  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    this.#isStalled = false;
    for (const operation of this.#stalled) operation.go();
    this.#stalled.clear();
  }

  /** Cuts the power: what was not synced is partly gone, and every open file is dead. The disk itself can be used on. */
  crash({ random }: { readonly random: Random }): void {
    this.faults.crashes++;
    this.#endSession();
    this.#failures = { append: [], sync: [] };
    for (const [name, file] of this.#files) {
      if (this.#losesName(file, random)) this.#files.delete(name);
      else this.#loseTail(file, random);
    }
  }

  /** What a copy of the files made now would hold, unsynced bytes included. */
  snapshot(): DiskSnapshot {
    return new Map([...this.#files].map(([name, file]) => [name, file.bytes.slice(0, file.sizeBytes)]));
  }

  /** Puts a backup in place of everything. Open files are dead. */
  restore(snapshot: DiskSnapshot): void {
    this.#endSession();
    this.#files.clear();
    for (const [name, bytes] of snapshot) this.#files.set(name, newFile(bytes.slice(), { isNamed: true }));
  }

  #endSession(): void {
    const over = this.#session;
    over.isOver = true;
    this.#session = { isOver: false, waiting: new Set() };
    this.#isStalled = false;
    this.#stalled.clear();
    for (const operation of over.waiting) operation.fail(powerCut());
  }

  #losesName(file: StoredFile, random: Random): boolean {
    const isLost = (!file.isNamed || file.isLeaving) && below(random, 2) === 0;
    if (isLost) this.faults.lostNames++;
    Object.assign(file, { isNamed: true, isLeaving: false });
    return isLost;
  }

  #loseTail(file: StoredFile, random: Random): void {
    const unsynced = file.sizeBytes - file.syncedBytes;
    if (unsynced > 0) {
      // Often nothing or all, else any number of bytes.
      const part = [0, unsynced][below(random, 4)] ?? below(random, unsynced + 1);
      const kept = file.syncedBytes + part;
      for (const [i, end] of file.ends.entries()) {
        if ((file.ends[i - 1] ?? file.syncedBytes) >= kept) this.faults.lostWrites++;
        else if (end > kept) this.faults.tornTails++;
      }
      const mangled = below(random, 4) === 0 ? below(random, file.sizeBytes - kept + 1) : 0;
      if (mangled > 0) {
        // The size reached the disk before the data did.
        const isNoise = below(random, 2) === 0;
        file.bytes.set(isNoise ? random.bytes(mangled) : new Uint8Array(mangled), kept);
        if (isNoise) this.faults.garbageTails++;
        else this.faults.zeroedTails++;
      }
      const isHole = mangled > 0 && this.#options.holes === true && below(random, 2) === 0;
      if (isHole) this.faults.holes++;
      else file.sizeBytes = kept + mangled;
    }
    file.syncedBytes = file.sizeBytes;
    file.ends = [];
  }

  async #pass(session: Session, operation?: 'append' | 'sync'): Promise<void> {
    const { clock, random, latencyMs = LATENCY_MS } = this.#options;
    if (session.isOver) throw powerCut();
    if (clock !== undefined) {
      const delayMs = random === undefined ? latencyMs : below(random, latencyMs + 1);
      await wait(session, ({ go }) => clock.after(delayMs, go));
    }
    if (this.#isStalled && !session.isOver) await this.#untilResumed(session);
    if (session.isOver) throw powerCut();
    const error = operation === undefined ? undefined : this.#failures[operation].shift();
    if (error === undefined) return;
    this.faults[operation === 'append' ? 'failedAppends' : 'failedSyncs']++;
    throw error;
  }

  async #untilResumed(session: Session): Promise<void> {
    this.faults.stalledOperations++;
    const late = new LoglineError('disk_failed', `no answer in ${LIMITS.diskMs} ms: check the disk, restart`);
    await wait(session, (waiting) => {
      this.#stalled.add(waiting);
      return this.#options.clock?.after(LIMITS.diskMs, () => waiting.fail(late));
    });
  }
}

class MemoryFile implements DiskFile {
  readonly #name: string;
  readonly #file: StoredFile;
  readonly #machine: Machine;
  #sizeBytes: number;
  #failure: unknown;
  #isClosed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(name: string, file: StoredFile, machine: Machine) {
    this.#name = name;
    this.#file = file;
    this.#machine = machine;
    this.#sizeBytes = file.sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(parts: readonly Uint8Array[]): Promise<void> {
    return this.#inTurn(async () => {
      const start = this.#sizeBytes;
      // On the disk from the first moment, so that a crash in the middle may keep some of it.
      const added = concatBytes(parts);
      put(this.#file, start, added);
      try {
        await this.#machine.pass('append');
      } catch (error) {
        if (!this.#machine.isOver()) this.#file.sizeBytes = start + this.#machine.leftOf(added.length);
        throw error;
      }
      this.#sizeBytes = start + added.length;
    });
  }

  sync(): Promise<void> {
    return this.#guarded(async () => {
      const file = this.#file;
      const { sizeBytes } = file;
      await this.#machine.pass('sync');
      file.syncedBytes = Math.max(file.syncedBytes, Math.min(sizeBytes, file.sizeBytes));
      file.ends = file.ends.filter((end) => end > file.syncedBytes);
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#inTurn(async () => {
      assert(sizeBytes <= this.#sizeBytes, 'a cut never makes a file longer');
      await this.#machine.pass();
      Object.assign(this.#file, { sizeBytes, syncedBytes: sizeBytes, ends: [] });
      this.#sizeBytes = sizeBytes;
    });
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    if (this.#isClosed) throw closedError(this.#name);
    await this.#machine.pass();
    return this.#file.bytes.slice(offsetBytes, Math.min(offsetBytes + lengthBytes, this.#sizeBytes));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#guarded(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** As on a real disk, one failed write or sync fails the file for good. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.#isClosed) throw closedError(this.#name);
    await this.#turn;
    if (this.#machine.isOver()) throw powerCut();
    if (this.#failure !== undefined)
      throw new LoglineError('disk_failed', `${this.#name} failed before: restart`, { cause: this.#failure });
    try {
      await work();
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }
}

/** A whole number from 0 to `count` - 1. */
export function below(random: Random, count: number): number {
  let value = 0;
  for (const byte of random.bytes(6)) value = value * 256 + byte;
  return value % count;
}

function newFile(bytes: Uint8Array, { isNamed }: { readonly isNamed: boolean }): StoredFile {
  return { bytes, sizeBytes: bytes.length, syncedBytes: bytes.length, ends: [], isNamed, isLeaving: false };
}

function put(file: StoredFile, start: number, added: Uint8Array): void {
  const end = start + added.length;
  if (end > file.bytes.length) {
    const larger = new Uint8Array(Math.max(end, 2 * file.bytes.length));
    larger.set(file.bytes.subarray(0, start));
    file.bytes = larger;
  }
  file.bytes.set(added, start);
  file.sizeBytes = end;
  file.ends.push(end);
}

/** Waits until it is told to go or to fail; a crash fails all that wait. */
function wait(session: Session, start: (waiting: Waiting) => Timer | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => {
      if (!session.waiting.delete(waiting)) return;
      timer?.cancel();
      how();
    };
    const waiting: Waiting = { go: () => settle(resolve), fail: (error) => settle(() => reject(error)) };
    session.waiting.add(waiting);
    const timer = start(waiting);
  });
}

function closedError(name: string): LoglineError {
  return new LoglineError('closed', `${name} is closed: open it again to use it`);
}

function powerCut(): LoglineError {
  return new LoglineError('disk_failed', 'the power was cut: open the files again');
}
