/** Statements about one tenant as the access fold keeps them: by kind, in no order. */

import { toKey } from './bytes.js';
import { compareStamps, type Stamp } from './clock.js';
import { fingerprintOf, type Fingerprint } from './identity.js';
import type { AccessStatement, Placed } from './statement.js';

type Kind = AccessStatement['kind'];
export type AccessOf<K extends Kind> = Extract<AccessStatement, { kind: K }>;

export interface AccessFact<S extends AccessStatement = AccessStatement> {
  readonly statement: S;
  readonly placed: Placed<AccessStatement>;
  readonly by: Fingerprint;
  readonly entry: string;
  readonly epoch: string;
}

/** The order in which statements replace one another: by stamp, and where those agree by place. */
export function compareAccess(a: AccessFact, b: AccessFact): number {
  const stamps = compareStamps(a.placed.stamp, b.placed.stamp);
  if (stamps !== 0) return stamps;
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  if (a.placed.seq !== b.placed.seq) return a.placed.seq - b.placed.seq;
  if (a.placed.index !== b.placed.index) return a.placed.index - b.placed.index;
  if (a.entry !== b.entry) return a.entry < b.entry ? -1 : 1;
  return 0;
}

export function latestOf<F extends AccessFact>(facts: readonly F[]): F | undefined {
  return facts.reduce<F | undefined>(
    (latest, fact) => (latest === undefined || compareAccess(fact, latest) > 0 ? fact : latest),
    undefined,
  );
}

export class AccessBook {
  readonly #facts: { readonly [K in Kind]: AccessFact<AccessOf<K>>[] } = {
    designate: [],
    grant: [],
    prioritise: [],
    policy: [],
    cut: [],
    rule: [],
  };
  /** By the ended key and the entry that ended it. */
  readonly #cuts = new Map<string, AccessFact<AccessOf<'cut'>>[]>();
  /** Who has stated something. */
  readonly signers = new Set<Fingerprint>();
  readonly #ids = new Set<string>();
  readonly #firstStamps = new Map<string, Stamp>();
  readonly #forks = new Map<string, number>();
  readonly #provisional = new Map<string, number>();

  /** False where it is held already. */
  add(placed: Placed<AccessStatement>): boolean {
    const by = fingerprintOf(placed.origin);
    const entry = toKey(placed.hash);
    const id = `${entry}${placed.index}`;
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    this.signers.add(by);
    const { statement, stamp } = placed;
    const epoch = toKey(placed.epoch);
    const first = this.#firstStamps.get(by + epoch);
    if (first === undefined || compareStamps(stamp, first) < 0) this.#firstStamps.set(by + epoch, stamp);
    const place = { placed, by, entry, epoch };
    switch (statement.kind) {
      case 'designate':
        this.#facts.designate.push({ ...place, statement });
        break;
      case 'grant':
        this.#facts.grant.push({ ...place, statement });
        break;
      case 'prioritise':
        this.#facts.prioritise.push({ ...place, statement });
        break;
      case 'policy':
        this.#facts.policy.push({ ...place, statement });
        break;
      case 'rule':
        this.#facts.rule.push({ ...place, statement });
        break;
      case 'cut': {
        const key = fingerprintOf(statement.key) + toKey(statement.revocation);
        const known = this.#cuts.get(key);
        if (known === undefined) this.#cuts.set(key, [{ ...place, statement }]);
        else known.push({ ...place, statement });
        break;
      }
      default:
        statement satisfies never;
    }
    return true;
  }

  all<K extends Kind>(kind: K): readonly AccessFact<AccessOf<K>>[] {
    return this.#facts[kind];
  }

  /** Cuts of a key's feeds under the revocation or rotation in an entry. */
  cutsUnder(key: Fingerprint, entry: string): readonly AccessFact<AccessOf<'cut'>>[] {
    return this.#cuts.get(key + entry) ?? [];
  }

  setFork(by: Fingerprint, epoch: Uint8Array, from: number | undefined): void {
    setOrDelete(this.#forks, by + toKey(epoch), from);
  }

  setProvisional(by: Fingerprint, epoch: Uint8Array, from: number | undefined): void {
    setOrDelete(this.#provisional, by + toKey(epoch), from);
  }

  /** The lowest stamp seen in a feed. */
  firstStamp(by: Fingerprint, epoch: string): Stamp | undefined {
    return this.#firstStamps.get(by + epoch);
  }

  isWhole({ by, epoch, placed }: AccessFact): boolean {
    const from = this.#forks.get(by + epoch);
    return from === undefined || placed.seq < from;
  }

  provisionalBar(by: Fingerprint, epoch: string): number | undefined {
    return this.#provisional.get(by + epoch);
  }
}

function setOrDelete(map: Map<string, number>, key: string, value: number | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
