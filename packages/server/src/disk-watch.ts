/** How much room there is, as it was a moment ago: whoever asks after the node's health must not wait for its disk. */

import type { DataSize } from '@logline/federation-core/node';

export class DiskWatch {
  readonly #read: () => Promise<DataSize>;
  #last: DataSize | undefined;
  #reading = false;

  constructor(read: () => Promise<DataSize>) {
    this.#read = read;
  }

  /** `undefined` before the first look, or where the file system does not tell. */
  get last(): DataSize | undefined {
    return this.#last;
  }

  /** Looks again. A disk that hangs is not asked a second time. */
  async look(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.#last = await this.#read();
    } catch {
      this.#last = undefined;
    } finally {
      this.#reading = false;
    }
  }
}
