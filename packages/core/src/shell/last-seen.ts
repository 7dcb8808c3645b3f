/** What peers held when their sessions ended: it is durable there, and still so while they are away. */

import { fingerprintOf, type Fingerprint } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Clock } from '../ports.js';
import type { PeerSight } from './peer-sight.js';

export interface Seen {
  readonly sight: PeerSight;
  /** ms since 1970. */
  readonly atMs: number;
}

export class LastSeen {
  readonly #clock: Pick<Clock, 'now'>;
  /** The one whose session ended last comes last. */
  readonly #seen = new Map<Fingerprint, Seen>();
  #inSyncAtMs: number | undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  note({ fingerprint, sight }: { readonly fingerprint: Fingerprint; readonly sight: PeerSight }): void {
    // Of a peer that has not named its scopes nothing was learnt: what was known before is better.
    if (sight.offered === undefined) return;
    if (sight.isInSync) this.noteInSync();
    this.#seen.delete(fingerprint);
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined && this.#seen.size >= LIMITS.peers) this.#seen.delete(oldest);
    this.#seen.set(fingerprint, { sight, atMs: this.#clock.now() });
  }

  /** Nothing is missing on either side of some session now. */
  noteInSync(): void {
    this.#inSyncAtMs = this.#clock.now();
  }

  /** When that was last noted; ms since 1970. */
  get inSyncAtMs(): number | undefined {
    return this.#inSyncAtMs;
  }

  of(key: Uint8Array): Seen | undefined {
    return this.#seen.get(fingerprintOf(key));
  }
}
