/** When listed peers are dialled, and where: each as its backoff allows, one dial at a time. */

import type { NodeEvent } from '../events.js';
import { messageOf } from '../errors.js';
import { isNodeId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Clock, Link, Timer, Transport } from '../ports.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Standing } from './standing.js';
import { describeStray, isStray } from './succession.js';

export interface DiallerOptions {
  readonly book: PeerBook;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly standing: Standing;
  readonly isConnected: (key: Uint8Array) => boolean;
  /** Addresses at which discovery has seen a key prove itself. */
  readonly placesOf: (key: Uint8Array) => readonly string[];
  readonly onLink: (link: Link, peer: ListedPeer) => void;
  readonly onEvent: (event: NodeEvent) => void;
}

const LOOK_MS = 250;

export class Dialler {
  readonly #options: DiallerOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#dialDue();
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      if (!this.#stopped) this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Dials what is due without waiting for the next look. */
  dialNow(peer: ListedPeer): void {
    peer.attempts = 0;
    peer.nextDialAtMs = 0;
    this.#dialDue();
  }

  /** Some stranger has called: it may be a peer whose key we do not know yet, so those are dialled soon. */
  dialUnpinned(): void {
    const now = this.#options.clock.monotonic();
    for (const peer of this.#options.book.peers()) {
      if (peer.key === undefined && !peer.isMet)
        peer.nextDialAtMs = Math.min(peer.nextDialAtMs, now + LIMITS.backoffFirstMs);
    }
  }

  failed(peer: ListedPeer, reason: string): void {
    const isNews = peer.lastError !== reason;
    peer.failures++;
    this.note(peer, reason);
    if (isNews) this.#options.onEvent({ kind: 'dial_failed', address: peer.address, reason });
  }

  note(peer: ListedPeer, error: string): void {
    peer.lastError = error;
    peer.lastErrorAtMs = this.#options.clock.now();
  }

  #dialDue(): void {
    if (this.#stopped) return;
    const { clock, book, standing, isConnected } = this.#options;
    const now = clock.monotonic();
    for (const peer of book.peers()) {
      const isHere = peer.key !== undefined && isConnected(peer.key);
      const isRevoked = peer.key !== undefined && standing.levelOf(peer.key) === 'revoked';
      if (isHere || isRevoked || peer.dialling || peer.nextDialAtMs > now) continue;
      const address = this.#addressOf(peer);
      if (address !== undefined) void this.#dial(peer, address);
    }
  }

  /** Where it is listed, and by turns where discovery has found its key; a peer may be listed by its key alone. */
  #addressOf(peer: ListedPeer): string | undefined {
    const found = peer.key === undefined ? [] : this.#options.placesOf(peer.key);
    const places = new Set(isNodeId(peer.address) ? found : [peer.address, ...found]);
    return [...places][peer.attempts % places.size];
  }

  async #dial(peer: ListedPeer, address: string): Promise<void> {
    const { transport, clock, book, standing, onLink } = this.#options;
    peer.dialling = true;
    book.backOff(peer, clock.monotonic());
    try {
      const link = await transport.dial(address, { timeoutMs: LIMITS.handshakeMs });
      const { remoteKey } = link;
      // A stranger may be the one we look for under a new key, and its hello then says so.
      const isStranger = !standing.trusts(remoteKey) && standing.levelOf(remoteKey) !== 'revoked';
      if (!isStray(peer, remoteKey) || isStranger) return onLink(link, peer);
      link.close(1000, 'another key');
      this.failed(peer, describeStray(peer, remoteKey));
    } catch (error) {
      this.failed(peer, messageOf(error));
    } finally {
      peer.dialling = false;
    }
  }
}
