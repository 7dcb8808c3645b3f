/** Connections: dials listed peers, takes calls, keeps one session per pair of nodes, and binds names to keys. */

import { equalBytes } from '../bytes.js';
import type { NodeEvent } from '../events.js';
import type { Feed, FeedKey } from '../feed.js';
import type { GateOutcome } from '../gate.js';
import { messageOf } from '../errors.js';
import { fingerprintOf, nodeIdOf, type Fingerprint } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Hello } from '../message.js';
import type { Clock, Link, Timer, Transport } from '../ports.js';
import type { Committed } from './committer.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import { SessionRunner, type SessionEnd, type SessionHost } from './session-runner.js';

export interface PeeringOptions {
  readonly name: string;
  readonly book: PeerBook;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly host: Omit<SessionHost, 'isTrusted' | 'isClaimed' | 'opened' | 'closed' | 'gated'>;
  readonly onEvent: (event: NodeEvent) => void;
}

const LOOK_MS = 250;
const RELAY_MS = 5;

export class Peering {
  readonly #options: PeeringOptions;
  readonly #host: SessionHost;
  /** By fingerprint: sessions whose two sides trust each other. */
  readonly #open = new Map<Fingerprint, SessionRunner>();
  readonly #greeting = new Set<SessionRunner>();
  /** Feeds that a peer brought forward and the other peers have not been told of. */
  readonly #untold = new Map<FeedKey, Feed>();
  #telling: Timer | undefined;
  #timer: Timer | undefined;
  #closing = false;

