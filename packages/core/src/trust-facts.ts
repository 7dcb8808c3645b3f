/** Statements about nodes as the trust fold keeps them: by signer and by the key they are about, bounded, in no order. */

import { toKey } from './bytes.js';
import { compareStamps, type Stamp } from './clock.js';
import { fingerprintOf, type Fingerprint } from './identity.js';
import type { Crypto } from './ports.js';
import { rotationBody, type Placed, type TrustStatement } from './statement.js';

export type IntroduceStatement = Extract<TrustStatement, { kind: 'introduce' }>;
export type VerifyStatement = Extract<TrustStatement, { kind: 'verify' }>;
export type RevokeStatement = Extract<TrustStatement, { kind: 'revoke' }>;
export type RotateStatement = Extract<TrustStatement, { kind: 'rotate' }>;

/** Where a statement stands: its signer's feed and the place in it. */
export interface Place {
  readonly by: Fingerprint;
  /** The 8 bytes as a key. */
  readonly epoch: string;
  readonly seq: number;
}

export interface TrustFact<S extends TrustStatement = TrustStatement> extends Place {
  readonly statement: S;
  readonly about: Fingerprint;
  readonly hash: Uint8Array;
  /** The hash as a key. */
  readonly entry: string;
  readonly index: number;
  readonly stamp: Stamp;
}

/** The revocations of one key in one entry: one revocation, with the cuts of all. */
export interface Revocation {
  /** Ascending by their place in the entry. */
  readonly facts: [TrustFact<RevokeStatement>, ...TrustFact<RevokeStatement>[]];
  /** By epoch, the last seq that still counts: the lower of two. */
  readonly cuts: Map<string, number>;
}

/** What one key has said. */
export interface SignerFacts {
  readonly introductions: Map<Fingerprint, TrustFact<IntroduceStatement>[]>;
  readonly verifications: Map<Fingerprint, TrustFact<VerifyStatement>[]>;
  readonly revocations: Map<Fingerprint, Map<string, Revocation>>;
  readonly rotations: TrustFact<RotateStatement>[];
  /** The lowest stamp seen in each of its feeds. */
  readonly firstStamps: Map<string, Stamp>;
  /** Places taken, so that the same statement is kept once. */
  readonly ids: Set<string>;
}

/** The order in which facts are shown: the same whatever order they came in. */
export function compareFacts(a: TrustFact, b: TrustFact): number {
  if (a.by !== b.by) return a.by < b.by ? -1 : 1;
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  if (a.seq !== b.seq) return a.seq - b.seq;
  if (a.entry !== b.entry) return a.entry < b.entry ? -1 : 1;
  return a.index - b.index;
}

export class FactBook {
  readonly signers = new Map<Fingerprint, SignerFacts>();
  /** Rotations by the key they lead to, proven or not. */
  readonly rotationsTo = new Map<Fingerprint, TrustFact<RotateStatement>[]>();
  /** Who said something of a key. */
  readonly #speakers = new Map<Fingerprint, Set<Fingerprint>>();
  /** By feed, the first seq that its fork makes void. */
  readonly #forks = new Map<string, number>();
  readonly #proven = new WeakMap<RotateStatement, boolean>();
  readonly #crypto: Pick<Crypto, 'verify' | 'isSafePublicKey'>;
  /** How many statements were looked at so far: the work done, for tests and the benchmark. */
  steps = 0;

  constructor(crypto: Pick<Crypto, 'verify' | 'isSafePublicKey'>) {
    this.#crypto = crypto;
  }

  /** Keeps a statement; `undefined` where it is held already. */
  add(placed: Placed<TrustStatement>): TrustFact | undefined {
    this.steps++;
    const by = fingerprintOf(placed.origin);
    const entry = toKey(placed.hash);
    const signer = this.#signer(by);
    const id = `${entry}${placed.index}`;
    if (signer.ids.has(id)) return undefined;
    signer.ids.add(id);
    const { statement, hash, stamp, seq, index } = placed;
    const about = fingerprintOf(statement.key);
    const epoch = toKey(placed.epoch);
    const first = signer.firstStamps.get(epoch);
    if (first === undefined || compareStamps(stamp, first) < 0) signer.firstStamps.set(epoch, stamp);
    const speakers = this.#speakers.get(about);
    if (speakers === undefined) this.#speakers.set(about, new Set([by]));
    else speakers.add(by);
    const place = { by, about, epoch, seq, index, entry, hash, stamp };
    switch (statement.kind) {
      case 'introduce':
        push(signer.introductions, about, { ...place, statement });
        break;
      case 'verify':
        push(signer.verifications, about, { ...place, statement });
        break;
      case 'revoke':
        addRevocation(signer.revocations, { ...place, statement });
        break;
      case 'rotate': {
        const fact = { ...place, statement };
        signer.rotations.push(fact);
        push(this.rotationsTo, about, fact);
        break;
      }
      default:
        statement satisfies never;
    }
    return { ...place, statement };
  }

