/** The access rules and the bars of one tenant once more, slow and from scratch. They share no code with the fold. */

import { fingerprintOf, type Fingerprint } from '../identity.js';
import type { AccessStatement, Placed } from '../statement.js';
import type { ReferenceEnd, TrustReference } from './trust-reference.js';

type Said<K extends AccessStatement['kind'] = AccessStatement['kind']> = Placed<
  Extract<AccessStatement, { kind: K }>
>;

export interface AccessReferenceSettings {
  readonly isConfigured: boolean;
  readonly pin: Fingerprint | undefined;
  readonly claim: Fingerprint | undefined;
  /** Where the node stopped for now in an access feed. */
  readonly provisional: readonly {
    readonly by: Fingerprint;
    readonly epoch: Uint8Array;
    readonly from: number;
  }[];
}

export interface ReferenceFeed {
  readonly part: 't' | 'n' | 'a';
  readonly origin: Fingerprint;
  readonly epoch: Uint8Array;
  readonly firstMs: number | undefined;
  readonly nextSeq: number;
  readonly kept: number | undefined;
}

const LIFTED = 2 ** 53 - 1;
const signerOf = (said: Placed): Fingerprint => fingerprintOf(said.origin);

/** Text that orders as its bytes do: their decimals do not. */
const asBytes = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Later ones replace earlier ones. */
function inOrder<S extends Placed>(list: readonly S[]): readonly S[] {
  const rank = (said: Placed): readonly (number | string)[] => [
    said.stamp.ms,
    said.stamp.count,
    asBytes(said.epoch),
    said.seq,
    said.index,
    asBytes(said.hash),
  ];
  return list.toSorted((a, b) => {
    const other = rank(b);
    for (const [at, mine] of rank(a).entries()) {
      const theirs = other[at] ?? mine;
      if (mine !== theirs) return mine < theirs ? -1 : 1;
    }
    return 0;
  });
}

export class AccessReference {
  readonly primary: Fingerprint | undefined;
  readonly #trust: TrustReference;
  readonly #said: readonly Said[];
  readonly #settings: AccessReferenceSettings;

  constructor(
    said: readonly Placed<AccessStatement>[],
    parts: { readonly trust: TrustReference; readonly settings: AccessReferenceSettings },
  ) {
    this.#said = said;
    this.#trust = parts.trust;
    this.#settings = parts.settings;
    const key = parts.settings.pin ?? this.#ownDesignation() ?? parts.settings.claim;
    this.primary = key === undefined ? undefined : this.#goesOn(key);
  }

