/** Connections: takes links that were dialled and calls, keeps one session per pair of nodes, and binds names to keys. */

import type { Acquaintance } from '../acquaintance.js';
import type { NodeEvent } from '../events.js';
import type { FeedKey } from '../feed.js';
import type { GateOutcome } from '../gate.js';
import { fingerprintOf, nodeIdOf, type Fingerprint } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { ByeCode, Hello } from '../message.js';
import type { Clock, Link, Transport } from '../ports.js';
import type { Committed } from './committer.js';
import { Dialler } from './dialler.js';
import { FirstContacts, type ContactHost } from './first-contact.js';
import { Herald } from './herald.js';
import { LastSeen } from './last-seen.js';
import { misnamed } from './names.js';
import { NewlyTrusted } from './newly-trusted.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { SessionEnd, SessionHost } from './session-host.js';
import { SessionRunner } from './session-runner.js';
import { describeStray, isStray, Successions, type SuccessionHost } from './succession.js';

export interface PeeringOptions {
  readonly name: string;
  readonly book: PeerBook;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly host: Omit<
    SessionHost<SessionRunner>,
    'isClaimed' | 'greeted' | 'opened' | 'closed' | 'gated' | 'acquainted'
  > &
    ContactHost &
    SuccessionHost;
  readonly onEvent: (event: NodeEvent) => void;
  /** What discovery has to do with links; without it there is none. */
  readonly scouting?: Scouting;
}

/** Links that discovery asked for, besides those to listed peers. */
export interface Scouting {
  /** Addresses at which a key has proven itself. */
  placesOf(key: Uint8Array): readonly string[];
  /** The node at the other end is of our network, and has proven its key. */
  greeted(link: Link, hello: Hello): void;
  /** A peer whom we trust tells of others. */
  acquainted(peers: readonly Acquaintance[]): void;
  closed(link: Link, end: SessionEnd & { readonly wasOpen: boolean }): void;
}

const TOO_MANY = 4429;
/** Ends of a greeting after which the next one may go better, without anybody changing a setting. */
const MAY_CHANGE: ReadonlySet<SessionEnd['code']> = new Set(['pending', 'replaced', 'going_away', 'lost']);

export class Peering {
  readonly #options: PeeringOptions;
  readonly #host: SessionHost<SessionRunner>;
  /** By fingerprint: sessions whose two sides trust each other. */
  readonly #open = new Map<Fingerprint, SessionRunner>();
  /** Sessions before both sides said hello, each with the peer that was dialled. */
  readonly #greeting = new Map<SessionRunner, ListedPeer | undefined>();
  /** Sessions whose end is explained better than by its code. */
  readonly #explained = new WeakSet<SessionRunner>();
  readonly #contacts: FirstContacts;
  readonly #successions: Successions;
  readonly #newlyTrusted: NewlyTrusted;
  readonly #herald: Herald;
  readonly lastSeen: LastSeen;
  readonly #dialler: Dialler;
  #closing = false;

