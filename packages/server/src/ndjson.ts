/** Newline-delimited JSON from pieces of bytes, cut into groups of whole lines without holding more than one group. */

import { SERVER_LIMITS } from './limits.js';

/** A line with its place in the upload; `undefined` bytes for one that was too long to keep. */
export interface Line {
  /** Counted from 0, empty lines included: one less than an editor shows. */
  readonly index: number;
  readonly bytes: Uint8Array | undefined;
}

export const NEWLINE = 0x0a;

export class LineSplitter {
  readonly #lineBytesMost: number;
  /** Parts of a line whose end has not come yet. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #isTooLong = false;
  #index = 0;

  constructor(lineBytesMost: number) {
    this.#lineBytesMost = lineBytesMost;
  }

  /** Bytes held of an unfinished line: never more than the longest allowed. */
  get heldBytes(): number {
    return this.#partBytes;
  }

  /** Whether a line has begun that has not ended. */
  get isInsideLine(): boolean {
    return this.#partBytes > 0 || this.#isTooLong;
  }

  /** The lines that end within `piece`. Empty ones count but do not come. */
  *push(piece: Uint8Array): Generator<Line, void, void> {
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, from)) {
      this.#keep(piece.subarray(from, at));
      from = at + 1;
      const line = this.#take();
      if (line !== undefined) yield line;
    }
    this.#keep(piece.subarray(from));
  }

  /** The last line, if the upload did not end with a line break. */
  end(): Line | undefined {
    return this.#take();
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0 || this.#isTooLong) return;
    // One more for a carriage return that will be cut off.
    this.#isTooLong = this.#partBytes + part.length > this.#lineBytesMost + 1;
    if (this.#isTooLong) {
      this.#parts = [];
      this.#partBytes = 0;
    } else {
      this.#parts.push(part);
      this.#partBytes += part.length;
    }
  }

  #take(): Line | undefined {
    const index = this.#index++;
    const isTooLong = this.#isTooLong;
    const joined = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    this.#isTooLong = false;
    const bytes = trimmed(joined ?? new Uint8Array(0));
    if (isTooLong || bytes.length > this.#lineBytesMost) return { index, bytes: undefined };
    return bytes.length === 0 ? undefined : { index, bytes };
  }
}

/** Lines on their way to the node together. */
export class Piece {
  readonly lines: Line[] = [];
  #bytes = 0;

  add(line: Line): void {
    this.lines.push(line);
    this.#bytes += line.bytes?.length ?? 0;
  }

  get isFull(): boolean {
    return this.lines.length >= SERVER_LIMITS.pieceLines || this.#bytes >= SERVER_LIMITS.pieceBytes;
  }
}

/** Without white space around it, so that a blank line is empty and one from Windows ends where it should. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let from = 0;
  let to = bytes.length;
  while (from < to && isSpace(bytes[from])) from++;
  while (to > from && isSpace(bytes[to - 1])) to--;
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
