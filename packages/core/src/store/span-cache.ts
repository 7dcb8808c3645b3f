/** Batches opened lately, so that reading their spans one by one does not inflate them each time. */

import { linesOfBatch } from '../batch.js';
import { valueOfChange } from '../change.js';
import { splitEntry } from '../entry.js';
import { LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Tools } from '../ports.js';
import { checkSpan, type Span } from '../span.js';

/** What a line weighs beside its text: the view of it. */
const LINE_BYTES = 200;

interface Batch {
  readonly lines: readonly Uint8Array[];
  readonly bytes: number;
}

export class SpanCache {
  readonly #tools: Tools;
  /** By position, least recently used first. */
  readonly #batches = new Map<number, Batch>();
  readonly #reading = new Map<number, Promise<readonly Uint8Array[]>>();
  #bytes = 0;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** One span of the entry at `position`, `undefined` where it has fewer; `read` supplies its bytes where they are not at hand. */
  async span(
    { position, index }: { readonly position: number; readonly index: number },
    read: () => Promise<Uint8Array>,
  ): Promise<Span | undefined> {
    const line = (await this.#lines(position, read))[index];
    if (line === undefined) return undefined;
    // Of a batch that was accepted as a whole, only the line that is wanted is looked at.
    const checked = checkSpan(line, this.#tools);
    if (!checked.ok) throw unreadable(position);
    return checked.span;
  }

  put(position: number, spans: readonly Pick<Span, 'bytes'>[]): void {
    this.#keep(
      position,
      spans.map((span) => span.bytes),
    );
  }

  async #lines(position: number, read: () => Promise<Uint8Array>): Promise<readonly Uint8Array[]> {
    const held = this.#batches.get(position);
    if (held !== undefined) {
      this.#batches.delete(position);
      this.#batches.set(position, held);
      return held.lines;
    }
    // Readers of one page ask for many spans of an entry at once: it is read and inflated for all of them together.
    let reading = this.#reading.get(position);
    if (reading === undefined) {
      reading = this.#open(position, read).finally(() => this.#reading.delete(position));
      this.#reading.set(position, reading);
    }
    return reading;
  }

  async #open(position: number, read: () => Promise<Uint8Array>): Promise<readonly Uint8Array[]> {
    const parts = splitEntry(await read());
    const value = parts === undefined ? undefined : valueOfChange(parts.change, this.#tools);
    const lines = value === undefined ? undefined : linesOfBatch(value, this.#tools);
    if (lines === undefined) throw unreadable(position);
    this.#keep(position, lines);
    return lines;
  }

  #keep(position: number, lines: readonly Uint8Array[]): void {
    if (this.#batches.has(position)) return;
    const bytes = lines.reduce((sum, line) => sum + line.length + LINE_BYTES, 0);
    this.#batches.set(position, { lines, bytes });
    this.#bytes += bytes;
    for (const [oldest, batch] of this.#batches) {
      if (this.#bytes <= LIMITS.batchCacheBytes) break;
      this.#batches.delete(oldest);
      this.#bytes -= batch.bytes;
    }
  }
}

function unreadable(position: number): LoglineError {
  const why = `the entry at byte ${position} of the log cannot be read: check the disk`;
  return new LoglineError('damaged', why);
}
