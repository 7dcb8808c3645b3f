/** The trust graph once more, slow and from scratch: what the fold must agree with. It shares no code with it. */

import { fingerprintOf, type Fingerprint } from '../identity.js';
import type { Crypto } from '../ports.js';
import { rotationBody, type EpochCut, type Placed, type TrustStatement } from '../statement.js';
import type { TrustSettings } from '../trust-reading.js';

type Said<K extends TrustStatement['kind'] = TrustStatement['kind']> = Placed<
  Extract<TrustStatement, { kind: K }>
>;

/** A revocation or a rotation with the key it ends. */
export interface ReferenceEnd {
  readonly said: Said<'revoke' | 'rotate'>;
  readonly of: Fingerprint;
  readonly cuts: readonly EpochCut[];
  /** Stamp in ms of the root's first override. */
  readonly overriddenMs: number | undefined;
  readonly own: boolean;
}

const CHAIN_MOST = 16;

const names = new WeakMap<Uint8Array, Fingerprint>();
const nameOf = (key: Uint8Array): Fingerprint => {
  const name = names.get(key) ?? fingerprintOf(key);
  names.set(key, name);
  return name;
};
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, at) => byte === b[at]);
const signerOf = (said: Placed): Fingerprint => nameOf(said.origin);
const keyOf = (said: Said): Fingerprint => nameOf(said.statement.key);

function isKind<K extends TrustStatement['kind']>(kind: K): (said: Said) => said is Said<K> {
  return (said): said is Said<K> => said.statement.kind === kind;
}

export class TrustReference {
  readonly root: Fingerprint;
  readonly roots: ReadonlySet<Fingerprint>;
  readonly own: ReadonlySet<Fingerprint>;
  readonly followed: ReadonlySet<Fingerprint>;
  readonly standing: readonly ReferenceEnd[];
  readonly rings: ReadonlyMap<Fingerprint, number>;
  readonly #all: readonly Said[];
  readonly #settings: TrustSettings;
  readonly #verifies: readonly Said<'verify'>[];
  readonly #revokes: readonly Said<'revoke'>[];
  readonly #rotates: readonly Said<'rotate'>[];
  readonly #rootVerifies: readonly Said<'verify'>[];

