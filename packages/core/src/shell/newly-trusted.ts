/** Which listed keys are trusted that were not at the last look: they are dialled at once. */

import { fingerprintOf, type Fingerprint } from '../identity.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Standing } from './standing.js';

export class NewlyTrusted {
  readonly #book: PeerBook;
  readonly #standing: Standing;
  /** As of the last look. */
  readonly #trusted = new Set<Fingerprint>();

  constructor(book: PeerBook, standing: Standing) {
    this.#book = book;
    this.#standing = standing;
  }

  take(): readonly ListedPeer[] {
    const found: ListedPeer[] = [];
    for (const peer of this.#book.peers()) {
      if (peer.key === undefined) continue;
      const fingerprint = fingerprintOf(peer.key);
      const isTrusted = this.#standing.trusts(peer.key);
      if (isTrusted && !this.#trusted.has(fingerprint)) found.push(peer);
      if (isTrusted) this.#trusted.add(fingerprint);
      else this.#trusted.delete(fingerprint);
    }
    return found;
  }
}
