/** One evaluation of the trust graph: who is revoked, who is trusted, and whose word that rests on. */

import type { Fingerprint } from './identity.js';
import { LIMITS } from './limits.js';
import { TrustBars, type End, type FirstStamps } from './trust-bars.js';
import { endByRotation, endByRevocation, resolveEnds } from './trust-ends.js';
import type { FactBook, Revocation, RevokeStatement, TrustFact } from './trust-facts.js';
import { provenRotations, readFollowed, readRoots, type Followed, type Roots } from './trust-roots.js';

export interface TrustSettings {
  /** How many steps from the root trust reaches: 1 means nobody but whom it verified itself. */
  readonly depth: number;
  /** How many trusted keys must verify a key before it is trusted at one step more. */
  readonly vouchers: number;
  /** Whether the revocations of keys that the root verified itself bind it. */
  readonly follow: boolean;
}

/** What ends a key, of all that stands. */
export interface KeyStatus {
  readonly revocations: readonly End[];
  /** Revocations that the root overrode: they revoke nothing, and what they cut off stays out. */
  readonly overridden: readonly End[];
  readonly rotations: readonly End[];
  readonly bars: TrustBars;
}

const NOBODY: Followed = { keys: new Set(), widest: new Set() };

export class TrustReading {
  readonly roots: Roots;
  readonly followed: Followed;
  /** Steps from the root, of the keys that are trusted: 1 for its own verifications. */
  readonly rings: ReadonlyMap<Fingerprint, number>;
  /** Under each trusted key of ring 1: the keys it spoke with before it was rotated to, and itself. */
  readonly voices: ReadonlyMap<Fingerprint, readonly Fingerprint[]>;
  /** Of keys beyond ring 1: who vouches, whether or not they are enough. */
  readonly vouchers: Map<Fingerprint, Set<Fingerprint>>;
  readonly #book: FactBook;
  readonly #settings: TrustSettings;
  readonly #bars: TrustBars;
  readonly #standing = new Map<Fingerprint, End[]>();
  readonly #statuses = new Map<Fingerprint, KeyStatus>();
  /** Keys whose own ends the rings rest on. */
  readonly #watched = new Set<Fingerprint>();
  #isWatching = true;
  readonly #speaksFor = new Map<Fingerprint, Fingerprint>();

