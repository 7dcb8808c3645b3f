/** An upload of lines: piece after piece goes to the node while the next is read, and no more than a few wait. */

import { LIMITS, type AppendOptions, type FederationNode } from '@logline/federation-core';
import { SERVER_LIMITS } from './limits.js';
import { LineSplitter, NEWLINE, Piece, type Line } from './ndjson.js';
import type { Tally } from './tally.js';

export interface UploadOptions extends Pick<AppendOptions, 'tenant' | 'idempotencyKey' | 'needsIds'> {
  readonly node: Pick<FederationNode, 'append'>;
  readonly tally: Tally;
  /** Told whether a line has begun that has not ended; never while the disk is waited for. */
  readonly onLine?: ((isInside: boolean) => void) | undefined;
}

/**
 * Appends every line of `source`, and resolves when all are durable. Reads on only while fewer than
 * `SERVER_LIMITS.piecesInFlight` pieces wait for the disk. When reading or storing fails, what was on its way is
 * waited for, so that `tally` tells what is stored, before it rejects.
 */
export async function uploadLines(source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<void> {
  const upload = new Upload(options);
  try {
    const splitter = new LineSplitter(LIMITS.spanBytes);
    for await (const bytes of source) {
      if (bytes.includes(NEWLINE)) options.onLine?.(false);
      for (const line of splitter.push(bytes)) if (upload.add(line)) await upload.send();
      // A slow upload is stored as it comes, not when it ends.
      if (upload.inFlight === 0) await upload.send();
      options.onLine?.(splitter.isInsideLine);
    }
    const last = splitter.end();
    if (last !== undefined) upload.add(last);
    await upload.send();
  } finally {
    await upload.settle();
  }
  upload.throwIfFailed();
}

class Upload {
  readonly #options: UploadOptions;
  readonly #running = new Set<Promise<void>>();
  #piece = new Piece();
  #sentLines = 0;
  #order = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Whether it is time to send. */
  add(line: Line): boolean {
    if (line.bytes === undefined) {
      const error = `larger than ${LIMITS.spanBytes} bytes: split it or store the payload elsewhere`;
      this.#options.tally.reject({ index: line.index, id: null, error });
      return false;
    }
    this.#piece.add(line);
    return this.#piece.isFull;
  }

  /** Hands the piece over as soon as few enough are on their way. Rejects once one has failed. */
  async send(): Promise<void> {
    while (this.#running.size >= SERVER_LIMITS.piecesInFlight) await Promise.race(this.#running);
    this.throwIfFailed();
    const { lines } = this.#piece;
    if (lines.length === 0) return;
    this.#piece = new Piece();
    const running: Promise<void> = this.#append(lines, this.#sentLines, this.#order++)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#sentLines += lines.length;
    this.#running.add(running);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #append(lines: readonly Line[], firstIndex: number, order: number): Promise<void> {
    const { node, tally, tenant, idempotencyKey, needsIds } = this.#options;
    const spans = lines.flatMap((line) => (line.bytes === undefined ? [] : [line.bytes]));
    const report = await node.append(spans, { tenant, idempotencyKey, needsIds, firstIndex });
    tally.add(
      report,
      lines.map((line) => line.index),
      order,
    );
  }
}
