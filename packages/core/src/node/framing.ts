/** Frames in a stream of bytes: each is preceded by its length as four big-endian bytes. */

/** Bytes before every frame. */
export const PREFIX_BYTES = 4;

/** Frames waiting to be sent, taken off as pieces of whatever size suits the encryption. */
export class FrameQueue {
  #parts: Uint8Array[] = [];
  /** Index of the first part not wholly taken, and how much of it is. */
  #head = 0;
  #taken = 0;
  #bytes = 0;

  /** Bytes not yet taken, prefixes included. */
  get bytes(): number {
    return this.#bytes;
  }

  push(frame: Uint8Array): void {
    const prefix = new Uint8Array(PREFIX_BYTES);
    new DataView(prefix.buffer).setUint32(0, frame.length);
    this.#parts.push(prefix);
    if (frame.length > 0) this.#parts.push(frame);
    this.#bytes += PREFIX_BYTES + frame.length;
  }

  /** The next piece of at most `bytesMax` bytes; empty when nothing waits. Copies only what spans several parts. */
  take(bytesMax: number): Uint8Array {
    const first = this.#parts[this.#head];
    if (first !== undefined && first.length - this.#taken >= bytesMax) {
      const piece = first.subarray(this.#taken, this.#taken + bytesMax);
      this.#advance(bytesMax);
      return piece;
    }
    const piece = new Uint8Array(Math.min(bytesMax, this.#bytes));
    let filled = 0;
    while (filled < piece.length) {
      const part = this.#parts[this.#head]?.subarray(this.#taken, this.#taken + piece.length - filled);
      if (part === undefined) break;
      piece.set(part, filled);
      filled += part.length;
      this.#advance(part.length);
    }
    return piece;
  }

  clear(): void {
    this.#parts = [];
    this.#head = 0;
    this.#taken = 0;
    this.#bytes = 0;
  }

  /** Marks bytes of the first part as taken. */
  #advance(count: number): void {
    this.#bytes -= count;
    this.#taken += count;
    if (this.#taken < (this.#parts[this.#head]?.length ?? 0)) return;
    this.#taken = 0;
    this.#head++;
    // Dropping the used half at a time keeps the cost of a part constant.
    if (this.#head * 2 > this.#parts.length) {
      this.#parts.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

/** Puts frames together again. What it holds is bounded by one frame and the chunks fed since the last `next`. */
export class FrameReader {
  readonly #frameBytesMax: number;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #chunks: Uint8Array[] = [];
  #frame: Uint8Array | undefined;
  #filled = 0;

  constructor(options: { readonly frameBytesMax: number }) {
    this.#frameBytesMax = options.frameBytesMax;
  }

  feed(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** The next whole frame, `undefined` until there is one, or what an overlong one claims to be before any memory is taken for it. */
  next(): Uint8Array | { readonly tooLargeBytes: number } | undefined {
    if (this.#frame === undefined) {
      if (!this.#fill(this.#prefix)) return undefined;
      const length = new DataView(this.#prefix.buffer).getUint32(0);
      if (length > this.#frameBytesMax) return { tooLargeBytes: length };
      this.#frame = new Uint8Array(length);
    }
    if (!this.#fill(this.#frame)) return undefined;
    const frame = this.#frame;
    this.#frame = undefined;
    return frame;
  }

  /** Moves bytes from the chunks to the target; true once it is full. */
  #fill(target: Uint8Array): boolean {
    let used = 0;
    while (this.#filled < target.length) {
      const chunk = this.#chunks[used];
      if (chunk === undefined) break;
      const part = chunk.subarray(0, target.length - this.#filled);
      target.set(part, this.#filled);
      this.#filled += part.length;
      if (part.length === chunk.length) used++;
      else this.#chunks[used] = chunk.subarray(part.length);
    }
    this.#chunks.splice(0, used);
    if (this.#filled < target.length) return false;
    this.#filled = 0;
    return true;
  }
}
