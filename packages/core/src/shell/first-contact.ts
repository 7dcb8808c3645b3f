/** Whether the node that answers at a listed address is the one its operator meant, and how we know. */

import { equalBytes } from '../bytes.js';
import type { NodeEvent } from '../events.js';
import { fingerprintOf, type Fingerprint } from '../identity.js';
import type { Hello } from '../message.js';
import type { Clock, Credentials } from '../ports.js';
import type { VerificationMethod } from '../statement.js';
import type { Committer } from './committer.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Standing } from './standing.js';

export type Contact =
  | { readonly kind: 'proven'; readonly method: VerificationMethod }
  /** Nobody but the operator can say whether this is the right key. */
  | { readonly kind: 'unconfirmed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

export interface ContactWorld {
  readonly credentials: Credentials | undefined;
  /** Whether a secret is shared by all nodes of the network, so that a valid hello proves membership. */
  readonly isClosedNetwork: boolean;
  readonly nowMs: number;
}

/** Judges a hello that is valid on its link. `peer` as it is listed: with the key that answered, or without one. */
export function judgeContact(
  peer: Pick<ListedPeer, 'key' | 'method' | 'name' | 'address'>,
  said: { readonly key: Uint8Array; readonly hello: Hello },
  world: ContactWorld,
): Contact {
  const { key, hello } = said;
  const isPinned = peer.key !== undefined && equalBytes(peer.key, key);
  const certified = checkCertificates(said, world);
  if (peer.method === 'certificate') {
    return certified.ok
      ? { kind: 'proven', method: 'certificate' }
      : { kind: 'refused', reason: `certificate: ${certified.reason}` };
  }
  if (isPinned) return { kind: 'proven', method: 'signature' };
  if (certified.ok && peer.method === undefined) return { kind: 'proven', method: 'certificate' };
  if (world.isClosedNetwork) return { kind: 'proven', method: 'signature' };
  const fingerprint = fingerprintOf(key);
  return {
    kind: 'unconfirmed',
    reason: `first contact with key ${fingerprint} is not authenticated: compare it with what the peer prints at its start, then logline federation trust confirm ${hello.name} ${fingerprint}`,
  };
}

function checkCertificates(
  { key, hello }: { readonly key: Uint8Array; readonly hello: Hello },
  { credentials, nowMs }: ContactWorld,
): { readonly ok: true } | { readonly ok: false; readonly reason: string } {
  if (credentials === undefined)
    return { ok: false, reason: 'this node checks none: set FEDERATION_CA_FILE here' };
  if (hello.certificates.length === 0)
    return {
      ok: false,
      reason: `the peer showed none: issue one for ${hello.name} and give it to that node`,
    };
  return credentials.check(hello.certificates, { key, name: hello.name, nowMs });
}

/** What first contacts need of the node. */
export interface ContactHost {
  readonly committer: Committer;
  readonly standing: Standing;
  readonly credentials: Credentials | undefined;
  /** Whether the network key is a secret, and not empty. */
  readonly isClosedNetwork: boolean;
  /** States durably that we trust a key of that name. Our hello says so only once the standing does. */
  vouch(key: Uint8Array, name: string, method: VerificationMethod): Promise<void>;
}

export interface FirstContactsOptions {
  readonly book: PeerBook;
  readonly clock: Clock;
  readonly host: ContactHost;
  readonly onEvent: (event: NodeEvent) => void;
  /** Why a key may not go by a name. */
  readonly misnamed: (name: string, key: Uint8Array) => string | undefined;
  /** A key has been vouched for. */
  readonly vouched: () => void;
}

export class FirstContacts {
  readonly #options: FirstContactsOptions;
  /** Keys being vouched for. */
  readonly #vouching = new Set<Fingerprint>();

  constructor(options: FirstContactsOptions) {
    this.#options = options;
  }

  /**
   * A listed peer has shown itself with a valid hello. If we do not trust it yet, though its operator's word, a
   * certificate or the network key says that it is the one we look for, we vouch for it, and our next hello says so.
   * Returns what is in the way of that, and what to do.
   */
  meet(peer: ListedPeer, key: Uint8Array, hello: Hello): string | undefined {
    const { clock, host, onEvent, misnamed } = this.#options;
    const fingerprint = fingerprintOf(key);
    const isSettled = peer.key !== undefined && host.standing.hasVouched(key);
    if (isSettled || this.#vouching.has(fingerprint)) return undefined;
    // Trust that was withdrawn comes back by the operator's word alone.
    if (host.standing.levelOf(key) === 'revoked') return undefined;
    const { credentials, isClosedNetwork } = host;
    const contact = judgeContact(peer, { key, hello }, { credentials, isClosedNetwork, nowMs: clock.now() });
    if (contact.kind === 'unconfirmed' && (peer.seenKey === undefined || !equalBytes(peer.seenKey, key))) {
      peer.seenKey = key;
      onEvent({ kind: 'first_contact_unconfirmed', address: peer.address, fingerprint });
    }
    if (contact.kind !== 'proven') return contact.reason;
    const taken = misnamed(hello.name, key);
    if (taken !== undefined) return `name_taken: ${taken}`;
    void this.#vouch(peer, { key, name: hello.name }, contact.method);
    return undefined;
  }

  /** A power cut before all of it is durable costs a first contact again. */
  async #vouch(
    peer: ListedPeer,
    { key, name }: { readonly key: Uint8Array; readonly name: string },
    method: VerificationMethod,
  ): Promise<void> {
    const { book, host, onEvent, vouched } = this.#options;
    const fingerprint = fingerprintOf(key);
    this.#vouching.add(fingerprint);
    try {
      if (peer.key === undefined) {
        const fact = book.factOf({ ...peer, key, pinnedBy: 'first_contact' });
        await host.committer.remember(fact.name, fact.value);
        // The operator may have named a key meanwhile.
        if (peer.key !== undefined) return;
        peer.key = key;
        peer.pinnedBy = 'first_contact';
        peer.seenKey = undefined;
        onEvent({ kind: 'key_pinned', address: peer.address, fingerprint });
      }
      await host.vouch(key, name, method);
      vouched();
    } catch {
      // A disk that fails is reported by the store, and the next contact tries again.
    } finally {
      this.#vouching.delete(fingerprint);
    }
  }
}