  rightsOf(key: Fingerprint): { readonly read: boolean; readonly write: boolean } {
    const none = { read: false, write: false };
    if (!this.#federates()) return none;
    if (this.primary !== undefined && this.#goesOn(key) === this.primary) return { read: true, write: true };
    const decides = (said: Said): boolean =>
      this.primary === undefined
        ? this.#trust.roots.has(signerOf(said))
        : this.#goesOn(signerOf(said)) === this.primary;
    const about = this.#of('grant').filter(
      (one) => this.#goesOn(fingerprintOf(one.statement.key)) === this.#goesOn(key),
    );
    const last = inOrder(about.filter((one) => decides(one) && this.counts(one))).at(-1);
    if (last !== undefined) return { read: last.statement.read, write: last.statement.write };
    const open =
      this.primary === undefined && (this.#settings.isConfigured || this.#settings.pin !== undefined);
    return open ? { read: true, write: true } : none;
  }

  mayWrite(key: Fingerprint): boolean {
    return this.primary === undefined || this.rightsOf(key).write;
  }

  barOf(feed: ReferenceFeed): { readonly from: number; readonly provisional: boolean } | undefined {
    const ends = this.#trust.endsOf(feed.origin);
    const binding = ends.filter((end) => end.overriddenMs === undefined);
    const readmitted = ends.filter((end) => end.overriddenMs !== undefined);
    const judge = (end: ReferenceEnd): number | undefined => this.#judge(end, feed);
    const said = ends.flatMap((end) => judge(end) ?? []);
    const waits = feed.kept ?? feed.nextSeq;
    let held: number | undefined;
    if (binding.length > 0 && binding.every((end) => judge(end) === undefined)) held = waits;
    else if (binding.length === 0 && readmitted.some((end) => judge(end) === undefined)) held = feed.kept;
    const lowest = Math.min(...said, held ?? Number.POSITIVE_INFINITY);
    if (lowest === Number.POSITIVE_INFINITY) return undefined;
    return { from: lowest, provisional: !said.includes(lowest) };
  }

  counts(said: Said): boolean {
    const by = signerOf(said);
    const ends = this.#trust.endsOf(by);
    if (by === this.#trust.root || ends.length === 0) return true;
    const feed = { part: 'a', origin: by, epoch: said.epoch, firstMs: this.#beganMs(said) } as const;
    const bars = ends.flatMap((end) => this.#judge(end, feed) ?? []);
    const stop = this.#settings.provisional.find(
      (one) => one.by === by && one.epoch.join() === said.epoch.join(),
    );
    return said.seq < (bars.length > 0 ? Math.min(...bars) : (stop?.from ?? Number.POSITIVE_INFINITY));
  }

  #judge(end: ReferenceEnd, feed: Pick<ReferenceFeed, 'part' | 'epoch' | 'firstMs'>): number | undefined {
    const under = this.#of('cut').filter(
      (one) =>
        fingerprintOf(one.statement.key) === end.of &&
        one.statement.revocation.join() === end.said.hash.join() &&
        this.#mayJudge(signerOf(one), end) &&
        (this.#isBeyondDoubt(one) || (feed.part !== 'a' && this.counts(one))),
    );
    const judges = new Set(under.map((one) => this.#goesOn(signerOf(one))));
    const bars = [...judges].map((judge) => {
      const words = inOrder(under.filter((one) => this.#goesOn(signerOf(one)) === judge));
      const cuts = words.flatMap((one) => one.statement.cuts);
      const last = cuts.findLast((cut) => cut.part === feed.part && cut.epoch.join() === feed.epoch.join());
      if (last !== undefined) return last.seq === LIFTED ? Number.POSITIVE_INFINITY : last.seq + 1;
      if (end.overriddenMs === undefined) return 1;
      const isOld = feed.firstMs !== undefined && feed.firstMs < end.overriddenMs;
      return isOld ? 1 : Number.POSITIVE_INFINITY;
    });
    return bars.length === 0 ? undefined : Math.min(...bars);
  }

  #mayJudge(key: Fingerprint, end: ReferenceEnd): boolean {
    const { roots, followed } = this.#trust;
    const rotatedTo = this.#trust
      .endsOf(key)
      .flatMap(({ said: { statement } }) =>
        statement.kind === 'rotate' ? [fingerprintOf(statement.key)] : [],
      );
    if (key === end.of || rotatedTo.includes(end.of)) return false;
    if (roots.has(end.of)) return roots.has(key);
    const isSuccessor =
      end.said.statement.kind === 'rotate' && this.#trust.lineOf(end.of)?.includes(key) === true;
    const hasPrimary =
      this.primary !== undefined &&
      this.#trust.endsOf(this.primary).every(({ overriddenMs }) => overriddenMs !== undefined);
    if (hasPrimary) return isSuccessor || this.#goesOn(key) === this.primary;
    if (end.said.statement.kind === 'rotate') return isSuccessor || roots.has(key);
    if (roots.has(signerOf(end.said))) return roots.has(key);
    return roots.has(key) || followed.has(key);
  }

  #isBeyondDoubt(said: Said): boolean {
    const by = signerOf(said);
    const began = this.#beganMs(said);
    const isClear = ({ overriddenMs }: ReferenceEnd): boolean =>
      overriddenMs !== undefined && began >= overriddenMs;
    return by === this.#trust.root || this.#trust.endsOf(by).every(isClear);
  }

  #federates(): boolean {
    const { isConfigured, pin } = this.#settings;
    if (isConfigured || pin !== undefined || this.#ownDesignation() !== undefined) return true;
    const own = inOrder(
      this.#of('grant').filter((one) => this.#trust.roots.has(signerOf(one)) && this.counts(one)),
    );
    const latest = new Map(own.map((one) => [this.#goesOn(fingerprintOf(one.statement.key)), one.statement]));
    return [...latest.values()].some((grant) => grant.read || grant.write);
  }

  #ownDesignation(): Fingerprint | undefined {
    const own = this.#of('designate').filter(
      (one) => this.#trust.roots.has(signerOf(one)) && this.counts(one),
    );
    const key = inOrder(own).at(-1)?.statement.key;
    return key === undefined || key.every((byte) => byte === 0) ? undefined : fingerprintOf(key);
  }

  #beganMs(said: Said): number {
    const feed = this.#said.filter(
      (one) => signerOf(one) === signerOf(said) && one.epoch.join() === said.epoch.join(),
    );
    return Math.min(...feed.map((one) => one.stamp.ms));
  }

  #goesOn(key: Fingerprint): Fingerprint {
    return this.#trust.successorOf(key) ?? key;
  }

  #of<K extends AccessStatement['kind']>(kind: K): readonly Said<K>[] {
    return this.#said.filter((said): said is Said<K> => said.statement.kind === kind);
  }
}
