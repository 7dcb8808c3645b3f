/** Checksums of any part of some bytes, each in a few steps however long the part is. */

/** CRC-32's polynomial, the lowest power in the highest bit (ISO 3309). */
const POLYNOMIAL = 0xedb8_8320;
/** x to the power of 0, and of 8: what an empty part and one byte multiply by. */
const ONE = 0x8000_0000;
const BYTE = 0x0080_0000;
/** Powers are looked up for the low bits of a length and for the rest of it. */
const LOW_BITS = 11;
const LOW_MASK = (1 << LOW_BITS) - 1;

const STEPS = Uint32Array.from({ length: 256 }, (_, byte) => times(BYTE, byte));
const LOW_POWERS = powers(BYTE, 1 << LOW_BITS);

/**
 * CRC-32 is linear: what comes before a part multiplies by x^8 for each byte of it (as zlib's crc32_combine has it), so
 * the sums of all beginnings tell the sum of every part. Takes four bytes of memory for each byte.
 */
export class PartSums {
  readonly #beginnings: Uint32Array;
  readonly #highPowers: readonly number[];

  constructor(bytes: Uint8Array) {
    const beginnings = new Uint32Array(bytes.length + 1);
    let sum = 0xffff_ffff;
    for (let at = 0; at < bytes.length; at++) {
      sum = (sum >>> 8) ^ (STEPS[(sum ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
      beginnings[at + 1] = ~sum;
    }
    this.#beginnings = beginnings;
    this.#highPowers = powers(powerOf(LOW_BITS), (bytes.length >>> LOW_BITS) + 1);
  }

  /** The CRC-32 of something whose own is `before`, followed by the bytes `from` to `to`. */
  after(before: number, from: number, to: number): number {
    const length = to - from;
    const power = times(LOW_POWERS[length & LOW_MASK] ?? 0, this.#highPowers[length >>> LOW_BITS] ?? 0);
    const head = this.#beginnings[from] ?? 0;
    const whole = this.#beginnings[to] ?? 0;
    return (times(before ^ head, power) ^ whole) >>> 0;
  }
}

/** The product of two polynomials, modulo CRC-32's. */
function times(a: number, b: number): number {
  let product = 0;
  let factor = b | 0;
  // The sign bit is the lowest power, and goes first.
  for (let rest = a | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) product ^= factor;
    factor = (factor >>> 1) ^ (-(factor & 1) & POLYNOMIAL);
  }
  return product >>> 0;
}

function powers(base: number, count: number): readonly number[] {
  const found = [ONE];
  while (found.length < count) found.push(times(found.at(-1) ?? 0, base));
  return found;
}

/** x^8 to the power of 2^bits. */
function powerOf(bits: number): number {
  let power = BYTE;
  for (let i = 0; i < bits; i++) power = times(power, power);
  return power;
}
