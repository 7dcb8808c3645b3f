/** Ed25519's curve in plain arithmetic (RFC 8032 §5.1), slow and lenient: for making signatures that no honest signer makes. */

import { createHash } from 'node:crypto';

export const PRIME = 2n ** 255n - 19n;
/** Order of the main subgroup. */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (PRIME - 1n) / 4n);

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export const IDENTITY: Point = { x: 0n, y: 1n };
/** The base point: y = 4/5, x even. */
export const BASE: Point = pointAt(mod(4n * inverse(5n)), false) ?? IDENTITY;

export function mod(value: bigint, by: bigint = PRIME): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

export function inverse(value: bigint): bigint {
  return power(mod(value), PRIME - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, left = exponent; left > 0n; left >>= 1n, square = (square * square) % PRIME)
    if ((left & 1n) === 1n) result = (result * square) % PRIME;
  return result;
}

/** The point with this y and the sign of x; `undefined` off the curve. Takes x = 0 with either sign. */
export function pointAt(y: bigint, isOdd: boolean): Point | undefined {
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (PRIME + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(x * x) !== square) return undefined;
  return { x: ((x & 1n) === 1n) === isOdd ? x : mod(-x), y };
}

export function add(a: Point, b: Point): Point {
  const cross = mod(D * mod(a.x * b.x) * mod(a.y * b.y));
  return {
    x: mod((a.x * b.y + a.y * b.x) * inverse(1n + cross)),
    y: mod((a.y * b.y + a.x * b.x) * inverse(1n - cross)),
  };
}

export function negate({ x, y }: Point): Point {
  return { x: mod(-x), y };
}

export function times(scalar: bigint, point: Point): Point {
  // Projective (X : Y : Z), so that one inversion is enough.
  let sum: Projective = [0n, 1n, 1n];
  let doubled: Projective = [point.x, point.y, 1n];
  for (let left = scalar; left > 0n; left >>= 1n, doubled = addProjective(doubled, doubled))
    if ((left & 1n) === 1n) sum = addProjective(sum, doubled);
  const [x, y, z] = sum;
  const unit = inverse(z);
  return { x: mod(x * unit), y: mod(y * unit) };
}

type Projective = readonly [x: bigint, y: bigint, z: bigint];

/** Complete addition in projective coordinates (Bernstein and Lange, "Faster addition and doubling on elliptic curves"). */
function addProjective([x1, y1, z1]: Projective, [x2, y2, z2]: Projective): Projective {
  const a = mod(z1 * z2);
  const b = mod(a * a);
  const c = mod(x1 * x2);
  const d = mod(y1 * y2);
  const e = mod(D * c * d);
  const f = b - e;
  const g = b + e;
  return [mod(a * f * ((x1 + y1) * (x2 + y2) - c - d)), mod(a * g * (d + c)), mod(f * g)];
}

/** The eight points whose order divides eight, from the identity on by multiples of one of order eight. */
export const TORSION: readonly Point[] = torsion();

function torsion(): readonly Point[] {
  for (let y = 2n; ; y++) {
    const point = pointAt(y, false);
    if (point === undefined) continue;
    const generator = times(ORDER, point);
    const [, , , , fourth] = multiples(generator);
    // Of order eight only if four times it is not the identity yet.
    if (fourth !== undefined && fourth.y !== 1n) return multiples(generator);
  }
}

function multiples(point: Point): Point[] {
  const all = [IDENTITY];
  for (let last = IDENTITY; all.length < 8; all.push(last)) last = add(last, point);
  return all;
}

export function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
}

export function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

export function encode({ x, y }: Point): Uint8Array {
  return littleEndian(y + ((x & 1n) << 255n));
}

/** Every way to write a point that a lenient reader takes, the canonical one first. */
export function encodings(point: Point): readonly Uint8Array[] {
  const { x, y } = point;
  const ys = [y, y + PRIME].filter((value) => value < 2n ** 255n);
  const signs = x === 0n ? [0n, 1n] : [x & 1n];
  return ys.flatMap((value) => signs.map((sign) => littleEndian(value + (sign << 255n))));
}

/** The scalar that SHA-512 of some parts stands for. */
export function challenge(...parts: readonly Uint8Array[]): bigint {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  const digest = hash.digest();
  return mod(numberOf(digest.subarray(0, 32)) + (numberOf(digest.subarray(32)) << 256n), ORDER);
}

/** The secret scalar of a seed. */
export function scalarOf(seed: Uint8Array): bigint {
  const digest = createHash('sha512').update(seed).digest().subarray(0, 32);
  digest[0] = (digest[0] ?? 0) & 248;
  digest[31] = ((digest[31] ?? 0) & 127) | 64;
  return numberOf(digest);
}

/** Reads a point leniently: any encoding, any order. */
export function decode(bytes: Uint8Array): Point | undefined {
  const value = numberOf(bytes);
  return pointAt(mod(value & (2n ** 255n - 1n)), value >> 255n === 1n);
}

/**
 * Whether the most lenient verifier that anyone has shipped takes a signature: trailing bytes, S of any size, every
 * encoding, every order, and the equation multiplied by the cofactor.
 */
export function lenientlyVerifies(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length < 64 || key.length !== 32) return false;
  const [r, s] = [signature.slice(0, 32), numberOf(signature.slice(32, 64))];
  const [pointR, pointA] = [decode(r), decode(key)];
  if (pointR === undefined || pointA === undefined) return false;
  const left = times(8n * s, BASE);
  const right = times(8n, add(pointR, times(challenge(r, key, message), pointA)));
  return left.x === right.x && left.y === right.y;
}
