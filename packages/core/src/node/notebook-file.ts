/** A small file that is replaced as a whole: at any moment there is the old content or the new one. */

import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Notebook } from '../finder.js';

const BYTES_MAX = 1024 * 1024;
const ABSENT: NodeJS.ErrnoException['code'] = 'ENOENT';

/** One process at a time may write it. */
export function openNotebook(path: string): Notebook {
  return {
    async read() {
      const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
        if (error.code === ABSENT) return undefined;
        throw error;
      });
      if (file === undefined) return undefined;
      try {
        const { size } = await file.stat();
        // What is longer than anything that is ever written is damaged; no bytes are read as damaged too.
        return size > BYTES_MAX ? new Uint8Array(0) : new Uint8Array(await file.readFile());
      } finally {
        await file.close();
      }
    },

    async write(bytes) {
      const draft = `${path}.new`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.datasync();
      } finally {
        await file.close();
      }
      try {
        await rename(draft, path);
      } catch (error) {
        await unlink(draft).catch(() => undefined);
        throw error;
      }
      const directory = await open(dirname(path), 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    },
  };
}
