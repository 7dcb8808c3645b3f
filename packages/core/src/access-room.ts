/** How much may be stated about tenants: by one origin in all of them together, and by all strangers together. */

import type { Fingerprint } from './identity.js';
import { LIMITS } from './limits.js';

/** Statements, and bytes of the entries that they came in. */
export interface Weight {
  readonly statements: number;
  readonly bytes: number;
}

/** Keys cost nothing: all of those whose word counts for nothing here have room for this many times what one has. */
const STRANGERS_SHARE = 4;

export class AccessRoom {
  readonly #held = new Map<Fingerprint, { statements: number; bytes: number }>();
  /** What strangers hold, as long as trust stays as it is: who is one depends on that. */
  #strangers:
    | {
        readonly version: number;
        readonly matters: (by: Fingerprint) => boolean;
        statements: number;
        bytes: number;
      }
    | undefined;

  take(by: Fingerprint, { statements, bytes }: Weight): void {
    const held = this.#held.get(by) ?? { statements: 0, bytes: 0 };
    held.statements += statements;
    held.bytes += bytes;
    this.#held.set(by, held);
    if (this.#strangers === undefined || this.#strangers.matters(by)) return;
    this.#strangers.statements += statements;
    this.#strangers.bytes += bytes;
  }

  /** Whether one origin may state so much more. */
  hasRoom(by: Fingerprint, more: Weight): boolean {
    return fits(this.#held.get(by), more, 1);
  }

  /** Whether strangers may. `matters`: who is none of them, the same for every call with the same `version`. */
  hasRoomForStrangers(more: Weight, matters: (by: Fingerprint) => boolean, version: number): boolean {
    if (this.#strangers?.version !== version) {
      const strangers = { version, matters, statements: 0, bytes: 0 };
      for (const [by, { statements, bytes }] of this.#held) {
        if (matters(by)) continue;
        strangers.statements += statements;
        strangers.bytes += bytes;
      }
      this.#strangers = strangers;
    }
    return fits(this.#strangers, more, STRANGERS_SHARE);
  }
}

function fits(held: Weight | undefined, more: Weight, share: number): boolean {
  return (
    (held?.statements ?? 0) + more.statements <= share * LIMITS.trustStatements &&
    (held?.bytes ?? 0) + more.bytes <= share * LIMITS.trustBytes
  );
}
