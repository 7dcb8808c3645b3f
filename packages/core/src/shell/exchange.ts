/** Peer exchange: each verified peer is told of the others, when that has changed, and what it tells is looked at as hearsay. */

import { isTellable, type Acquaintance } from '../acquaintance.js';
import { equalBytes } from '../bytes.js';
import type { Found } from '../discovery.js';
import { LIMITS } from '../limits.js';
import type { PeerBook } from './peer-book.js';

/** An open session, as far as peers are told of peers over it. */
export interface Acquainted {
  readonly link: { readonly remoteKey: Uint8Array; readonly initiator: boolean; readonly address: string };
  step(event: { readonly kind: 'acquaint'; readonly peers: readonly Acquaintance[] }): void;
}

export interface ExchangeOptions {
  readonly ownKey: Uint8Array;
  readonly book: PeerBook;
  readonly sessions: () => readonly Acquainted[];
  readonly placesOf: (key: Uint8Array) => readonly string[];
}

export class Exchange {
  readonly #options: ExchangeOptions;
  /** What each session was told last, as text. */
  readonly #told = new WeakMap<Acquainted, string>();

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Tells every session of the others, as far as we know where they are. */
  tell(): void {
    const sessions = this.#options.sessions();
    const known = sessions.flatMap((session) => this.#described(session)).slice(0, LIMITS.acquaintances + 1);
    for (const session of sessions) {
      const { remoteKey } = session.link;
      const others = known.filter(({ key }) => !equalBytes(key, remoteKey)).slice(0, LIMITS.acquaintances);
      const text = others.map(({ name, address }) => `${name} ${address}`).join('\n');
      if (text === (this.#told.get(session) ?? '')) continue;
      this.#told.set(session, text);
      session.step({ kind: 'acquaint', peers: others });
    }
  }

  /** What a peer tells, but for those whom we are connected with, and for ourselves. */
  hearsay(peers: readonly Acquaintance[]): readonly Found[] {
    const here = [this.#options.ownKey, ...this.#options.sessions().map(({ link }) => link.remoteKey)];
    return peers
      .filter(({ key }) => !here.some((one) => equalBytes(one, key)))
      .map(({ name, address }) => ({
        method: 'exchange',
        address,
        name,
        hint: undefined,
        ttlMs: LIMITS.hearsayMs,
      }));
  }

  #described({ link }: Acquainted): readonly Acquaintance[] {
    const { book, placesOf } = this.#options;
    const { remoteKey: key, initiator } = link;
    const name = book.nameOf(key);
    const dialled = initiator ? [link.address] : [];
    const listed = book.byKey(key)?.address;
    const places = [...dialled, ...placesOf(key), ...(listed === undefined ? [] : [listed])];
    const address = places.find((place) => isTellable(place));
    return name === undefined || address === undefined ? [] : [{ key, name, address }];
  }
}
