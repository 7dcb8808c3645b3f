/** The trust graph: a fold over signed statements, rooted in one node, that gives the same answers for every order of arrival. */

import { toKey } from './bytes.js';
import { fingerprintOf, type Fingerprint, type TrustLevel } from './identity.js';
import { LIMITS } from './limits.js';
import type { Crypto } from './ports.js';
import type { Placed, TrustStatement } from './statement.js';
import { barUnder, type End } from './trust-bars.js';
import { FactBook, type TrustFact } from './trust-facts.js';
import { TrustReading, type KeyStatus, type TrustSettings } from './trust-reading.js';
import { StatementRoom } from './trust-room.js';
import { edgesOf, namesOf, whyOf, type TrustEdge, type TrustReason } from './trust-view.js';

/** Where a feed of the scope `trust` stops counting. */
export interface TrustBar {
  /** The first seq that does not count. */
  readonly from: number;
  readonly reason: 'revoked' | 'rotated';
  /** Signers of the ends that set it, ascending. */
  readonly by: readonly Fingerprint[];
  /** Hashes of the entries that hold those. */
  readonly revocations: readonly Uint8Array[];
}

export interface TrustNode {
  readonly fingerprint: Fingerprint;
  /** By our own word, or else as others call it. */
  readonly name: string | undefined;
  readonly level: TrustLevel;
  readonly why: readonly TrustReason[];
}

/** Whether a peer's hello says that it trusts us. */
export type HearsayOf = (key: Fingerprint) => boolean;

const SILENT: HearsayOf = () => false;

export class TrustGraph {
  readonly root: Fingerprint;
  readonly #book: FactBook;
  readonly #settings: TrustSettings;
  readonly #room = new StatementRoom();
  #latest: TrustReading | undefined;
  /** Keys that the root or a trusted key names, and how many signers are none of them. */
  #acquainted: { readonly keys: Set<Fingerprint>; strangers: number } | undefined;
  #version = 0;

  constructor(parts: {
    readonly root: Uint8Array;
    readonly crypto: Pick<Crypto, 'verify' | 'isSafePublicKey'>;
    readonly settings?: Partial<TrustSettings>;
  }) {
    this.root = fingerprintOf(parts.root);
    this.#book = new FactBook(parts.crypto);
    this.#settings = { depth: 1, vouchers: 2, follow: true, ...parts.settings };
  }

  /** Grows whenever an answer may have changed. */
  get version(): number {
    return this.#version;
  }

  /** How many statements were looked at so far: the work done, for tests and the benchmark. */
  get steps(): number {
    return this.#book.steps;
  }

  /** Takes a statement that the gate has accepted, once. `bytes`: of its entry, given with one of the entry's statements. */
  add(placed: Placed<TrustStatement>, bytes = 0): void {
    const isNew = !this.#book.signers.has(fingerprintOf(placed.origin));
    const fact = this.#book.add(placed);
    if (fact === undefined) return;
    this.#acquaint(fact, isNew);
    const reading = this.#latest;
    if (reading === undefined || !reading.take(fact)) this.#invalidate();
    // Its word about us, and of its own end, is asked for anew each time.
    else if (changesAnswers(fact, reading)) this.#version++;
    this.#room.take(fact.by, { statements: 1, bytes }, this.#version);
  }

  /** A fork was found in a feed of the scope `trust`, or ruled away (`undefined`): nothing counts from there on. */
  setFork(origin: Uint8Array, epoch: Uint8Array, from: number | undefined): void {
    this.#book.setFork(fingerprintOf(origin), toKey(epoch), from);
    this.#invalidate();
  }