  constructor(options: PeeringOptions) {
    this.#options = options;
    this.#host = {
      ...options.host,
      isTrusted: (key) => options.book.byKey(key) !== undefined,
      isClaimed: (key, by) => this.#isClaimed(key, by),
      opened: (session, hello) => this.#opened(session, hello),
      closed: (session, why) => this.#closed(session, why),
      gated: (session, outcomes) => this.#gated(session, outcomes),
    };
  }

  start(): void {
    this.#options.transport.accept((link) => this.#take(link, undefined));
    this.#look();
  }

  /** Open sessions, each with another node. */
  sessions(): readonly SessionRunner[] {
    return [...this.#open.values()];
  }

  session(key: Uint8Array): SessionRunner | undefined {
    return this.#open.get(fingerprintOf(key));
  }

  /** Our own entries go out at once. What came from a peer is told to the others a moment later, many commits in one message. */
  publish(committed: Committed): void {
    const own = new Set(committed.pushes.map((push) => push.key));
    for (const feed of committed.feeds) if (!own.has(feed.key)) this.#untold.set(feed.key, feed);
    if (own.size > 0) {
      const feeds = committed.feeds.filter((feed) => own.has(feed.key));
      for (const session of this.#open.values()) session.publish(feeds, committed.pushes);
    }
    if (this.#untold.size > 0) this.#telling ??= this.#options.clock.after(RELAY_MS, () => this.#tell());
  }

  #tell(): void {
    const feeds = [...this.#untold.values()];
    this.#untold.clear();
    this.#telling = undefined;
    for (const session of this.#open.values()) session.publish(feeds, []);
  }

  /** Dials what is due without waiting for the next look. */
  dialNow(peer: ListedPeer): void {
    peer.attempts = 0;
    peer.nextDialAtMs = 0;
    this.#dialDue();
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#timer?.cancel();
    this.#telling?.cancel();
    for (const session of [...this.#open.values(), ...this.#greeting]) {
      session.step({ kind: 'stop', code: 'going_away', reason: 'the node is shutting down' });
    }
    await this.#options.transport.close();
  }

  #look(): void {
    this.#dialDue();
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      if (!this.#closing) this.#look();
    });
  }

  #dialDue(): void {
    if (this.#closing) return;
    const now = this.#options.clock.monotonic();
    for (const peer of this.#options.book.peers()) {
      const isConnected = peer.key !== undefined && this.session(peer.key) !== undefined;
      if (isConnected || peer.dialling || peer.nextDialAtMs > now) continue;
      void this.#dial(peer);
    }
  }

  async #dial(peer: ListedPeer): Promise<void> {
    const { transport, clock, book } = this.#options;
    peer.dialling = true;
    book.backOff(peer, clock.monotonic());
    try {
      const link = await transport.dial(peer.address, { timeoutMs: LIMITS.handshakeMs });
      if (this.#closing) return link.close(1000, 'closing');
      try {
        await this.#pin(peer, link);
      } catch (error) {
        link.close(1000, 'cannot keep its key');
        throw error;
      }
    } catch (error) {
      this.#dialFailed(peer, messageOf(error));
    } finally {
      peer.dialling = false;
    }
  }

  /** The key at the address must be the pinned one; where none is pinned yet, the first one seen is. */
  async #pin(peer: ListedPeer, link: Link): Promise<void> {
    const { book, host, onEvent } = this.#options;
    const seen = fingerprintOf(link.remoteKey);
    if (peer.key !== undefined && !equalBytes(peer.key, link.remoteKey)) {
      link.close(1000, 'another key');
      const expected = fingerprintOf(peer.key);
      this.#dialFailed(
        peer,
        `expected key ${expected} at this address, found ${seen}: if the peer was set up anew, establish trust again with #${seen}`,
      );
      return;
    }
    if (peer.key === undefined && !equalBytes(link.remoteKey, host.greeter.publicKey)) {
      const pinned = { key: link.remoteKey, pinnedBy: 'first_contact' } as const;
      const fact = book.factOf({ ...peer, ...pinned });
      await host.committer.remember(fact.name, fact.value);
      Object.assign(peer, pinned);
      onEvent({ kind: 'key_pinned', address: peer.address, fingerprint: seen });
    }
    this.#take(link, peer);
  }

  #dialFailed(peer: ListedPeer, reason: string): void {
    const isNews = peer.lastError !== reason;
    peer.lastError = reason;
    if (isNews) this.#options.onEvent({ kind: 'dial_failed', address: peer.address, reason });
  }

  #take(link: Link, dialled: ListedPeer | undefined): void {
    // Strangers can fill the hall, but not shut the door on those whose key we know.
    const isTrusted = this.#host.isTrusted(link.remoteKey);
    if (this.#closing || (!isTrusted && this.#greeting.size >= LIMITS.greetingLinks)) {
      link.close(4429, this.#closing ? 'closing' : 'too many greetings at once');
      return;
    }
    // A stranger may be a listed peer that we have not reached ourselves yet: go and see who answers there.
    if (dialled === undefined && !isTrusted) this.#dialUnpinned();
    const session = new SessionRunner(link, this.#host);
    this.#greeting.add(session);
    session.start();
  }

  #dialUnpinned(): void {
    const now = this.#options.clock.monotonic();
    for (const peer of this.#options.book.peers()) {
      if (peer.key === undefined)
        peer.nextDialAtMs = Math.min(peer.nextDialAtMs, now + LIMITS.backoffFirstMs);
    }
  }

  #opened(session: SessionRunner, hello: Hello): void {
    const { book, clock, onEvent } = this.#options;
    this.#greeting.delete(session);
    const key = session.link.remoteKey;
    const taken =
      hello.name === this.#options.name
        ? fingerprintOf(this.#host.greeter.publicKey)
        : book.nameTakenBy(hello.name, key);
    if (taken !== undefined) {
      const reason = `the name ${hello.name} belongs to key ${taken}: set another FEDERATION_NODE_NAME on the node with key ${session.fingerprint}`;
      session.step({ kind: 'stop', code: 'name_taken', reason });
      return;
    }
    const other = this.#open.get(session.fingerprint);
    if (other !== undefined && !this.#settle(session, other)) return;
    this.#open.set(session.fingerprint, session);
    const peer = book.byKey(key);
    if (peer === undefined) return;
    const isNews = peer.name !== hello.name || peer.establishedAtMs === undefined;
    peer.name = hello.name;
    peer.level = 'verified';
    peer.establishedAtMs ??= clock.now();
    peer.lastError = undefined;
    peer.lastSeenMs = clock.now();
    if (!book.isBound(hello.name)) this.#remember(book.bindName(hello.name, key));
    if (isNews) this.#remember(book.factOf(peer));
    onEvent({
      kind: 'peer_connected',
      peerId: nodeIdOf(hello.name),
      fingerprint: session.fingerprint,
      address: session.link.address,
      skewMs: session.state.skewMs ?? 0,
    });
  }

  /** One link per pair: the one that the lower key dialled stays, unless it has gone quiet. True if the new one stays. */
  #settle(session: SessionRunner, other: SessionRunner): boolean {
    const quietMs = this.#options.clock.monotonic() - other.state.heardAtMs;
    const keepsOther = other.lowerDialled && !session.lowerDialled && quietMs < 2 * LIMITS.heartbeatMs;
    const loser = keepsOther ? session : other;
    if (!keepsOther) this.#open.delete(other.fingerprint);
    loser.step({ kind: 'stop', code: 'replaced', reason: 'another link between the two nodes stays' });
    return !keepsOther;
  }

  #closed(session: SessionRunner, why: SessionEnd): void {
    const { book, clock, onEvent } = this.#options;
    this.#greeting.delete(session);
    const wasOpen = this.#open.get(session.fingerprint) === session;
    if (wasOpen) this.#open.delete(session.fingerprint);
    const peer = book.byKey(session.link.remoteKey);
    if (peer !== undefined) {
      if (wasOpen) {
        peer.lastSeenMs = clock.now();
        // A link that served well for a while earns a quick first try.
        if (clock.monotonic() - session.state.startedAtMs > LIMITS.backoffMostMs) peer.attempts = 0;
        if (why.code !== 'fault')
          peer.nextDialAtMs = Math.min(peer.nextDialAtMs, clock.monotonic() + LIMITS.backoffFirstMs);
      }
      if (why.code === 'pending' && peer.level === 'verified' && !wasOpen) peer.level = 'pending';
      if (why.code !== 'replaced') peer.lastError = `${why.code}: ${why.reason}`;
    }
    if (this.#closing || why.code === 'replaced') return;
    const id = peer?.name === undefined ? undefined : nodeIdOf(peer.name);
    const { code, reason, byPeer } = why;
    onEvent({
      kind: wasOpen ? 'peer_disconnected' : 'link_refused',
      peerId: id,
      fingerprint: session.fingerprint,
      address: session.link.address,
      code,
      reason,
      byPeer,
    });
    // What this session was fetching is free for the others.
    if (wasOpen) for (const other of this.#open.values()) other.plan();
  }

  #gated(session: SessionRunner, outcomes: readonly GateOutcome[]): void {
    for (const outcome of outcomes) {
      this.#options.onEvent({ kind: 'entry_gated', outcome: outcome.kind, fingerprint: session.fingerprint });
      if (outcome.kind === 'fault') {
        const { check, reason } = outcome;
        this.#options.onEvent({ kind: 'entry_refused', fingerprint: session.fingerprint, check, reason });
      } else if (outcome.kind === 'fork') {
        this.#options.onEvent({ kind: 'feed_forked', key: outcome.key, seq: outcome.seq });
      }
    }
  }

  #isClaimed(key: FeedKey, by: SessionRunner): boolean {
    for (const session of this.#open.values()) if (session !== by && session.isAsking(key)) return true;
    return false;
  }

  #remember(fact: { readonly name: string; readonly value: Uint8Array }): void {
    // Losing it costs a first contact again, and a disk that fails is reported by the store.
    this.#host.committer.remember(fact.name, fact.value).catch(() => undefined);
  }
}