  /** What lies from `from` on in a forked feed counts for nothing; `undefined` lifts that. */
  setFork(by: Fingerprint, epoch: string, from: number | undefined): void {
    if (from === undefined) this.#forks.delete(by + epoch);
    else this.#forks.set(by + epoch, from);
  }

  /** Whether a statement lies on no branch of a fork. */
  isWhole(fact: Place): boolean {
    if (this.#forks.size === 0) return true;
    const from = this.#forks.get(fact.by + fact.epoch);
    return from === undefined || fact.seq < from;
  }

  /** Whether the new key has agreed: checked once, when it first matters. */
  isProven({ statement, by, about }: TrustFact<RotateStatement>, oldKey: Uint8Array): boolean {
    const known = this.#proven.get(statement);
    if (known !== undefined) return known;
    const { key, cuts, proof } = statement;
    const proven =
      by !== about &&
      this.#crypto.isSafePublicKey(key) &&
      this.#crypto.verify(proof, rotationBody(oldKey, key, cuts), key);
    this.#proven.set(statement, proven);
    return proven;
  }

  verificationsBy(by: Fingerprint, about: Fingerprint): readonly TrustFact<VerifyStatement>[] {
    return this.#looked(this.signers.get(by)?.verifications.get(about));
  }

  revocationsBy(by: Fingerprint, about: Fingerprint): readonly Revocation[] {
    return this.#looked([...(this.signers.get(by)?.revocations.get(about)?.values() ?? [])]);
  }

  allVerificationsBy(by: Fingerprint): readonly TrustFact<VerifyStatement>[] {
    return this.#looked([...(this.signers.get(by)?.verifications.values() ?? [])].flat());
  }

  /** The revocations by one signer that lie on no branch of a fork. */
  allRevocationsBy(by: Fingerprint): readonly Revocation[] {
    const whole: Revocation[] = [];
    for (const revocations of this.signers.get(by)?.revocations.values() ?? [])
      for (const one of revocations.values()) if (this.isWhole(one.facts[0])) whole.push(one);
    return this.#looked(whole);
  }

  rotationsBy(by: Fingerprint): readonly TrustFact<RotateStatement>[] {
    return this.#looked(this.signers.get(by)?.rotations);
  }

  /** Keys that one signer introduced or verified. */
  namedBy(by: Fingerprint): readonly Fingerprint[] {
    const signer = this.signers.get(by);
    if (signer === undefined) return [];
    return this.#looked([...signer.verifications.keys(), ...signer.introductions.keys()]);
  }

  /** What all others have said of a key, in no order. */
  *saidOf(about: Fingerprint): Generator<TrustFact> {
    for (const by of this.#speakers.get(about) ?? []) {
      yield* this.verificationsBy(by, about);
      for (const { facts } of this.revocationsBy(by, about)) yield* facts;
      yield* this.#looked(this.signers.get(by)?.introductions.get(about));
    }
  }

  #looked<F>(facts: readonly F[] | undefined): readonly F[] {
    this.steps += facts?.length ?? 0;
    return facts ?? [];
  }

  #signer(by: Fingerprint): SignerFacts {
    const known = this.signers.get(by);
    if (known !== undefined) return known;
    const fresh: SignerFacts = {
      introductions: new Map(),
      verifications: new Map(),
      revocations: new Map(),
      rotations: [],
      firstStamps: new Map(),
      ids: new Set(),
    };
    this.signers.set(by, fresh);
    return fresh;
  }
}

function addRevocation(
  revocations: Map<Fingerprint, Map<string, Revocation>>,
  fact: TrustFact<RevokeStatement>,
): void {
  const ofKey = revocations.get(fact.about) ?? new Map<string, Revocation>();
  revocations.set(fact.about, ofKey);
  const known = ofKey.get(fact.entry);
  const revocation = known ?? { facts: [fact], cuts: new Map<string, number>() };
  if (known === undefined) ofKey.set(fact.entry, revocation);
  else {
    known.facts.push(fact);
    known.facts.sort((a, b) => a.index - b.index);
  }
  for (const cut of fact.statement.cuts) {
    const epoch = toKey(cut.epoch);
    revocation.cuts.set(epoch, Math.min(revocation.cuts.get(epoch) ?? cut.seq, cut.seq));
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