  constructor(options: PeeringOptions) {
    this.#options = options;
    this.lastSeen = new LastSeen(options.clock);
    this.#herald = new Herald(options.clock, () => this.#open.values());
    this.#newlyTrusted = new NewlyTrusted(options.book, options.host.standing);
    this.#contacts = new FirstContacts({
      ...options,
      misnamed: (name, key) => this.#misnamed(name, key),
      vouched: () => this.standingChanged(),
    });
    this.#successions = new Successions({
      ...options.host,
      gated: (session, outcomes) => this.#gated(session, outcomes),
    });
    const { book, transport, clock, scouting, onEvent } = options;
    this.#dialler = new Dialler({
      book,
      transport,
      clock,
      standing: options.host.standing,
      isConnected: (key) => this.session(key) !== undefined,
      placesOf: (key) => scouting?.placesOf(key) ?? [],
      onLink: (link, peer) => this.#take(link, { dialled: peer, isOurs: true }),
      onEvent,
    });
    this.#host = {
      ...options.host,
      isClaimed: (key, by) => this.#isClaimed(key, by),
      greeted: (session, hello) => this.#greeted(session, hello),
      opened: (session, hello) => this.#opened(session, hello),
      closed: (session, why) => this.#closed(session, why),
      gated: (session, outcomes) => this.#gated(session, outcomes),
      acquainted: (_, peers) => options.scouting?.acquainted(peers),
    };
  }

  start(): void {
    this.#newlyTrusted.take();
    this.#options.transport.accept((link) => void this.#take(link, { dialled: undefined, isOurs: false }));
    this.#dialler.start();
  }

  /** Open sessions, each with another node. */
  sessions(): readonly SessionRunner[] {
    return [...this.#open.values()];
  }

  session(key: Uint8Array): SessionRunner | undefined {
    return this.#open.get(fingerprintOf(key));
  }

  publish(committed: Committed): void {
    this.#herald.publish(committed);
  }

  /** Dials what is due without waiting for the next look. */
  dialNow(peer: ListedPeer): void {
    this.#dialler.dialNow(peer);
  }

  /** Takes a link to an address that discovery found: whoever is there is trusted for nothing. False where it was refused. */
  takeScouted(link: Link): boolean {
    return this.#take(link, { dialled: undefined, isOurs: true });
  }

  /**
   * Whom we trust or what we share may have changed: sessions with those whom we no longer trust end, the others are
   * told what changed for them, and those whom we trust anew are dialled at once.
   */
  standingChanged(): void {
    for (const session of [...this.#open.values(), ...this.#greeting.keys()]) {
      const end = this.#endByStanding(session);
      if (end !== undefined) session.step({ kind: 'stop', ...end });
      else session.standingChanged();
      // It may have been listed, or rotated to, only since it said hello.
      if (end === undefined && session.isOpen) this.#met(session.link.remoteKey);
    }
    for (const peer of this.#newlyTrusted.take()) this.dialNow(peer);
  }

  /** A greeting goes on without trust: each side has to learn what the other thinks of it. */
  #endByStanding(session: SessionRunner): { readonly code: ByeCode; readonly reason: string } | undefined {
    const { standing } = this.#host;
    const key = session.link.remoteKey;
    if (standing.levelOf(key) === 'revoked')
      return { code: 'revoked', reason: 'this node has revoked its trust in the peer' };
    if (standing.trusts(key) || !session.isOpen) return undefined;
    return { code: 'pending', reason: 'this node does not trust the peer any more' };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#dialler.stop();
    this.#herald.close();
    for (const session of [...this.#open.values(), ...this.#greeting.keys()]) {
      session.step({ kind: 'stop', code: 'going_away', reason: 'the node is shutting down' });
    }
    await this.#options.transport.close();
  }

  /** The peer's hello may still be looked into. */
  async #strayed(peer: ListedPeer, session: SessionRunner): Promise<void> {
    const { remoteKey } = session.link;
    await this.#successions.settled(session);
    if (!this.#closing && isStray(peer, remoteKey))
      this.#dialler.failed(peer, describeStray(peer, remoteKey));
  }

  #misnamed(name: string, key: Uint8Array): string | undefined {
    const { book, host } = this.#options;
    return misnamed(book, { own: { name: this.#options.name, key: host.greeter.publicKey }, name, key });
  }

  #greeted(session: SessionRunner, hello: Hello): void {
    this.#successions.hear(session, hello);
    this.#options.scouting?.greeted(session.link, hello);
    const key = session.link.remoteKey;
    const dialled = this.#greeting.get(session);
    const peer = this.#options.book.byKey(key) ?? (dialled?.key === undefined ? dialled : undefined);
    if (peer === undefined) return;
    const problem = this.#successions.problemOf(peer, key) ?? this.#contacts.meet(peer, key, hello);
    if (problem === undefined) return;
    peer.isMet = true;
    this.#explained.add(session);
    this.#dialler.note(peer, problem);
  }

  #take(
    link: Link,
    { dialled, isOurs }: { readonly dialled: ListedPeer | undefined; readonly isOurs: boolean },
  ): boolean {
    const refusal = this.#refusal(link, dialled);
    if (refusal !== undefined) link.close(TOO_MANY, refusal);
    if (refusal !== undefined) return false;
    // A stranger may be a listed peer that we have not reached ourselves yet: go and see who answers there.
    if (!isOurs && !this.#host.standing.trusts(link.remoteKey)) this.#dialler.dialUnpinned();
    const session = new SessionRunner(link, this.#host);
    this.#greeting.set(session, dialled);
    session.start();
    return true;
  }

  /** Strangers can fill the hall, but not shut the door on those whose key we know; nor does one key fill it alone. */
  #refusal(link: Link, dialled: ListedPeer | undefined): string | undefined {
    if (this.#closing) return 'closing';
    const key = fingerprintOf(link.remoteKey);
    const same = [...this.#greeting.keys()].filter((session) => session.fingerprint === key).length;
    if (same >= LIMITS.greetingsPerKey) return 'too many greetings of one key';
    const isKnown =
      dialled !== undefined ||
      this.#host.standing.trusts(link.remoteKey) ||
      this.#options.book.byKey(link.remoteKey) !== undefined;
    return isKnown || this.#greeting.size < LIMITS.greetingLinks ? undefined : 'too many greetings at once';
  }

  #opened(session: SessionRunner, hello: Hello): void {
    const { book, onEvent } = this.#options;
    const key = session.link.remoteKey;
    this.#greeting.delete(session);
    const misnamed = this.#misnamed(hello.name, key);
    if (misnamed !== undefined) return session.step({ kind: 'stop', code: 'name_taken', reason: misnamed });
    const other = this.#open.get(session.fingerprint);
    if (other !== undefined && !this.#settle(session, other)) return;
    this.#open.set(session.fingerprint, session);
    if (!book.isBound(hello.name)) this.#remember(book.bindName(hello.name, key));
    this.#met(key, hello.name);
    onEvent({
      kind: 'peer_connected',
      peerId: nodeIdOf(hello.name),
      fingerprint: session.fingerprint,
      address: session.link.address,
      latencyMs: session.state.latencyMs,
      skewMs: session.state.skewMs ?? 0,
    });
  }

  #met(key: Uint8Array, name?: string): void {
    const { book, clock } = this.#options;
    const fact = book.meet(key, { name, nowMs: clock.now() });
    if (fact !== undefined) this.#remember(fact);
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
    if (wasOpen) this.lastSeen.note(session);
    this.#options.scouting?.closed(session.link, { ...why, wasOpen });
    const key = session.link.remoteKey;
    const stray = dialled !== undefined && isStray(dialled, key) ? dialled : undefined;
    if (stray !== undefined && !wasOpen) return void this.#strayed(stray, session);
    const peer = book.byKey(key) ?? (stray === undefined ? dialled : undefined);
    if (peer !== undefined) {
      if (wasOpen) {
        const now = clock.monotonic();
        peer.lastSeenMs = clock.now();
        // A link that served well for a while earns a quick first try; one that ended soon waits longer each time.
        if (now - session.state.startedAtMs > LIMITS.backoffMostMs) peer.attempts = 0;
        if (peer.attempts <= 1) peer.nextDialAtMs = Math.min(peer.nextDialAtMs, now + LIMITS.backoffFirstMs);
      }
      // It has said that it does not trust us, or no longer: by its hello, or in place of one.
      const isDisowned = why.code === 'pending' ? !wasOpen : why.code === 'revoked';
      if (isDisowned && peer.level === 'verified') peer.level = 'pending';
      const isExplained = this.#explained.has(session) && why.code === 'pending';
      if (why.code !== 'replaced' && !isExplained) this.#dialler.note(peer, `${why.code}: ${why.reason}`);
      if (!wasOpen && !MAY_CHANGE.has(why.code)) peer.failures++;
      if (!wasOpen && why.code === 'pending') peer.refusals++;
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
