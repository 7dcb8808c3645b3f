/** A disk that notes how long it took to make things durable. */

import type { Buckets } from '../figures.js';
import type { Disk, DiskFile } from '../ports.js';

/** The same disk; `syncMs` gets the time of every sync that came to its end. */
export function meteredDisk(disk: Disk, syncMs: Buckets): Disk {
  return {
    list: () => disk.list(),
    remove: (name) => disk.remove(name),
    open: async (name, options) => meteredFile(await disk.open(name, options), syncMs),
  };
}

function meteredFile(file: DiskFile, syncMs: Buckets): DiskFile {
  return {
    get sizeBytes() {
      return file.sizeBytes;
    },
    append: (parts) => file.append(parts),
    async sync() {
      const startedAtMs = performance.now();
      await file.sync();
      syncMs.note(performance.now() - startedAtMs);
    },
    read: (offsetBytes, lengthBytes) => file.read(offsetBytes, lengthBytes),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    close: () => file.close(),
  };
}
