/** The marks of an index's newest batches, by which a batch is missed that a power cut took from under newer ones. */

import { keyNumber, numberKey } from '../bytes.js';
import type { Key } from '../ports.js';

/** What goes into a batch besides its rows. */
export interface BatchMark {
  readonly key: Key;
  readonly value: Key;
  /** Marks of batches that can no longer be lost, to be deleted. */
  readonly settled: readonly Key[];
}

interface Held {
  readonly number: number;
  /** Bytes of the batch, as far as they matter. */
  readonly bytes: number;
}

/** Digits of a batch's number, to the base of 256. */
const NUMBER_BYTES = 7;

/**
 * LevelDB drops a part of its log that a power cut has mangled and goes on behind it, so a batch can be lost and a newer
 * one kept. Every batch therefore carries its number and that of the oldest mark it knew: a gap between them is a hole.
 *
 * How many marks are enough: what leaves LevelDB's write buffers is synced (the table, then the manifest that lists it),
 * and there are two buffers, one that fills and one that is being written away; a third batch of rows waits for that.
 * A buffer takes a batch, however large, unless it is over its size. So of the batches behind one that can still be
 * lost, all but the last of each buffer come to less than two sizes; those two count for one size each at most.
 */
export class BatchMarks {
  readonly #bufferBytes: number;
  readonly #held: Held[];
  #next: number;
  /** Bytes of all that are held. */
  #bytes: number;

  private constructor(bufferBytes: number, numbers: readonly number[], next: number) {
    this.#bufferBytes = bufferBytes;
    // Opening has moved these into synced tables, so that the next batch may settle them.
    this.#held = numbers.map((number) => ({ number, bytes: this.#unsyncedBytes }));
    this.#bytes = numbers.length * this.#unsyncedBytes;
    this.#next = next;
  }

  /** Those of a new database whose write buffers are of a size. */
  static none(bufferBytes: number): BatchMarks {
    return new BatchMarks(bufferBytes, [], 1);
  }

  /** From the rows found at opening, ascending, of which there is at least one; `undefined` where a batch is missing. */
  static read(rows: readonly (readonly [Key, Key])[], bufferBytes: number): BatchMarks | undefined {
    const numbers = rows.map(([key]) => keyNumber(key));
    const oldest = keyNumber(rows.at(-1)?.[1] ?? '');
    const isWhole = numbers.every((number, i) => number === oldest + i);
    return isWhole ? new BatchMarks(bufferBytes, numbers, oldest + numbers.length) : undefined;
  }

  /** The mark of the next batch, whose keys and values come to `bytes`. */
  next(bytes: number): BatchMark {
    // The number is used up even if the write fails: what comes after a lost batch must show a gap.
    const number = this.#next++;
    const counted = Math.min(bytes, this.#bufferBytes);
    this.#held.push({ number, bytes: counted });
    this.#bytes += counted;
    const settled: Key[] = [];
    for (;;) {
      const [first] = this.#held;
      if (first === undefined || this.#bytes - first.bytes < this.#unsyncedBytes) break;
      this.#held.shift();
      this.#bytes -= first.bytes;
      settled.push(numberKey(first.number, NUMBER_BYTES));
    }
    const oldest = this.#held[0]?.number ?? number;
    return { key: numberKey(number, NUMBER_BYTES), value: numberKey(oldest, NUMBER_BYTES), settled };
  }

  get #unsyncedBytes(): number {
    return 4 * this.#bufferBytes;
  }
}