  constructor(
    said: readonly Placed<TrustStatement>[],
    parts: { readonly root: Uint8Array; readonly crypto: Crypto; readonly settings: TrustSettings },
  ) {
    const seen = new Map(said.map((one) => [`${one.hash.join()}/${one.index}`, one as Said]));
    this.#all = [...seen.values()];
    this.#settings = parts.settings;
    this.root = fingerprintOf(parts.root);
    this.#verifies = this.#all.filter(isKind('verify'));
    this.#revokes = this.#all.filter(isKind('revoke'));
    this.#rotates = this.#all.filter(isKind('rotate')).filter(({ origin, statement }) => {
      const { key, cuts, proof } = statement;
      return !sameBytes(origin, key) && parts.crypto.verify(proof, rotationBody(origin, key, cuts), key);
    });
    this.roots = this.#findRoots();
    this.#rootVerifies = this.#verifies.filter((one) => this.#isRootWord(one));
    this.own = new Set(this.#rootVerifies.map(keyOf));
    this.followed = parts.settings.follow ? this.#findFollowed() : new Set();
    this.standing = this.#findStanding();
    this.rings = this.#findRings();
  }

  /** Level of a key whose hello says nothing. */
  levelOf(key: Fingerprint): string {
    if (key === this.root) return 'verified';
    if (this.roots.has(key) || this.endsOf(key).some((end) => end.overriddenMs === undefined))
      return 'revoked';
    if (!this.rings.has(key)) return 'unknown';
    return this.#verifiesUs(key) ? 'verified' : 'pending';
  }

  endsOf(key: Fingerprint): readonly ReferenceEnd[] {
    if (!this.roots.has(key)) return this.standing.filter((end) => end.of === key);
    const ended = this.#rotates.filter((one) => signerOf(one) === key && this.roots.has(keyOf(one)));
    return key === this.root ? [] : ended.map((said) => this.#endBy(said));
  }

  barOf(key: Fingerprint, epoch: Uint8Array): number | undefined {
    const bars = this.endsOf(key).flatMap((end) => this.barUnder(end, epoch) ?? []);
    return bars.length === 0 ? undefined : Math.min(...bars);
  }

  /** The first seq that one end cuts off of a feed of the key it ends. */
  barUnder(end: ReferenceEnd, epoch: Uint8Array): number | undefined {
    const named = end.cuts.filter((cut) => sameBytes(cut.epoch, epoch)).map((cut) => cut.seq + 1);
    if (named.length > 0) return Math.min(...named);
    if (end.overriddenMs === undefined) return 1;
    const feed = this.#all.filter((one) => signerOf(one) === end.of && sameBytes(one.epoch, epoch));
    const began = Math.min(...feed.map((one) => one.stamp.ms));
    return began < end.overriddenMs ? 1 : undefined;
  }

  /** The key that goes on: the last of the line; `undefined` where there is no whole line. */
  headOf(key: Fingerprint): Fingerprint | undefined {
    return this.lineOf(key)?.at(-1);
  }

  successorOf(key: Fingerprint): Fingerprint | undefined {
    const head = this.roots.has(key) ? this.root : this.headOf(key);
    return head === key ? undefined : head;
  }

  /** Whether a statement lies below all bars of its signer. */
  counts(said: Placed): boolean {
    const bar = this.barOf(signerOf(said), said.epoch);
    return bar === undefined || said.seq < bar;
  }

  /** The key and those that follow it by rotation. */
  lineOf(key: Fingerprint): readonly Fingerprint[] | undefined {
    const line: Fingerprint[] = [];
    for (let at: Fingerprint | undefined = key; ;) {
      if (at === undefined || line.includes(at) || this.roots.has(at) || line.length > CHAIN_MOST)
        return undefined;
      line.push(at);
      const ends = this.endsOf(at).filter((end) => end.overriddenMs === undefined);
      if (ends.some(({ said }) => said.statement.kind === 'revoke')) return undefined;
      if (ends.length === 0) return line;
      const next: readonly Fingerprint[] = [...new Set(ends.map(({ said }) => keyOf(said)))];
      const chosen: readonly Fingerprint[] =
        next.length === 1 ? next : next.filter((one) => this.own.has(one));
      at = chosen.length === 1 ? chosen[0] : undefined;
    }
  }

  #findRoots(): ReadonlySet<Fingerprint> {
    const roots = new Set([this.root]);
    for (let link = 0; link < CHAIN_MOST; link++) {
      const earlier = this.#rotates.filter((one) => roots.has(keyOf(one))).map(signerOf);
      for (const key of earlier) roots.add(key);
    }
    return roots;
  }

  #isRootWord(said: Said): boolean {
    if (this.roots.has(keyOf(said))) return false;
    if (signerOf(said) === this.root) return true;
    return this.roots.has(signerOf(said)) && this.counts(said);
  }

  #overriddenMs(said: Said<'revoke'>): number | undefined {
    const overrides = this.#rootVerifies.filter(
      (one) => keyOf(one) === keyOf(said) && one.statement.over.some((hash) => sameBytes(hash, said.hash)),
    );
    return overrides.length === 0 ? undefined : Math.min(...overrides.map((one) => one.stamp.ms));
  }

  #endBy(said: Said<'revoke' | 'rotate'>): ReferenceEnd {
    if (said.statement.kind === 'rotate')
      return { said, of: signerOf(said), cuts: said.statement.cuts, overriddenMs: undefined, own: false };
    const revocation = said as Said<'revoke'>;
    const same = this.#revokes.filter(
      (one) => sameBytes(one.hash, said.hash) && keyOf(one) === keyOf(revocation),
    );
    return {
      said,
      of: keyOf(revocation),
      cuts: same.flatMap((one) => one.statement.cuts),
      overriddenMs: this.#overriddenMs(revocation),
      own: this.#isRootWord(revocation),
    };
  }

  #findFollowed(): ReadonlySet<Fingerprint> {
    const grow = (
      mayPass: (key: Fingerprint, next: ReadonlySet<Fingerprint>) => boolean,
    ): Set<Fingerprint> => {
      const keys = new Set(this.own);
      for (let link = 0; link < CHAIN_MOST; link++) {
        for (const key of Array.from(keys)) {
          const next = new Set(this.#rotates.filter((one) => signerOf(one) === key).map(keyOf));
          if (mayPass(key, next)) for (const one of next) if (!this.roots.has(one)) keys.add(one);
        }
      }
      return keys;
    };
    const widest = grow(() => true);
    const against = this.#revokes.filter(
      (one) => (widest.has(signerOf(one)) || this.#isRootWord(one)) && this.#overriddenMs(one) === undefined,
    );
    const revoked = new Set(against.map(keyOf));
    return grow((key, next) => next.size === 1 && !revoked.has(key));
  }

  #findStanding(): readonly ReferenceEnd[] {
    const binds = (one: Said<'revoke'>): boolean =>
      this.#isRootWord(one) ||
      (!this.roots.has(keyOf(one)) &&
        (this.followed.has(signerOf(one)) || (this.#settings.follow && signerOf(one) === keyOf(one))));
    const rotates = this.#rotates.filter((one) => !this.roots.has(signerOf(one)));
    const ends = [...this.#revokes.filter(binds), ...rotates].map((one) => this.#endBy(one));
    const voids = (u: ReferenceEnd, v: ReferenceEnd): boolean => {
      if (v.own || u.of !== signerOf(v.said)) return false;
      if (u.said.statement.kind === 'rotate' && v.said.statement.kind === 'rotate') return false;
      const bar = this.barUnder(u, v.said.epoch);
      return bar !== undefined && v.said.seq >= bar;
    };
    const victims = ends.map((u) => ends.flatMap((v, at) => (voids(u, v) ? [at] : [])));
    const reached = victims.map((direct) => {
      const all = new Set(direct);
      for (const at of all) for (const next of victims[at] ?? []) all.add(next);
      return all;
    });
    const known = new Map<number, boolean>();
    const stands = (v: number): boolean => {
      const before = known.get(v);
      if (before !== undefined) return before;
      const answer = !victims.some(
        (direct, u) => direct.includes(v) && reached[v]?.has(u) !== true && stands(u),
      );
      known.set(v, answer);
      return answer;
    };
    return ends.filter((_, at) => stands(at));
  }

  #findRings(): ReadonlyMap<Fingerprint, number> {
    const rings = new Map<Fingerprint, number>();
    const voicesOf = new Map<Fingerprint, Set<Fingerprint>>();
    for (const key of this.own) {
      const line = this.lineOf(key);
      const head = line?.at(-1);
      if (line === undefined || head === undefined) continue;
      rings.set(head, 1);
      voicesOf.set(head, new Set([...(voicesOf.get(head) ?? []), ...line]));
    }
    this.#voices = voicesOf;
    const words = this.#verifies.filter((one) => !this.roots.has(keyOf(one)) && this.counts(one));
    const vouches = words.map((one) => ({ by: signerOf(one), for: this.headOf(keyOf(one)) }));
    for (let ring = 1; ring < this.#settings.depth; ring++) {
      const votes = new Map<Fingerprint, Set<Fingerprint>>();
      for (const [member] of rings) {
        const voices = voicesOf.get(member) ?? new Set([member]);
        for (const vouch of vouches) {
          if (!voices.has(vouch.by) || vouch.for === undefined || vouch.for === member) continue;
          votes.set(vouch.for, new Set([...(votes.get(vouch.for) ?? []), member]));
        }
      }
      for (const [key, by] of votes)
        if (!rings.has(key) && by.size >= Math.max(1, this.#settings.vouchers)) rings.set(key, ring + 1);
    }
    return rings;
  }

  #voices: ReadonlyMap<Fingerprint, ReadonlySet<Fingerprint>> = new Map();

  #verifiesUs(key: Fingerprint): boolean {
    const voices = this.#voices.get(key) ?? new Set([key]);
    return [...voices].some((voice) =>
      [...this.roots].some((us) => {
        const mine = (one: Said): boolean => signerOf(one) === voice && keyOf(one) === us && this.counts(one);
        const words = this.#verifies.filter(mine);
        const over = words.flatMap((one) => one.statement.over.map((hash) => hash.join()));
        const against = this.#revokes.filter((one) => mine(one) && !over.includes(one.hash.join()));
        return words.length > 0 && against.length === 0;
      }),
    );
  }
}
