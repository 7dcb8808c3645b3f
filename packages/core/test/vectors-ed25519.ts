/**
 * Signatures of the classes that Ed25519 implementations get wrong, made here from the definitions: lengths, S beyond the
 * order, keys and R of small or mixed order, encodings that are not canonical.
 */

import { concatBytes } from '../dist/bytes.js';
import {
  add,
  BASE,
  challenge,
  encode,
  encodings,
  littleEndian,
  mod,
  negate,
  numberOf,
  ORDER,
  PRIME,
  scalarOf,
  times,
  TORSION,
  type Point,
} from './edwards.js';

export interface Vector {
  readonly title: string;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  /** Which of the messages was signed, counted from 0. */
  readonly attempt: number;
  /** `good`: to be accepted. `key`: to be refused for its key, whatever its signature says. `signature`: to be refused. */
  readonly verdict: 'good' | 'key' | 'signature';
}

/** What is signed under a key: another text for each attempt, since some signatures have to be searched for. */
export type MessageOf = (key: Uint8Array, attempt: number) => Uint8Array;

const ATTEMPTS_MAX = 500;
const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const LENGTHS = [0, 1, 31, 32, 33, 63, 65, 66, 96, 128];
/** S + nL has 256 bits up to n = 15. */
const FOLDS = [1n, 2n, 3n, 4n, 7n, 8n, 12n, 15n];

export function makeVectors(messageOf: MessageOf): readonly Vector[] {
  const alice = signer(seed(1));
  return [
    ...[1, 2, 3, 4, 5, 6].map((n) => honest(`of signer ${n}`, signer(seed(n)), messageOf)),
    ...lengths(alice, messageOf),
    ...altered(alice, messageOf),
    ...folded(alice, messageOf),
    ...smallOrderKeys(messageOf),
    ...smallOrderR(alice, messageOf),
    ...mixedOrder(alice, messageOf),
    ...strangeKeys(alice, messageOf),
  ];
}

interface Signer {
  readonly secret: bigint;
  readonly point: Point;
  readonly key: Uint8Array;
}

function signer(of: Uint8Array): Signer {
  const secret = scalarOf(of);
  const point = times(secret, BASE);
  return { secret, point, key: encode(point) };
}

/** R and S by the definition, with a nonce that depends on the key alone: these keys are nobody's. */
function sign({ secret, key }: Signer, message: Uint8Array, tweak: Partial<Tweak> = {}): Uint8Array {
  const nonce = tweak.nonce ?? challenge(key, littleEndian(secret), message);
  const r = tweak.r ?? encode(add(times(nonce, BASE), tweak.addedToR ?? { x: 0n, y: 1n }));
  const s = mod(nonce + challenge(r, key, message) * secret, ORDER);
  return concatBytes([r, littleEndian(s)]);
}

interface Tweak {
  readonly nonce: bigint;
  readonly r: Uint8Array;
  readonly addedToR: Point;
}

function honest(title: string, who: Signer, messageOf: MessageOf): Vector {
  const signature = sign(who, messageOf(who.key, 0));
  return { title: `an honest signature ${title}`, key: who.key, signature, attempt: 0, verdict: 'good' };
}

function bad(title: string, key: Uint8Array, signature: Uint8Array, attempt = 0): Vector {
  return { title, key, signature, attempt, verdict: 'signature' };
}

function lengths(who: Signer, messageOf: MessageOf): readonly Vector[] {
  const good = sign(who, messageOf(who.key, 0));
  const filled = (length: number, byte: number): Uint8Array =>
    Uint8Array.from({ length }, (_, at) => good[at] ?? byte);
  return [
    ...LENGTHS.map((length) => bad(`${length} bytes`, who.key, filled(length, 0))),
    bad('65 bytes, the last 0xff', who.key, filled(65, 0xff)),
    bad('the same twice', who.key, concatBytes([good, good])),
    bad('a zero before', who.key, concatBytes([Uint8Array.of(0), good])),
  ];
}

function altered(who: Signer, messageOf: MessageOf): readonly Vector[] {
  const good = sign(who, messageOf(who.key, 0));
  const [r, s] = [good.slice(0, 32), good.slice(32)];
  const flips = [0, 7, 31, 32, 48, 62, 63].map((at) =>
    bad(`byte ${at} is another`, who.key, good.with(at, (good[at] ?? 0) ^ 4)),
  );
  const negative = littleEndian(mod(-numberOf(s), ORDER));
  return [
    ...flips,
    bad('the sign of R is another', who.key, good.with(31, (good[31] ?? 0) ^ 0x80)),
    bad('R and S are exchanged', who.key, concatBytes([s, r])),
    bad('S is negated', who.key, concatBytes([r, negative])),
    bad('all zeros', who.key, new Uint8Array(64)),
    bad('all ones', who.key, new Uint8Array(64).fill(0xff)),
    bad('R is zero', who.key, concatBytes([new Uint8Array(32), s])),
    bad('S is zero', who.key, concatBytes([r, new Uint8Array(32)])),
    bad('of another message', who.key, sign(who, messageOf(who.key, 1))),
    bad('of another signer', who.key, sign(signer(seed(9)), messageOf(who.key, 0))),
  ];
}

