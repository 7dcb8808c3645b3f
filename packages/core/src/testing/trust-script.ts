/** Statements as if nodes had written them: each at the next place of one of its signer's feeds. */

import type { Stamp } from '../clock.js';
import type { KeyPair, Tools } from '../ports.js';
import {
  rotationBody,
  type AccessStatement,
  type CutPart,
  type EpochCut,
  type Placed,
  type TrustStatement,
} from '../statement.js';

const NOTHING = new Uint8Array(32);

export interface Where {
  /** A number that stands for a process start; 1 unless given. */
  readonly epoch?: number;
  readonly ms?: number;
}

/** Eight bytes that stand for one process start. */
export function epochOf(n: number): Uint8Array {
  return Uint8Array.of(n, 0, 0, 0, 0, 0, 0, n);
}

export function cutAt(epoch: number, seq: number, part: CutPart = '-'): EpochCut {
  return { part, epoch: epochOf(epoch), seq, hash: NOTHING };
}

export function introduce(key: KeyPair, name = 'someone'): TrustStatement {
  return { kind: 'introduce', key: key.publicKey, name, address: 'wss://somewhere' };
}

export function verify(key: KeyPair, over: readonly Uint8Array[] = []): TrustStatement {
  return { kind: 'verify', key: key.publicKey, name: 'someone', method: 'signature', over };
}

export function revoke(key: KeyPair, cuts: readonly EpochCut[] = []): TrustStatement {
  return { kind: 'revoke', key: key.publicKey, cuts, reason: '' };
}

/** The old key's word that the new one goes on, with the new one's agreement. */
export function rotate(from: KeyPair, to: KeyPair, cuts: readonly EpochCut[], tools: Tools): TrustStatement {
  const proof = tools.crypto.sign(rotationBody(from.publicKey, to.publicKey, cuts), to.secretKey);
  return { kind: 'rotate', key: to.publicKey, cuts, proof };
}

/** Writes the feeds of one scope. */
export class StatementScript<S extends TrustStatement | AccessStatement = TrustStatement> {
  readonly placed: Placed<S>[] = [];
  readonly #tools: Tools;
  readonly #label: string;
  readonly #heads = new Map<string, number>();

  constructor(tools: Tools, label = 'trust') {
    this.#tools = tools;
    this.#label = label;
  }

  /** One entry with these statements; the last of them where it stands. Stamps grow by one unless `ms` says otherwise. */
  say(by: KeyPair, statements: S | readonly S[], { epoch = 1, ms }: Where = {}): Placed<S> {
    const feed = `${by.publicKey.join()}/${epoch}`;
    const seq = (this.#heads.get(feed) ?? 0) + 1;
    this.#heads.set(feed, seq);
    const stamp: Stamp = { ms: ms ?? this.placed.length + 1, count: 0 };
    const hash = this.#tools.crypto.sha256(this.#tools.text.encode(`${this.#label}/${feed}/${seq}`));
    const origin = by.publicKey;
    const list: readonly S[] = Array.isArray(statements) ? statements : [statements as S];
    for (const [index, statement] of list.entries())
      this.placed.push({ statement, origin, hash, stamp, epoch: epochOf(epoch), seq, index });
    const last = this.placed.at(-1);
    if (last === undefined) throw new Error('an entry carries at least one statement');
    return last;
  }

  /** The last number of a feed. */
  headOf(by: KeyPair, epoch = 1): number {
    return this.#heads.get(`${by.publicKey.join()}/${epoch}`) ?? 0;
  }
}
