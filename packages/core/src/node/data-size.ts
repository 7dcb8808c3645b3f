/** How much room a data directory takes, and how much there is. */

import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export interface DataSize {
  /** Of the files of the index, which may be rebuilt. */
  readonly indexBytes: number;
  /** For unprivileged users of its file system, and in all. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Rejects with what the file system says. */
export async function readDataSize(dataDir: string): Promise<DataSize> {
  const { bavail, blocks, bsize } = await statfs(dataDir);
  const indexDir = join(dataDir, 'index');
  const names = await readdir(indexDir);
  const sizes = await Promise.all(names.map((name) => sizeOf(join(indexDir, name))));
  return {
    indexBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
  };
}

/** The index removes files of its own while it works. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
