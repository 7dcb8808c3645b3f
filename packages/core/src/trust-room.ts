/** How much may be stated: by one origin, and by all of those together whose word counts for nothing here. */

import type { Fingerprint } from './identity.js';
import { LIMITS } from './limits.js';

/** Statements, and bytes of the entries that they came in. */
export interface Weight {
  readonly statements: number;
  readonly bytes: number;
}

/** Keys cost nothing: all of those whose word counts for nothing here have room for this many times what one has. */
const OTHERS_SHARE = 4;

export class StatementRoom {
  readonly #held = new Map<Fingerprint, { statements: number; bytes: number }>();
  /** What the others hold, as long as trust stays as it is: who is one of them depends on that. */
  #others:
    | {
        readonly version: number;
        readonly matters: (by: Fingerprint) => boolean;
        statements: number;
        bytes: number;
      }
    | undefined;

  /** `version`: of what says who matters, with these statements. */
  take(by: Fingerprint, { statements, bytes }: Weight, version: number): void {
    const held = this.#held.get(by) ?? { statements: 0, bytes: 0 };
    held.statements += statements;
    held.bytes += bytes;
    this.#held.set(by, held);
    if (this.#others?.version !== version) this.#others = undefined;
    if (this.#others === undefined || this.#others.matters(by)) return;
    this.#others.statements += statements;
    this.#others.bytes += bytes;
  }

  /** Whether one origin may state so much more. */
  hasRoom(by: Fingerprint, more: Weight): boolean {
    return fits(this.#held.get(by), more, 1);
  }

  /** Whether the others may. `matters`: who is none of them, the same for every call with the same `version`. */
  hasRoomForOthers(more: Weight, matters: (by: Fingerprint) => boolean, version: number): boolean {
    if (this.#others?.version !== version) {
      const others = { version, matters, statements: 0, bytes: 0 };
      for (const [by, { statements, bytes }] of this.#held) {
        if (matters(by)) continue;
        others.statements += statements;
        others.bytes += bytes;
      }
      this.#others = others;
    }
    return fits(this.#others, more, OTHERS_SHARE);
  }
}

function fits(held: Weight | undefined, more: Weight, share: number): boolean {
  return (
    (held?.statements ?? 0) + more.statements <= share * LIMITS.trustStatements &&
    (held?.bytes ?? 0) + more.bytes <= share * LIMITS.trustBytes
  );
}
