/** Batches decoded lately, so that reading their spans one by one does not inflate them each time. */

import { LoglineError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Tools } from '../ports.js';
import type { Span } from '../span.js';
import { describeEntry } from './describe.js';

export class SpanCache {
  readonly #tools: Tools;
  /** By position, least recently used first. */
  readonly #batches = new Map<number, { readonly spans: readonly Span[]; readonly bytes: number }>();
  readonly #reading = new Map<number, Promise<readonly Span[]>>();
  #bytes = 0;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** The spans of the entry at `position`; `read` supplies its bytes where they are not at hand. */
  async spans(position: number, read: () => Promise<Uint8Array>): Promise<readonly Span[]> {
    const held = this.#batches.get(position);
    if (held !== undefined) {
      this.#batches.delete(position);
      this.#batches.set(position, held);
      return held.spans;
    }
    // Readers of one page ask for many spans of an entry at once: it is read and inflated for all of them together.
    let reading = this.#reading.get(position);
    if (reading === undefined) {
      reading = this.#decode(position, read).finally(() => this.#reading.delete(position));
      this.#reading.set(position, reading);
    }
    return reading;
  }

  put(position: number, spans: readonly Span[]): void {
    if (this.#batches.has(position)) return;
    // Parsed members weigh about four times their text.
    const bytes = spans.reduce((sum, span) => sum + span.bytes.length * 5, 0);
    this.#batches.set(position, { spans, bytes });
    this.#bytes += bytes;
    for (const [oldest, batch] of this.#batches) {
      if (this.#bytes <= LIMITS.batchCacheBytes) break;
      this.#batches.delete(oldest);
      this.#bytes -= batch.bytes;
    }
  }

  async #decode(position: number, read: () => Promise<Uint8Array>): Promise<readonly Span[]> {
    const entry = describeEntry(await read(), this.#tools);
    if (entry === undefined) {
      throw new LoglineError(
        'damaged',
        `the entry at byte ${position} of the log cannot be read: check the disk`,
      );
    }
    this.put(position, entry.spans);
    return entry.spans;
  }
}