function folded(who: Signer, messageOf: MessageOf): readonly Vector[] {
  const good = sign(who, messageOf(who.key, 0));
  const s = numberOf(good.slice(32));
  const withS = (title: string, value: bigint): Vector =>
    bad(title, who.key, concatBytes([good.slice(0, 32), littleEndian(value)]));
  return [
    ...FOLDS.filter((n) => s + n * ORDER < 2n ** 256n).map((n) => withS(`S + ${n}L`, s + n * ORDER)),
    withS('S is L', ORDER),
    withS('S is L - 1', ORDER - 1n),
    withS('S is 2^252', 2n ** 252n),
    withS('the top bit of S is set', s + 2n ** 255n),
  ];
}

/** Any S has its R under a key of small order, if only the challenge is a multiple of that order: F12 is one of them. */
function smallOrderKeys(messageOf: MessageOf): readonly Vector[] {
  const s = 12345n;
  const r = encode(times(s, BASE));
  const forged = TORSION.flatMap((point, index) =>
    encodings(point).map((key, form): Vector => {
      const attempt = search((n) => challenge(r, key, messageOf(key, n)) % 8n === 0n);
      const title = `a key of small order, number ${index}, written in way ${form}`;
      return { title, key, signature: concatBytes([r, littleEndian(s)]), attempt, verdict: 'key' };
    }),
  );
  const identity = encode({ x: 0n, y: 1n });
  const signature = concatBytes([identity, new Uint8Array(32)]);
  return [
    ...forged,
    { title: 'identity as key and as R', key: identity, signature, attempt: 0, verdict: 'key' },
  ];
}

function smallOrderR(who: Signer, messageOf: MessageOf): readonly Vector[] {
  const message = messageOf(who.key, 0);
  return TORSION.flatMap((point, index) =>
    encodings(point).map((r, form) =>
      bad(
        `R of small order, number ${index}, written in way ${form}`,
        who.key,
        sign(who, message, { nonce: 0n, r }),
      ),
    ),
  );
}

/** A point of the main subgroup and one of small order in one: whether it verifies depends on who multiplies by eight. */
function mixedOrder(who: Signer, messageOf: MessageOf): readonly Vector[] {
  const points = TORSION.slice(1);
  const inKey = points.flatMap((added, index) => {
    const key = encode(add(who.point, added));
    const mixed = { ...who, key };
    return [true, false].map((isMultiple): Vector => {
      const attempt = search((n) => {
        const r = sign(mixed, messageOf(key, n)).slice(0, 32);
        const k = challenge(r, key, messageOf(key, n));
        return isMultiple ? k % 8n === 0n : k % 2n === 1n;
      });
      const title = `a key of mixed order ${index + 1}, under a challenge that hides it: ${isMultiple}`;
      return { title, key, signature: sign(mixed, messageOf(key, attempt)), attempt, verdict: 'key' };
    });
  });
  const inR = points.map((addedToR, index) => {
    const signature = sign(who, messageOf(who.key, 0), { addedToR });
    return bad(`R of mixed order ${index + 1}`, who.key, signature);
  });
  return [...inKey, ...inR];
}

/** Keys that are no usable point, under whatever signature. */
function strangeKeys(who: Signer, messageOf: MessageOf): readonly Vector[] {
  const strange = (title: string, key: Uint8Array): Vector => {
    return { title, key, signature: sign(who, messageOf(key, 0)), attempt: 0, verdict: 'key' };
  };
  const beyond = Array.from({ length: 19 }, (_, n) => PRIME + BigInt(n));
  return [
    ...beyond.map((y) => strange(`a key with y = p + ${y - PRIME}`, littleEndian(y))),
    ...beyond.map((y) => strange(`a key with y = p + ${y - PRIME}, x odd`, littleEndian(y + 2n ** 255n))),
    strange('a key off the curve', littleEndian(2n)),
    strange('a key of ones', new Uint8Array(32).fill(0xff)),
    bad(
      'the negative of the key',
      encode(negate(who.point)),
      sign(who, messageOf(encode(negate(who.point)), 0)),
    ),
  ];
}

function search(isFound: (attempt: number) => boolean): number {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) if (isFound(attempt)) return attempt;
  throw new Error(`nothing found in ${ATTEMPTS_MAX} attempts`);
}
