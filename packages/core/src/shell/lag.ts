/** What two nodes lack of each other's: looked through on demand, and not too often where that is much work. */

import type { Scope } from '../identity.js';
import type { Clock } from '../ports.js';
import type { HoldingsTable } from './holdings-table.js';
import type { Lack, PeerView } from './peer-view.js';

/** Which scopes flow to us, and which to the peer. */
export interface Directions {
  readonly in: (scope: Scope) => boolean;
  readonly out: (scope: Scope) => boolean;
}

export interface Lag {
  readonly here: readonly Lack[];
  readonly there: readonly Lack[];
  /** False while the peer claims to hold more than is remembered of it. */
  readonly isWhole: boolean;
}

interface Looked {
  readonly atMs: number;
  /** In how many feeds. */
  readonly feeds: number;
  readonly isInSync: boolean;
}

/** Up to this many feeds are looked through in no time. */
const FEW_FEEDS = 256;
const AGE_MS = 250;

export class LagMeter {
  readonly #view: PeerView;
  readonly #table: HoldingsTable;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #looked: Looked | undefined;

  constructor(parts: {
    readonly view: PeerView;
    readonly table: HoldingsTable;
    readonly clock: Pick<Clock, 'monotonic'>;
  }) {
    this.#view = parts.view;
    this.#table = parts.table;
    this.#clock = parts.clock;
  }

  lag(flows: Directions): Lag {
    return {
      here: this.#view.lackingHere(flows.in),
      there: this.#view.lackingThere(this.#table.view(flows.out)),
      isWhole: !this.#view.isFull,
    };
  }

  /**
   * Whether nothing is lacking on either side. Anyone may ask for this as often as they like: where many feeds have
   * to be looked through, the answer may be a moment old.
   */
  isInSync(flows: Directions): boolean {
    const nowMs = this.#clock.monotonic();
    const looked = this.#looked;
    if (looked !== undefined && looked.feeds > FEW_FEEDS && nowMs - looked.atMs < AGE_MS)
      return looked.isInSync;
    let feeds = 0;
    const counted =
      (flow: (scope: Scope) => boolean) =>
      (scope: Scope): boolean => {
        feeds++;
        return flow(scope);
      };
    const { here, there, isWhole } = this.lag({ in: counted(flows.in), out: counted(flows.out) });
    const isInSync = here.length === 0 && there.length === 0 && isWhole;
    this.#looked = { atMs: nowMs, feeds, isInSync };
    return isInSync;
  }
}
