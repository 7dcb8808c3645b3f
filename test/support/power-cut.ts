/** A small disk of its own whose power can be cut: ext4 in a file, mounted through a loop device. */

import { execFile, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@logline/federation-core/testing';
import { atExit } from './at-exit.js';

const run = promisify(execFile);
const DISK_BYTES = 128 * 1024 * 1024;
/** Compiled, this file lies one folder deeper than its source. */
const SCRIPT = join(import.meta.dirname, '..', '..', 'support', 'power-cut.py');
const TOOL_MS = 30_000;

/** Why this machine cannot cut the power of a disk, found by trying; `undefined` where it can. */
export async function whyNoPowerCut(): Promise<string | undefined> {
  try {
    const disk = await CuttableDisk.open();
    try {
      await disk.cut();
      await disk.restore();
    } finally {
      await disk.close();
    }
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return reason.trim().replaceAll('\n', '; ');
  }
}

export class CuttableDisk {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder: string;
  readonly #image: string;
  #isMounted = false;
  readonly #gone = atExit(() => {
    if (this.#isMounted) execFileSync('umount', ['--lazy', this.path], { stdio: 'ignore' });
    rmSync(this.#folder, { recursive: true, force: true });
  });

  private constructor(folder: string) {
    this.path = join(folder, 'disk');
    this.#folder = folder;
    this.#image = join(folder, 'disk.img');
  }

  /** Makes and mounts an empty disk. Rejects, and leaves nothing behind, where that is not possible. */
  static async open(): Promise<CuttableDisk> {
    const disk = new CuttableDisk(await mkdtemp(join(tmpdir(), 'logline-power-')));
    try {
      const image = await open(disk.#image, 'wx');
      await image.truncate(DISK_BYTES);
      await image.close();
      await tool('mkfs.ext4', ['-q', '-F', disk.#image]);
      await mkdir(disk.path);
      await disk.#mount();
      return disk;
    } catch (error) {
      await disk.close();
      throw error;
    }
  }

  /**
   * From now on every write fails, and what was not synced is lost. A sync that runs meanwhile may succeed and be lost
   * all the same, for the kernel takes milliseconds over the cut: the process (by its pid) that uses the disk is therefore
   * stopped before, so that nobody hears of it, as nobody hears of a machine without power. Kill it before `restore`.
   */
  async cut(pid?: number): Promise<void> {
    if (pid !== undefined) await silence(pid);
    await tool('python3', [SCRIPT, this.path]);
  }

  /** The power comes back: what is on the disk is read anew. Nobody may have a file open. */
  async restore(): Promise<void> {
    await this.#unmount();
    await this.#mount();
  }

  /** Unmounts it and removes what it was made of. */
  async close(): Promise<void> {
    await this.#unmount();
    await rm(this.#folder, { recursive: true, force: true });
    this.#gone.cancel();
  }

  async #mount(): Promise<void> {
    await tool('mount', ['-t', 'ext4', '-o', 'loop', this.#image, this.path]);
    this.#isMounted = true;
  }

  /** Detaches the loop device too, since `mount` has attached it. */
  async #unmount(): Promise<void> {
    if (!this.#isMounted) return;
    // Busy for a moment longer where the kernel still closes the files of a killed process.
    await eventually(`${this.path} is unmounted`, async () => {
      await tool('umount', [this.path]);
      return true;
    });
    this.#isMounted = false;
  }
}

/** Stops a process where it stands. Its main thread is the one that speaks; others may be in the middle of a sync and stay there. */
async function silence(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await eventually(`process ${pid} has stopped`, async () => {
    const stat = await readFile(`/proc/${pid}/task/${pid}/stat`, 'latin1');
    // The state follows the name, which may hold spaces and brackets (proc(5)).
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

async function tool(program: string, args: readonly string[]): Promise<void> {
  await run(program, args, { timeout: TOOL_MS });
}