  /**
   * Whether an entry with so many statements and bytes may still be kept. Ours always. Whose word counts for nothing here
   * shares one room with all others of that kind, whoever names them: keys cost nothing, and names little.
   */
  roomFor(origin: Uint8Array, bytes: number, statements = 1): boolean {
    const by = fingerprintOf(origin);
    const { roots, followed } = this.#reading;
    const more = { bytes, statements };
    if (roots.keys.has(by)) return true;
    if (!this.#room.hasRoom(by, more)) return false;
    const matters = (key: Fingerprint): boolean =>
      roots.keys.has(key) || followed.widest.has(key) || this.#reading.speakerOf(key) !== undefined;
    if (!matters(by) && !this.#room.hasRoomForOthers(more, matters, this.#version)) return false;
    if (this.#book.signers.has(by)) return true;
    if (this.#book.signers.size >= LIMITS.trustOrigins) return false;
    const { keys, strangers } = this.#acquaintances();
    return keys.has(by) || strangers < LIMITS.trustStrangers;
  }

  /**
   * The level of a key as it is shown. `heard`: its hello says that it trusts us; without that its statements decide.
   * A key that trusts us and that we do not trust is `unknown`: anybody could say so.
   */
  levelOf(key: Fingerprint, heard = false): TrustLevel {
    const { roots, rings } = this.#reading;
    if (key === this.root) return 'verified';
    if (roots.keys.has(key) || hasEnded(this.#reading.statusOf(key))) return 'revoked';
    if (!rings.has(key)) return 'unknown';
    return heard || this.verifiesUs(key) ? 'verified' : 'pending';
  }

  /** What our hello says of a key. */
  trusts(key: Fingerprint): boolean {
    return key === this.root || this.#reading.rings.has(key);
  }

  /** Whether a key, or one that it goes on for, is trusted by the root's own word, whoever else vouches for it. */
  isNextToUs(key: Fingerprint): boolean {
    return this.#reading.rings.get(key) === 1;
  }

  /** Whether its statements say that it trusts us: it verified us, and overrode whatever revocation of us it made. */
  verifiesUs(key: Fingerprint): boolean {
    const reading = this.#reading;
    const voices = reading.voices.get(key) ?? [key];
    return voices.some((voice) => [...reading.roots.keys].some((us) => this.#verifies(voice, us)));
  }

  /** Whether a key has ended: by a revocation that binds us, or by its own rotation. */
  hasEnded(key: Fingerprint): boolean {
    return hasEnded(this.#reading.statusOf(key));
  }

  /** Keys that have ended by a word that binds us, ascending, whoever else knows of them. Ours are left out. */
  ended(): readonly Fingerprint[] {
    return [...this.#reading.ended].filter((key) => !this.isOurs(key) && this.hasEnded(key)).sort();
  }

  /** Whether a key is ours: the present one, or one that was rotated to it. */
  isOurs(key: Fingerprint): boolean {
    return this.#reading.roots.keys.has(key);
  }

  /** Whether a key's revocations and cuts bind us. */
  follows(key: Fingerprint): boolean {
    return this.isOurs(key) || this.#reading.followed.keys.has(key);
  }

  /** Keys whose revocations and cuts bind us, ours among them, ascending. */
  followed(): readonly Fingerprint[] {
    const { roots, followed } = this.#reading;
    return [...new Set([...roots.keys, ...followed.keys])].sort();
  }

  /** The key and those that follow it by rotation, in order; `undefined` where it was revoked or two keys claim to follow. */
  lineOf(key: Fingerprint): readonly Fingerprint[] | undefined {
    return this.isOurs(key) ? [...new Set([key, this.root])] : this.#reading.lineOf(key);
  }

  /** The key that goes on in the place of this one. */
  successorOf(key: Fingerprint): Fingerprint | undefined {
    const last = this.lineOf(key)?.at(-1);
    return last === key ? undefined : last;
  }

  /** What ends a key, and what would if the root had not overridden it. */
  endsOf(key: Fingerprint): Omit<KeyStatus, 'bars'> {
    const { revocations, overridden, rotations } = this.#reading.statusOf(key);
    return { revocations, overridden, rotations };
  }

  /** Where a feed of the scope `trust` stops counting; `undefined` where nothing bars it. */
  barOf(key: Fingerprint, epoch: Uint8Array): TrustBar | undefined {
    const { revocations, overridden, rotations } = this.#reading.statusOf(key);
    const first = this.#book.signers.get(key)?.firstStamps.get(toKey(epoch));
    const set: { readonly end: End; readonly from: number }[] = [];
    for (const end of [...revocations, ...overridden, ...rotations]) {
      const from = barUnder(end, toKey(epoch), first);
      if (from !== undefined) set.push({ end, from });
    }
    if (set.length === 0) return undefined;
    const lowest = Math.min(...set.map(({ from }) => from));
    return describeBar(
      set.filter(({ from }) => from === lowest).map(({ end }) => end),
      lowest,
    );
  }

  why(key: Fingerprint, heard = false): readonly TrustReason[] {
    return whyOf(key, {
      reading: this.#reading,
      book: this.#book,
      vouchers: this.#settings.vouchers,
      level: this.levelOf(key, heard),
    });
  }

  /** The keys that the root or a trusted key names, and those that have ended, ascending, with ours first. Strangers are left out: anybody can be one. */
  *nodes(hears: HearsayOf = SILENT): Generator<TrustNode> {
    for (const fingerprint of this.#shown()) {
      const heard = hears(fingerprint);
      const name = namesOf(fingerprint, this.#reading, this.#book)[0];
      yield { fingerprint, name, level: this.levelOf(fingerprint, heard), why: this.why(fingerprint, heard) };
    }
  }

  /** What those keys have said of one another, in the order of the keys. */
  *edges(): Generator<TrustEdge> {
    const shown = this.#shown();
    for (const key of shown) {
      const said = edgesOf(key, { reading: this.#reading, book: this.#book, depth: this.#settings.depth });
      for (const edge of said) if (shown.has(edge.to)) yield edge;
    }
  }

  get #reading(): TrustReading {
    this.#latest ??= new TrustReading(this.#book, this.root, this.#settings);
    return this.#latest;
  }

  #shown(): ReadonlySet<Fingerprint> {
    const keys = [...this.#acquaintances().keys, ...this.ended()].sort();
    return new Set([this.root, ...keys]);
  }

  #invalidate(): void {
    this.#version++;
    this.#latest = undefined;
    this.#acquainted = undefined;
  }

  #verifies(by: Fingerprint, us: Fingerprint): boolean {
    const reading = this.#reading;
    const facts = this.#book.verificationsBy(by, us).filter((fact) => reading.counts(fact));
    const over = new Set(facts.flatMap(({ statement }) => statement.over.map(toKey)));
    const against = this.#book.revocationsBy(by, us).map((one) => one.facts[0]);
    return facts.length > 0 && !against.some((fact) => reading.counts(fact) && !over.has(fact.entry));
  }

  #acquaintances(): { readonly keys: Set<Fingerprint>; strangers: number } {
    if (this.#acquainted !== undefined) return this.#acquainted;
    const { roots, rings, voices, followed } = this.#reading;
    const speakers = new Set([...roots.keys, ...rings.keys(), ...[...voices.values()].flat()]);
    const keys = new Set([...speakers, ...followed.widest]);
    for (const speaker of speakers) for (const key of this.#book.namedBy(speaker)) keys.add(key);
    let known = 0;
    for (const key of keys) if (this.#book.signers.has(key)) known++;
    this.#acquainted = { keys, strangers: this.#book.signers.size - known };
    return this.#acquainted;
  }

  /** Keeps what is known of strangers true without going through all of it again. */
  #acquaint({ statement, by, about }: TrustFact, isNew: boolean): void {
    const acquainted = this.#acquainted;
    if (acquainted === undefined) return;
    if (isNew && !acquainted.keys.has(by)) acquainted.strangers++;
    const names = statement.kind === 'introduce' || statement.kind === 'verify';
    const isSpeaker = this.isOurs(by) || this.#reading.speakerOf(by) !== undefined;
    if (!names || !isSpeaker || acquainted.keys.has(about)) return;
    acquainted.keys.add(about);
    if (this.#book.signers.has(about)) acquainted.strangers--;
  }
}

function changesAnswers({ statement, about }: TrustFact, { roots }: TrustReading): boolean {
  if (statement.kind === 'introduce') return false;
  return statement.kind !== 'verify' || roots.keys.has(about);
}

function hasEnded({ revocations, rotations }: KeyStatus): boolean {
  return revocations.length + rotations.length > 0;
}

function describeBar(ends: readonly End[], from: number): TrustBar {
  const byEntry = new Map(ends.map((end) => [end.place.by + toKey(end.facts[0].hash), end.facts[0].hash]));
  return {
    from,
    reason: ends.some((end) => end.kind === 'revoke') ? 'revoked' : 'rotated',
    by: [...new Set(ends.map((end) => end.by))].sort(),
    revocations: [...byEntry].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, hash]) => hash),
  };
}
