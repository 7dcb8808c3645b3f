/** A small disk of its own whose power can be cut: ext4 in a file, mounted through a loop device. */

import { execFile, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
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

  /** From now on every write fails, and what was not synced is lost. */
  async cut(): Promise<void> {
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

async function tool(program: string, args: readonly string[]): Promise<void> {
  await run(program, args, { timeout: TOOL_MS });
}
