/** Places for requests that last: so many in all, and so many for each caller, so that none takes those of the others. */

import { LoglineError } from '@logline/federation-core';
import { callerKey, isNamed, type Caller } from './caller.js';

export class Places {
  readonly #most: { readonly all: number; readonly perCaller: number };
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(most: { readonly all: number; readonly perCaller: number }) {
    this.#most = most;
  }

  /** Takes one; the result gives it back, once. Throws `overloaded`. Programs of the node's own machine and the operator may have all. */
  take(caller: Caller): () => void {
    const key = callerKey(caller);
    const own = this.#taken.get(key) ?? 0;
    if (this.#all >= this.#most.all)
      throw new LoglineError(
        'overloaded',
        'too many streams are open: close some, or follow on another node',
      );
    if (isNamed(caller) && own >= this.#most.perCaller)
      throw new LoglineError('overloaded', `a caller may have ${own} streams open, and has: close some`);
    this.#all++;
    this.#taken.set(key, own + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      this.#all--;
      const left = (this.#taken.get(key) ?? 0) - 1;
      if (left > 0) this.#taken.set(key, left);
      else this.#taken.delete(key);
    };
  }
}
