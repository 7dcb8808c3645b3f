/** CPU time and memory of processes, as the kernel counts them. */

import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MIB = 1024 * 1024;
/** Of the kernel's clock: a hundred ticks a second on every Linux. */
const TICK_MS = 10;

export interface Memory {
  /** Anonymous and shared memory, MB: what cannot be had back by forgetting what is on the disk anyway. */
  readonly ownMb: number;
  /** Pages of mapped files, MB. */
  readonly fileMb: number;
}

/** Memory of this process after a collection, and of others beside it. */
export function memoryOf(pids: readonly number[]): Memory {
  collect();
  let [ownKb, fileKb] = [0, 0];
  for (const pid of ['self', ...pids]) {
    // In proportion: a page that several processes share counts once for all of them together.
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const read = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    ownKb += read('Pss_Anon') + read('Pss_Shmem');
    fileKb += read('Pss_File');
  }
  return { ownMb: (ownKb * 1024) / MIB, fileMb: (fileKb * 1024) / MIB };
}

/** CPU time of this process and of others, ms. */
export function cpuMs(pids: readonly number[]): number {
  const { user, system } = process.cpuUsage();
  let ms = (user + system) / 1000;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ms += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  return ms;
}

/** Twice, since what the first finds to finish is freed by the second. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
}