  constructor(book: FactBook, root: Fingerprint, settings: TrustSettings) {
    this.#book = book;
    this.#settings = settings;
    this.roots = readRoots(book, root);
    this.followed = settings.follow ? readFollowed(book, this.roots) : NOBODY;
    this.#bars = new TrustBars(this.#firstStamps);
    for (const end of resolveEnds(this.#bindingEnds(), this.#bars, this.#firstStamps)) {
      const known = this.#standing.get(end.of);
      if (known === undefined) this.#standing.set(end.of, [end]);
      else known.push(end);
    }
    const rings = new Map<Fingerprint, number>();
    const voices = this.#firstRing(rings);
    this.voices = voices;
    for (const [head, keys] of voices) for (const key of keys) this.#speaksFor.set(key, head);
    const vouchers = new Map<Fingerprint, Set<Fingerprint>>();
    for (let ring = 1; ring < settings.depth; ring++) if (!this.#nextRing(ring, rings, vouchers)) break;
    this.rings = rings;
    this.vouchers = vouchers;
    this.#isWatching = false;
  }

  /** Keys that somebody whose word binds us has revoked or rotated, whether or not that was overridden. */
  get ended(): Iterable<Fingerprint> {
    return this.#standing.keys();
  }

  /** What ends a key. A key that is not followed can still end itself. */
  statusOf(key: Fingerprint): KeyStatus {
    if (this.#isWatching) this.#watched.add(key);
    const known = this.#statuses.get(key);
    if (known !== undefined) return known;
    const status = this.#readStatus(key);
    this.#statuses.set(key, status);
    return status;
  }

  /** The key and those that follow it by rotation, in order; `undefined` where nobody inherits from it. */
  lineOf(key: Fingerprint): readonly Fingerprint[] | undefined {
    const line = [key];
    for (let last = key; ;) {
      const status = this.statusOf(last);
      if (status.revocations.length > 0) return undefined;
      if (status.rotations.length === 0) return line;
      const next = this.#chosen(status.rotations);
      if (next === undefined || this.roots.keys.has(next) || line.includes(next)) return undefined;
      if (line.push(next) > LIMITS.rotations + 1) return undefined;
      last = next;
    }
  }

  /** Whether a statement of a key that is none of the root's counts at all. */
  counts(fact: TrustFact): boolean {
    return this.#book.isWhole(fact) && !this.statusOf(fact.by).bars.voids(fact);
  }

  /** The trusted key that speaks with this one. */
  speakerOf(key: Fingerprint): Fingerprint | undefined {
    return this.#speaksFor.get(key) ?? (this.rings.has(key) ? key : undefined);
  }

  /** Takes one more statement into account; false where that takes an evaluation from scratch. */
  take(fact: TrustFact): boolean {
    if (!this.#restsOn(fact)) {
      if (!this.#watched.has(fact.by)) this.#statuses.delete(fact.by);
      return true;
    }
    if (this.roots.readmitted.has(fact.by)) return false;
    if (isRevocation(fact)) return this.#takeRevocation(fact);
    return fact.statement.kind === 'verify' && !this.roots.keys.has(fact.by) && this.#takeVouch(fact);
  }

  readonly #firstStamps: FirstStamps = (by, epoch) => this.#book.signers.get(by)?.firstStamps.get(epoch);

  #restsOn({ statement, by, about }: TrustFact): boolean {
    // What was overridden asks when each feed of the key began.
    if (this.roots.readmitted.has(by)) return true;
    const isRoot = this.roots.keys.has(by);
    switch (statement.kind) {
      case 'introduce':
        return false;
      case 'verify': {
        const ring = this.rings.get(this.speakerOf(by) ?? by);
        return isRoot || (ring !== undefined && ring < this.#settings.depth);
      }
      case 'revoke':
        return isRoot || this.followed.widest.has(by) || (by === about && this.#watched.has(by));
      case 'rotate':
        return this.roots.keys.has(about) || this.followed.widest.has(by) || this.#watched.has(by);
      default:
        return statement satisfies never;
    }
  }

  /**
   * One more revocation, of a key whose word voids nobody's and that is trusted neither with it nor without; false where
   * more may hang on it. Whoever is followed could else make each of his statements cost an evaluation from scratch.
   */
  #takeRevocation(fact: TrustFact<RevokeStatement>): boolean {
    const { by, about, entry } = fact;
    const { roots, followed } = this;
    const isBinding = by === roots.root || followed.keys.has(by);
    const revocation = this.#book.signers.get(by)?.revocations.get(about)?.get(entry);
    // Further cuts of a revocation that is counted already change what that one bars.
    const isWhole = revocation?.facts.length === 1 && this.#book.isWhole(fact);
    if (!isBinding || !isWhole || roots.keys.has(about) || roots.readmitted.has(about)) return false;
    const isAside = !followed.widest.has(about) && !this.#watched.has(about) && !this.rings.has(about);
    if (!isAside && !(this.#isRevoked(about) && this.#saysNoEnds(about))) return false;
    const end = this.#endBy(revocation, by === roots.root);
    this.#statuses.delete(about);
    if (!end.own && this.#bars.voidsEnd(end)) return true;
    this.#bars.add(end);
    const known = this.#standing.get(about);
    if (known === undefined) this.#standing.set(about, [end]);
    else known.push(end);
    return true;
  }

  #isRevoked(key: Fingerprint): boolean {
    const ends = this.#standing.get(key) ?? [];
    return ends.some((end) => end.kind === 'revoke' && end.overriddenAt === undefined);
  }

  /** Whether nothing that a key has said can end a key. */
  #saysNoEnds(key: Fingerprint): boolean {
    const said = this.#book.signers.get(key);
    return said === undefined || said.revocations.size + said.rotations.length === 0;
  }

  /** Counts one more vouch; false where it may bring a key nearer to the root. */
  #takeVouch(fact: TrustFact): boolean {
    const member = this.speakerOf(fact.by);
    if (member === undefined) return false;
    this.#isWatching = true;
    const head = this.#countVouch(member, fact, this.vouchers);
    this.#isWatching = false;
    if (head === undefined) return true;
    const ring = this.rings.get(head);
    if (ring !== undefined) return ring <= (this.rings.get(member) ?? 0) + 1;
    return (this.vouchers.get(head)?.size ?? 0) < Math.max(1, this.#settings.vouchers);
  }

  /** What may end a key by another's word, or void such a word. */
  #bindingEnds(): readonly End[] {
    const ends = this.roots.revocations.map((one) => this.#endBy(one, true));
    for (const key of this.followed.keys) {
      for (const one of this.#book.allRevocationsBy(key)) ends.push(this.#endBy(one, false));
      ends.push(...provenRotations(this.#book, key).map(endByRotation));
    }
    return ends;
  }

  #readStatus(key: Fingerprint): KeyStatus {
    const { roots } = this;
    if (roots.keys.has(key)) {
      const rotations = roots.rotations.get(key) ?? [];
      return { revocations: [], overridden: [], rotations, bars: roots.bars };
    }
    let standing: readonly End[] = this.#standing.get(key) ?? [];
    let bars = this.#bars;
    if (!this.followed.keys.has(key)) {
      const own: End[] = provenRotations(this.#book, key).map(endByRotation);
      if (this.#settings.follow) {
        for (const one of this.#book.revocationsBy(key, key))
          if (this.#book.isWhole(one.facts[0])) own.push(this.#endBy(one, false));
      }
      if (own.length > 0) {
        bars = new TrustBars(this.#firstStamps);
        for (const end of standing) bars.add(end);
        standing = [...standing, ...resolveEnds(own, bars, this.#firstStamps)];
      }
    }
    const revocations = standing.filter((end) => end.kind === 'revoke');
    return {
      revocations: revocations.filter((end) => end.overriddenAt === undefined),
      overridden: revocations.filter((end) => end.overriddenAt !== undefined),
      rotations: standing.filter((end) => end.kind === 'rotate'),
      bars,
    };
  }

  #endBy(revocation: Revocation, own: boolean): End {
    const [{ about, entry }] = revocation.facts;
    return endByRevocation(revocation, { own, overriddenAt: this.roots.overriddenAt(about, entry) });
  }

  /** The one key that the rotations name, or of several the one that the root has verified. */
  #chosen(rotations: readonly End[]): Fingerprint | undefined {
    const named = new Set(rotations.map(({ facts: [fact] }) => fact.about));
    const chosen = named.size === 1 ? [...named] : [...named].filter((key) => this.roots.own.has(key));
    return chosen.length === 1 ? chosen[0] : undefined;
  }

  #firstRing(rings: Map<Fingerprint, number>): ReadonlyMap<Fingerprint, readonly Fingerprint[]> {
    const voices = new Map<Fingerprint, Fingerprint[]>();
    for (const key of this.roots.own.keys()) {
      const line = this.lineOf(key);
      const head = line?.at(-1);
      if (line === undefined || head === undefined) continue;
      rings.set(head, 1);
      voices.set(head, [...new Set([...(voices.get(head) ?? []), ...line])]);
    }
    return voices;
  }

  /** Lets in whom enough trusted keys verify; false where that is nobody. */
  #nextRing(
    ring: number,
    rings: Map<Fingerprint, number>,
    vouchers: Map<Fingerprint, Set<Fingerprint>>,
  ): boolean {
    for (const [member, at] of rings) if (at === ring) this.#countVouches(member, vouchers);
    let grown = false;
    for (const [key, by] of vouchers) {
      if (rings.has(key) || by.size < Math.max(1, this.#settings.vouchers)) continue;
      rings.set(key, ring + 1);
      grown = true;
    }
    return grown;
  }

  #countVouches(member: Fingerprint, vouchers: Map<Fingerprint, Set<Fingerprint>>): void {
    for (const voice of this.voices.get(member) ?? [member])
      for (const fact of this.#book.allVerificationsBy(voice)) this.#countVouch(member, fact, vouchers);
  }

  /** A vouch for a key that was rotated is one for the key that goes on, which is returned. */
  #countVouch(
    member: Fingerprint,
    fact: TrustFact,
    vouchers: Map<Fingerprint, Set<Fingerprint>>,
  ): Fingerprint | undefined {
    if (this.roots.keys.has(fact.about) || !this.counts(fact)) return undefined;
    const head = this.lineOf(fact.about)?.at(-1);
    if (head === undefined || head === member) return undefined;
    const known = vouchers.get(head);
    if (known === undefined) vouchers.set(head, new Set([member]));
    else known.add(member);
    return head;
  }
}

function isRevocation(fact: TrustFact): fact is TrustFact<RevokeStatement> {
  return fact.statement.kind === 'revoke';
}
