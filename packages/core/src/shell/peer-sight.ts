/** What we see of one peer: what it is known to hold, and what flows between us. It outlives the session. */

import type { Scope } from '../identity.js';
import type { Scopes } from '../offer.js';
import type { Clock } from '../ports.js';
import { Flows, type Flow } from './flows.js';
import type { HoldingsTable } from './holdings-table.js';
import { LagMeter, type Directions, type Lag } from './lag.js';
import { PeerView } from './peer-view.js';
import type { Standing } from './standing.js';

export interface SightParts {
  readonly key: Uint8Array;
  readonly table: HoldingsTable;
  readonly standing: Standing;
  readonly clock: Pick<Clock, 'monotonic'>;
}

export class PeerSight {
  readonly view: PeerView;
  readonly flows: Flows;
  /** What we may do at the peer; `undefined` until it has said so. */
  offered: Scopes | undefined;
  readonly #lag: LagMeter;

  constructor({ key, table, standing, clock }: SightParts) {
    this.view = new PeerView((feed) => table.feed(feed));
    this.flows = new Flows(standing, key);
    this.#lag = new LagMeter({ view: this.view, table, clock });
  }

  /** In which directions a scope is shared. */
  flow(scope: Scope): Flow {
    return this.flows.of(scope, this.offered);
  }

  /** What we lack and what the peer has not confirmed, of the scopes in `only`. */
  lag(only: (scope: Scope) => boolean): Lag {
    return this.#lag.lag(this.#directions(only));
  }

  get isInSync(): boolean {
    return this.offered !== undefined && this.#lag.isInSync(this.#directions(() => true));
  }

  #directions(only: (scope: Scope) => boolean): Directions {
    return {
      in: (scope) => only(scope) && this.flow(scope).in,
      out: (scope) => only(scope) && this.flow(scope).out,
    };
  }
}
