/** Peers our operator listed: their addresses, pinned keys and names, and when to dial which. Remembered durably as facts. */

import { equalBytes } from '../bytes.js';
import { decodeCbor, encodeCbor, isBytes, isCborList } from '../cbor.js';
import { KEY_BYTES } from '../entry.js';
import { LoglineError } from '../errors.js';
import { fingerprintOf, nodeIdOf, type Fingerprint, type NodeId, type TrustLevel } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Random } from '../ports.js';
import type { VerificationMethod } from '../statement.js';

/** A listed peer. Mutable: it belongs to the book alone. */
export interface ListedPeer {
  /** In canonical form. */
  readonly address: string;
  source: 'configured' | 'established';
  /** How the operator wants the node there to prove who it is; where nothing is said, either way will do. */
  method: VerificationMethod | undefined;
  /** Set by the operator, or the first key that proved itself at the address. */
  key: Uint8Array | undefined;
  pinnedBy: 'operator' | 'first_contact' | undefined;
  /** A key that was seen there, and that nothing but the operator's word can make the right one. */
  seenKey: Uint8Array | undefined;
  /** Whether somebody answered at the address since it was listed, and something was in the way of trusting that key. */
  isMet: boolean;
  name: string | undefined;
  establishedAtMs: number | undefined;
  level: TrustLevel;
  lastSeenMs: number | undefined;
  lastError: string | undefined;
  lastErrorAtMs: number | undefined;
  /** Dials that came to nothing so far. */
  failures: number;
  /** Links that ended since one side did not trust the other yet. */
  refusals: number;
  attempts: number;
  nextDialAtMs: number;
  dialling: boolean;
}

/** What an operator says of a peer when listing it. */
export interface Listing {
  readonly key: Uint8Array | undefined;
  readonly source: ListedPeer['source'];
  readonly method?: VerificationMethod | undefined;
}

const PEER_FACT = 'peer/';
const NAME_FACT = 'name/';

export class PeerBook {
  readonly #peers = new Map<string, ListedPeer>();
  readonly #names = new Map<string, Uint8Array>();
  readonly #random: Random;

  /** `facts` as they were stored by `factOf` and `nameFact`. */
  constructor(facts: ReadonlyMap<string, Uint8Array>, random: Random) {
    this.#random = random;
    for (const [name, value] of facts) {
      if (name.startsWith(PEER_FACT)) this.#restore(name.slice(PEER_FACT.length), value);
      else if (name.startsWith(NAME_FACT) && value.length === KEY_BYTES) {
        this.#names.set(name.slice(NAME_FACT.length), value);
      }
    }
  }

  /** Lists a peer, or brings an entry forward. A fingerprint from the operator replaces a key seen at first contact. */
  list(address: string, options: Listing): ListedPeer {
    const known = this.#peers.get(address);
    if (known === undefined && this.#peers.size >= LIMITS.peers) {
      throw new LoglineError('overloaded', `at most ${LIMITS.peers} peers can be listed`);
    }
    const peer = known ?? newPeer(address, options.source);
    Object.assign(peer, this.preview(address, options));
    peer.attempts = 0;
    peer.nextDialAtMs = 0;
    peer.isMet = false;
    this.#peers.set(address, peer);
    return peer;
  }

