/** Text, compression, time and chance as Node provides them. */

import { randomFillSync } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { Clock, Compression, Random, Text, Timer, Tools } from '../ports.js';
import { createCrypto } from './sodium.js';

/** Higher qualities cost several times more CPU for a tenth fewer bytes. */
const QUALITY = 1;
/** Brotli's window in bits: as small as holds the input, for its memory is set up anew at every call. */
const WINDOW_BITS_MIN = 16;
const WINDOW_BITS_MAX = 20;
/** setTimeout takes 32 signed bits and fires at once beyond. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createText(): Text {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return {
    encode: (text) => encoder.encode(text),
    decode(bytes) {
      try {
        return decoder.decode(bytes);
      } catch {
        return undefined;
      }
    },
  };
}

export function createCompression(): Compression {
  return {
    compress(bytes) {
      const bits = Math.ceil(Math.log2(Math.max(1, bytes.length)));
      const packed = brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: QUALITY,
          [constants.BROTLI_PARAM_LGWIN]: Math.min(WINDOW_BITS_MAX, Math.max(WINDOW_BITS_MIN, bits)),
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      });
      return plain(packed);
    },

    decompress(bytes, outputBytesMax) {
      try {
        const options = { maxOutputLength: Math.max(1, outputBytesMax), info: true };
        // With `info` Node answers with more than its types say.
        const inflated = brotliDecompressSync(bytes, options) as unknown as Inflated;
        // zlib ignores what follows the end of the stream; for us it is damage.
        if (inflated.engine.bytesWritten !== bytes.length) return undefined;
        return inflated.buffer.length <= outputBytesMax ? plain(inflated.buffer) : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** Timers keep the process alive until they fire or are cancelled: whoever sets one owns it. */
export function createClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: startTimer,
  };
}

function startTimer(delayMs: number, run: () => void): Timer {
  let handle: NodeJS.Timeout;
  const start = (leftMs: number): void => {
    handle =
      leftMs > TIMER_MS_MAX
        ? setTimeout(() => start(leftMs - TIMER_MS_MAX), TIMER_MS_MAX)
        : setTimeout(run, leftMs);
  };
  start(Math.max(0, delayMs));
  return { cancel: () => clearTimeout(handle) };
}

export function createRandom(): Random {
  return { bytes: (length) => randomFillSync(new Uint8Array(length)) };
}

export function createTools(): Tools {
  return { crypto: createCrypto(), text: createText(), compression: createCompression() };
}

/** A result of zlib may be a view of a larger block that it would keep alive: copy when most of the block is waste. */
function plain(buffer: Buffer): Uint8Array {
  if (buffer.buffer.byteLength > 2 * buffer.byteLength) return Uint8Array.from(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
