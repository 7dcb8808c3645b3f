/** A stream of lines cut into parts to send one by one, at the same places whenever the same bytes come. */

import { CliError } from './exit-code.js';

export interface Part {
  /** Whole lines; only the last part may lack its final line break. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
}

/** How far a stream has been dealt with. */
export interface Place {
  readonly bytes: number;
  readonly lines: number;
}

export const START: Place = { bytes: 0, lines: 0 };

const NEWLINE = 0x0a;
/** No span is near as long: a file without line breaks must not fill the memory. */
const LINE_BYTES_MOST = 32 * 1024 * 1024;

/**
 * Parts end with the first line that ends at `partBytes` or later, however the source is cut into pieces. With
 * `idleMs`, whole lines also go when nothing more has come for so long: a pipe may stay open for days.
 */
export async function* partsOf(
  source: AsyncIterable<Uint8Array>,
  options: { readonly partBytes: number; readonly idleMs?: number | undefined },
): AsyncGenerator<Part, void, void> {
  const waiting = new Waiting();
  for await (const piece of piecesOf(source, () => (waiting.hasLine ? options.idleMs : undefined))) {
    if (piece === 'idle') {
      yield waiting.takeLines();
      continue;
    }
    let rest = piece;
    for (;;) {
      const end = rest.indexOf(NEWLINE, Math.max(0, options.partBytes - 1 - waiting.bytes)) + 1;
      if (end === 0) break;
      waiting.add(rest.subarray(0, end));
      yield waiting.take();
      rest = rest.subarray(end);
    }
    waiting.add(rest);
    if (waiting.bytes > LINE_BYTES_MOST)
      throw new CliError(
        `a line is longer than ${LINE_BYTES_MOST} bytes: expected newline-delimited JSON, one span a line`,
      );
  }
  if (waiting.bytes > 0) yield waiting.take();
}

/** Bytes that came and have not gone. */
class Waiting {
  #pieces: Uint8Array[] = [];
  bytes = 0;
  hasLine = false;

  add(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.bytes += piece.length;
    this.hasLine ||= piece.includes(NEWLINE);
  }

  take(): Part {
    const part = toPart(this.#pieces);
    this.#pieces = [];
    this.bytes = 0;
    this.hasLine = false;
    return part;
  }

  /** The lines that are whole. */
  takeLines(): Part {
    const { bytes } = this.take();
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    this.add(bytes.subarray(end));
    return toPart([bytes.subarray(0, end)]);
  }
}

/** The pieces of a source, and word that none came within the time that is asked for before each. */
async function* piecesOf(
  source: AsyncIterable<Uint8Array>,
  idleMs: () => number | undefined,
): AsyncGenerator<Uint8Array | 'idle', void, void> {
  const pieces = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = pieces.next();
      const waitMs = idleMs();
      if (waitMs !== undefined && (await isSilent(next, waitMs))) yield 'idle';
      const result: IteratorResult<Uint8Array, unknown> = await next;
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    // Not awaited: a pipe whose writer is silent must not hold up the end.
    void pieces.return?.().catch(() => undefined);
  }
}

async function isSilent(next: Promise<unknown>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<true>((resolve) => (timer = setTimeout(resolve, waitMs, true)));
  const heard = next.then(
    () => false,
    () => false,
  );
  return Promise.race([heard, silence]).finally(() => clearTimeout(timer));
}

/** A part without its first lines. */
export function withoutLines({ bytes, lines }: Part, count: number): Part {
  let at = 0;
  for (let n = 0; n < count; n++) at = bytes.indexOf(NEWLINE, at) + 1;
  return { bytes: bytes.subarray(at), lines: lines - count };
}

export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === NEWLINE || byte === 0x20 || byte === 0x0d || byte === 0x09);
}

function toPart(pieces: readonly Uint8Array[]): Part {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  let lines = 0;
  for (let next = bytes.indexOf(NEWLINE); next >= 0; next = bytes.indexOf(NEWLINE, next + 1)) lines++;
  return { bytes, lines: bytes.at(-1) === NEWLINE ? lines : lines + 1 };
}