  /** The peer as `list` would leave it; nothing is changed. */
  preview(address: string, options: Listing): ListedPeer {
    const peer = { ...(this.#peers.get(address) ?? newPeer(address, options.source)) };
    // Once established by hand, a peer stays listed whatever the configuration says.
    if (options.source === 'established') peer.source = 'established';
    if (options.method !== undefined) peer.method = options.method;
    if (options.key !== undefined) {
      // Another key is another node: what the old one was called and proved says nothing of it.
      const isOther = peer.key === undefined || !equalBytes(peer.key, options.key);
      if (isOther) Object.assign(peer, { name: undefined, level: 'pending', establishedAtMs: undefined });
      peer.key = options.key;
      peer.pinnedBy = 'operator';
      peer.seenKey = undefined;
    }
    return peer;
  }

  /**
   * A key has said that it trusts us, under a name, or under the one that is bound to it. Returns what to remember of
   * the peer that is listed with it, where that is news.
   */
  meet(
    key: Uint8Array,
    said: { readonly name: string | undefined; readonly nowMs: number },
  ): ReturnType<PeerBook['factOf']> | undefined {
    const peer = this.byKey(key);
    const isTold = said.name === undefined && peer?.level === 'verified';
    const name = said.name ?? this.nameOf(key);
    if (peer === undefined || name === undefined || isTold) return undefined;
    const isNews = peer.name !== name || peer.establishedAtMs === undefined;
    peer.name = name;
    peer.level = 'verified';
    peer.establishedAtMs ??= said.nowMs;
    peer.lastError = undefined;
    peer.lastErrorAtMs = undefined;
    peer.lastSeenMs = said.nowMs;
    return isNews ? this.factOf(peer) : undefined;
  }

  /** Takes a peer off the list. */
  unlist(peer: ListedPeer): void {
    this.#peers.delete(peer.address);
  }

  peers(): Iterable<ListedPeer> {
    return this.#peers.values();
  }

  byKey(key: Uint8Array): ListedPeer | undefined {
    for (const peer of this.#peers.values()) {
      if (peer.key !== undefined && equalBytes(peer.key, key)) return peer;
    }
    return undefined;
  }

  byId(id: NodeId): ListedPeer | undefined {
    for (const peer of this.#peers.values())
      if (peer.name !== undefined && nodeIdOf(peer.name) === id) return peer;
    return undefined;
  }

  byAddress(address: string): ListedPeer | undefined {
    return this.#peers.get(address);
  }

  get hasUnpinned(): boolean {
    for (const peer of this.#peers.values()) if (peer.key === undefined) return true;
    return false;
  }

  /** The fingerprint a name is already bound to, if it is another's. */
  nameTakenBy(name: string, key: Uint8Array): Fingerprint | undefined {
    const bound = this.#names.get(name);
    return bound === undefined || equalBytes(bound, key) ? undefined : fingerprintOf(bound);
  }

  /** The name a key goes by. */
  nameOf(key: Uint8Array): string | undefined {
    for (const [name, bound] of this.#names) if (equalBytes(bound, key)) return name;
    return undefined;
  }

  /** Whether no other listed peer has the key of this one. */
  isAlone(peer: ListedPeer): boolean {
    const { key } = peer;
    const others = [...this.#peers.values()].filter(({ address }) => address !== peer.address);
    return !others.some(
      (other) => key !== undefined && other.key !== undefined && equalBytes(other.key, key),
    );
  }

  /** What to remember before the name of a key is released, if it has one. */
  freedName(key: Uint8Array): { readonly name: string; readonly value: Uint8Array } | undefined {
    const name = this.nameOf(key);
    return name === undefined ? undefined : { name: NAME_FACT + name, value: new Uint8Array(0) };
  }

  /** Frees the name of a key, for its operator chose another. */
  releaseName(key: Uint8Array): void {
    const name = this.nameOf(key);
    if (name !== undefined) this.#names.delete(name);
  }

  isBound(name: string): boolean {
    return this.#names.has(name);
  }

  bindName(name: string, key: Uint8Array): { readonly name: string; readonly value: Uint8Array } {
    this.#names.set(name, key);
    return { name: NAME_FACT + name, value: key };
  }

  /** What to remember of a peer that is no longer listed. */
  factOfUnlisted(peer: ListedPeer): { readonly name: string; readonly value: Uint8Array } {
    return { name: PEER_FACT + peer.address, value: new Uint8Array(0) };
  }

  /** What to remember of a peer. */
  factOf(peer: ListedPeer): { readonly name: string; readonly value: Uint8Array } {
    const value = encodeCbor([
      peer.source,
      peer.key ?? null,
      peer.pinnedBy ?? null,
      peer.name ?? null,
      peer.establishedAtMs ?? null,
      peer.method ?? null,
    ]);
    return { name: PEER_FACT + peer.address, value };
  }

  /** Sets the next dial after a failure: from 1 s doubling to 30 s, each time up to a quarter earlier, so that nodes do not march in step. */
  backOff(peer: ListedPeer, nowMs: number): void {
    const delay = Math.min(LIMITS.backoffMostMs, LIMITS.backoffFirstMs * 2 ** Math.min(peer.attempts, 10));
    const [chance = 0] = this.#random.bytes(1);
    peer.attempts++;
    peer.nextDialAtMs = nowMs + Math.max(LIMITS.backoffFirstMs, delay * (1 - chance / 1024));
  }

  #restore(address: string, value: Uint8Array): void {
    // Nothing is left of a peer that was taken off the list.
    const list = value.length === 0 ? undefined : decodeCbor(value);
    if (!isCborList(list)) return;
    const [source, key, pinnedBy, name, establishedAtMs, method] = list;
    const peer = newPeer(address, source === 'established' ? 'established' : 'configured');
    if (isBytes(key, KEY_BYTES)) {
      peer.key = key;
      peer.pinnedBy = pinnedBy === 'operator' ? 'operator' : 'first_contact';
    }
    if (typeof name === 'string') peer.name = name;
    if (typeof establishedAtMs === 'number') peer.establishedAtMs = establishedAtMs;
    if (method === 'signature' || method === 'certificate') peer.method = method;
    this.#peers.set(address, peer);
  }

  /** Drops what was listed only by an earlier configuration, with the names of nobody listed now: others may bear them. */
  keepOnly(configured: ReadonlySet<string>): void {
    for (const [address, peer] of this.#peers) {
      if (peer.source !== 'configured' || configured.has(address)) continue;
      if (peer.key !== undefined && this.isAlone(peer)) this.releaseName(peer.key);
      this.#peers.delete(address);
    }
  }
}

function newPeer(address: string, source: ListedPeer['source']): ListedPeer {
  return {
    address,
    source,
    method: undefined,
    key: undefined,
    pinnedBy: undefined,
    seenKey: undefined,
    isMet: false,
    name: undefined,
    establishedAtMs: undefined,
    level: 'pending',
    lastSeenMs: undefined,
    lastError: undefined,
    lastErrorAtMs: undefined,
    failures: 0,
    refusals: 0,
    attempts: 0,
    nextDialAtMs: 0,
    dialling: false,
  };
}
