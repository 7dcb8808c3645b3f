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
const TOO_MANY = 4429;

export class Peering {
  readonly #options: PeeringOptions;
  readonly #host: SessionHost;
  /** By fingerprint: sessions whose two sides trust each other. */
  readonly #open = new Map<Fingerprint, SessionRunner>();
  /** Sessions before both sides said hello, each with the peer that was dialled. */
  readonly #greeting = new Map<SessionRunner, ListedPeer | undefined>();
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
    for (const session of [...this.#open.values(), ...this.#greeting.keys()]) {
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
      if (peer.key === undefined || equalBytes(peer.key, link.remoteKey)) return this.#take(link, peer);
      link.close(1000, 'another key');
      const [expected, seen] = [fingerprintOf(peer.key), fingerprintOf(link.remoteKey)];
      this.#dialFailed(
        peer,
        `expected key ${expected} at this address, found ${seen}: if the peer was set up anew, establish trust again with #${seen}`,
      );
    } catch (error) {
      this.#dialFailed(peer, messageOf(error));
    } finally {
      peer.dialling = false;
    }
  }

  /**
   * Where the operator pinned no key, the first one seen at the address is, once its hello has proven the network key.
   * A power cut before that is durable costs a first contact again.
   */
  #pin(peer: ListedPeer | undefined, key: Uint8Array): void {
    if (peer === undefined || peer.key !== undefined) return;
    const { book, host, onEvent } = this.#options;
    peer.key = key;
    peer.pinnedBy = 'first_contact';
    const fact = book.factOf(peer);
    host.committer.remember(fact.name, fact.value).then(
      () => onEvent({ kind: 'key_pinned', address: peer.address, fingerprint: fingerprintOf(key) }),
      () => undefined,
    );
  }

  #dialFailed(peer: ListedPeer, reason: string): void {
    const isNews = peer.lastError !== reason;
    peer.lastError = reason;
    if (isNews) this.#options.onEvent({ kind: 'dial_failed', address: peer.address, reason });
  }

  #take(link: Link, dialled: ListedPeer | undefined): void {
    const refusal = this.#refusal(link, dialled);
    if (refusal !== undefined) return link.close(TOO_MANY, refusal);
    // A stranger may be a listed peer that we have not reached ourselves yet: go and see who answers there.
    if (dialled === undefined && !this.#host.isTrusted(link.remoteKey)) this.#dialUnpinned();
    const isFirstContact = dialled !== undefined && dialled.key === undefined;
    const session = new SessionRunner(
      link,
      isFirstContact ? { ...this.#host, isTrusted: () => true } : this.#host,
    );
    this.#greeting.set(session, dialled);
    session.start();
  }

  /** Strangers can fill the hall, but not shut the door on those whose key we know; nor does one key fill it alone. */
  #refusal(link: Link, dialled: ListedPeer | undefined): string | undefined {
    if (this.#closing) return 'closing';
    const key = fingerprintOf(link.remoteKey);
    const same = [...this.#greeting.keys()].filter((session) => session.fingerprint === key).length;
    if (same >= LIMITS.greetingsPerKey) return 'too many greetings of one key';
    const isKnown = dialled !== undefined || this.#host.isTrusted(link.remoteKey);
    return isKnown || this.#greeting.size < LIMITS.greetingLinks ? undefined : 'too many greetings at once';
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
    const key = session.link.remoteKey;
    this.#pin(this.#greeting.get(session), key);
    this.#greeting.delete(session);
    const misnamed = this.#misnamed(hello.name, key);
    if (misnamed !== undefined) return session.step({ kind: 'stop', code: 'name_taken', reason: misnamed });
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

  /** Why a key may not go by a name: each name has one key, and each key one name. */
  #misnamed(name: string, key: Uint8Array): string | undefined {
    const { book, host } = this.#options;
    const [fingerprint, own] = [fingerprintOf(key), fingerprintOf(host.greeter.publicKey)];
    const owner = name === this.#options.name ? own : book.nameTakenBy(name, key);
    if (owner !== undefined) {
      return `the name ${name} belongs to key ${owner}: set another FEDERATION_NODE_NAME on the node with key ${fingerprint}`;
    }
    const known = book.nameOf(key);
    if (known === undefined || known === name) return undefined;
    return `key ${fingerprint} is known here as ${known}, and now says ${name}: set FEDERATION_NODE_NAME=${known} there, or establish trust with it again here`;
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
    const dialled = this.#greeting.get(session);
    this.#greeting.delete(session);
    const wasOpen = this.#open.get(session.fingerprint) === session;
    if (wasOpen) this.#open.delete(session.fingerprint);
    // A hello that proved the network key and does not trust us yet: the peer is who we looked for.
    if (why.code === 'pending' && !why.byPeer) this.#pin(dialled, session.link.remoteKey);
    const peer = book.byKey(session.link.remoteKey) ?? dialled;
    if (peer !== undefined) {
      if (wasOpen) {
        const now = clock.monotonic();
        peer.lastSeenMs = clock.now();
        // A link that served well for a while earns a quick first try; one that ended soon waits longer each time.
        if (now - session.state.startedAtMs > LIMITS.backoffMostMs) peer.attempts = 0;
        if (peer.attempts <= 1) peer.nextDialAtMs = Math.min(peer.nextDialAtMs, now + LIMITS.backoffFirstMs);
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
