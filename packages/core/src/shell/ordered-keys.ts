/** Feed keys in ascending order: what lies in a key range is found without a look at the others. */

import type { FeedKey } from '../feed.js';

export class OrderedKeys {
  readonly #keys: FeedKey[] = [];

  add(key: FeedKey): void {
    const at = this.#firstFrom(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  delete(key: FeedKey): void {
    const at = this.#firstFrom(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** The keys from `lower` up to and without `upper`; an empty `upper` has no bound. */
  within(lower: string, upper: string): readonly FeedKey[] {
    return this.#keys.slice(this.#firstFrom(lower), upper === '' ? undefined : this.#firstFrom(upper));
  }

  #firstFrom(bound: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
