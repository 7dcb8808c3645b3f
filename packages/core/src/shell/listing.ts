/** What operators say of peers: list one, confirm the key seen there, dial it now, take it off the list. All of it durable. */

import { equalBytes } from '../bytes.js';
import { LoglineError } from '../errors.js';
import type { NodeEvent } from '../events.js';
import { fingerprintOf, keyOfFingerprint, type Fingerprint } from '../identity.js';
import type { Crypto } from '../ports.js';
import type { VerificationMethod } from '../statement.js';
import type { Committer } from './committer.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Peering } from './peering.js';

export interface ListingParts {
  readonly book: PeerBook;
  readonly committer: Committer;
  readonly peering: Peering;
  readonly crypto: Crypto;
  readonly onEvent: (event: NodeEvent) => void;
}

/** Throws `bad_request` for a key under which anything verifies, or which is none: no node can prove it. */
export function refuseUnusable(key: Uint8Array | undefined, crypto: Crypto): void {
  if (key === undefined || crypto.isSafePublicKey(key)) return;
  throw new LoglineError(
    'bad_request',
    `fingerprint ${fingerprintOf(key)} is that of no usable key: compare it with what the peer prints at its start`,
  );
}

function isSameKey(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && equalBytes(a, b);
}

export class Listing {
  readonly #parts: ListingParts;

  constructor(parts: ListingParts) {
    this.#parts = parts;
  }

  /** With a key only that one is trusted at the address; without, the one that proves itself there. Throws `bad_request`. */
  async list(peer: {
    readonly address: string;
    readonly key?: Uint8Array | undefined;
    readonly method?: VerificationMethod | undefined;
  }): Promise<ListedPeer> {
    const { book, peering, crypto } = this.#parts;
    refuseUnusable(peer.key, crypto);
    const options = { key: peer.key, method: peer.method, source: 'established' } as const;
    const preview = book.preview(peer.address, options);
    const former = book.byAddress(peer.address);
    // A node that was set up anew goes by its name again, whatever its key was called.
    const isGone = former?.key !== undefined && !isSameKey(former.key, preview.key) && book.isAlone(former);
    const freed = [preview.key, isGone ? former.key : undefined].filter((key) => key !== undefined);
    await this.#remember([book.factOf(preview), ...freed.flatMap((key) => book.freedName(key) ?? [])]);
    const listed = book.list(peer.address, options);
    for (const key of freed) book.releaseName(key);
    peering.standingChanged();
    peering.dialNow(listed);
    return listed;
  }

  /** Throws `key_mismatch` where another key was seen at the address, or pinned. */
  async confirm(address: string, fingerprint: Fingerprint): Promise<ListedPeer> {
    const peer = this.#at(address);
    const key = keyOfFingerprint(fingerprint);
    const expected = peer.key ?? peer.seenKey;
    if (key === undefined || (expected !== undefined && !equalBytes(expected, key))) {
      const seen = expected === undefined ? 'no key so far' : `key ${fingerprintOf(expected)}`;
      throw new LoglineError(
        'key_mismatch',
        `${address}: seen there is ${seen}, confirmed was ${fingerprint.slice(0, 64)}: compare it with what that node prints at its start`,
      );
    }
    return this.list({ address, key });
  }

  async unlist(address: string): Promise<void> {
    const { book, peering } = this.#parts;
    const peer = this.#at(address);
    const key = book.isAlone(peer) ? peer.key : undefined;
    const freed = key === undefined ? undefined : book.freedName(key);
    await this.#remember([book.factOfUnlisted(peer), ...(freed === undefined ? [] : [freed])]);
    book.unlist(peer);
    if (key !== undefined) book.releaseName(key);
    peering.standingChanged();
  }

  /** Listed keys that were rotated are followed: the peer is the same, and its name goes with it. */
  followRotations(successorOf: (key: Fingerprint) => Fingerprint | undefined): void {
    const { book, onEvent } = this.#parts;
    for (const peer of book.peers()) {
      const successor = peer.key === undefined ? undefined : successorOf(fingerprintOf(peer.key));
      const key = successor === undefined ? undefined : keyOfFingerprint(successor);
      if (peer.key === undefined || key === undefined) continue;
      const freed = book.freedName(peer.key);
      book.releaseName(peer.key);
      peer.key = key;
      // It is the operator's word no more: where a second key claims to follow too, he has to say which of them it is.
      peer.pinnedBy = 'first_contact';
      onEvent({ kind: 'key_pinned', address: peer.address, fingerprint: fingerprintOf(key) });
      const facts = [book.factOf(peer), ...(freed === undefined ? [] : [freed])];
      // Losing it costs following the rotation again at the next start.
      this.#remember(facts).catch(() => undefined);
    }
  }

  /** All of it or nothing: a name that stayed bound to a key of nobody listed could be given to nobody else. */
  #remember(facts: readonly { readonly name: string; readonly value: Uint8Array }[]): Promise<void> {
    return this.#parts.committer.write((pen) => {
      for (const { name, value } of facts) pen.fact(name, value);
      return Promise.resolve();
    });
  }

  redial(address: string): void {
    this.#parts.peering.dialNow(this.#at(address));
  }

  #at(address: string): ListedPeer {
    const peer = this.#parts.book.byAddress(address);
    if (peer === undefined) throw new LoglineError('unknown_peer', `no peer is listed at ${address}`);
    return peer;
  }
}
