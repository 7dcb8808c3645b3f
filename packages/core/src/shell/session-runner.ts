/** Drives one session: frames in, steps, effects out. Everything it decides is decided in `session.ts`. */

import type { HoldingsView } from '../compare.js';
import type { GateOutcome } from '../gate.js';
import { messageOf } from '../errors.js';
import { scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import type { Greeter } from '../handshake.js';
import { hasHoldings, holdingsOf, type FeedHoldings } from '../holdings.js';
import { fingerprintOf, type Fingerprint, type Scope } from '../identity.js';
import { LIMITS } from '../limits.js';
import {
  CLOSE_CODES,
  decodeMessage,
  encodeMessage,
  type ByeCode,
  type Hello,
  type WantedRange,
} from '../message.js';
import type { Clock, Link, Timer, Tools } from '../ports.js';
import { stepSession } from '../session.js';
import {
  newSession,
  type Push,
  type Scopes,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from '../session-state.js';
import type { Storage } from '../storage.js';
import type { Committer } from './committer.js';
import { checkEnds } from './end-check.js';
import type { HoldingsTable } from './holdings-table.js';
import { LagMeter, type Lag } from './lag.js';
import { Pacer } from './pacer.js';
import { PeerView } from './peer-view.js';
import { ScopeList } from './scope-list.js';
import { readServed } from './served.js';

/** What all sessions of a node share. */
export interface SessionHost {
  readonly tools: Tools;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly committer: Committer;
  readonly greeter: Greeter;
  isTrusted(key: Uint8Array): boolean;
  /** What we share with any verified peer. */
  scopes(): Scopes;
  isClaimed(key: FeedKey, by: SessionRunner): boolean;
  /** Both sides trust each other. */
  opened(session: SessionRunner, hello: Hello): void;
  closed(session: SessionRunner, why: SessionEnd): void;
  gated(session: SessionRunner, outcomes: readonly GateOutcome[]): void;
}

export interface SessionEnd {
  readonly code: ByeCode | 'lost';
  readonly reason: string;
  readonly byPeer: boolean;
}

const TICK_MS = 1000;
/** To look at up to this many feeds costs next to nothing. */
const FEW_FEEDS = 256;
const PLAN_GAP_MS = 100;

export class SessionRunner {
  readonly link: Link;
  readonly fingerprint: Fingerprint;
  /** Whether the side with the lower key dialled: of two links that one stays. */
  readonly lowerDialled: boolean;
  readonly figures = { entriesIn: 0, entriesOut: 0 };
  readonly #host: SessionHost;
  readonly #view: PeerView;
  readonly #ownScopes = new ScopeList();
  readonly #offeredScopes = new ScopeList();
  /** Frames of a few bytes ask for a plan each. */
  readonly #planner: Pacer;
  readonly #lag: LagMeter;
  #state: SessionState;
  #timer: Timer | undefined;
  #checking = false;
  #end: SessionEnd | undefined;
  #drained: (() => void) | undefined;

  constructor(link: Link, host: SessionHost) {
    this.link = link;
    this.#host = host;
    this.#view = new PeerView((key) => host.table.feed(key));
    this.#lag = new LagMeter({ view: this.#view, table: host.table, clock: host.clock });
    this.#planner = new Pacer({
      clock: host.clock,
      gapMs: PLAN_GAP_MS,
      isHeavy: () => this.#view.unsettled > FEW_FEEDS,
      run: () => this.#plan(),
    });
    this.fingerprint = fingerprintOf(link.remoteKey);
    const own = fingerprintOf(host.greeter.publicKey);
    this.lowerDialled = link.initiator === own < this.fingerprint;
    this.#state = newSession(host.clock.monotonic());
  }

  start(): void {
    this.link.receive({
      frame: (bytes) => this.#onFrame(bytes),
      drained: () => this.#onDrained(),
      closed: ({ code, reason }) => this.#onLost(`link closed (${code}${reason === '' ? '' : ` ${reason}`})`),
    });
    this.#tickLater();
    this.step({ kind: 'start' });
  }

  get state(): SessionState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state.phase === 'open';
  }

  /** Takes one event through the step function and carries out what it asks for. */
  step(event: SessionEvent): void {
    const { state, effects } = stepSession(this.#state, event, this.#world());
    this.#state = state;
    for (const effect of effects) this.#run(effect);
  }

  /** Tells the peer of a commit, but not of what it brought itself. */
  publish(feeds: readonly Feed[], pushes: readonly Push[]): void {
    if (!this.isOpen) return;
    for (const feed of feeds) this.#view.changed(feed.key);
    const shared = feeds
      .filter((feed) => this.isShared(scopeOfFeed(feed.key)))
      .map(holdingsOf)
      .filter((feed) => feed.stop !== undefined || !this.#view.knows(feed));
    const ours = pushes.filter((push) => this.isShared(scopeOfFeed(push.key)));
    if (shared.length > 0 || ours.length > 0) this.step({ kind: 'published', feeds: shared, pushes: ours });
    // A fork that another peer proved may lie deeper in what this one holds.
    if (feeds.some((feed) => feed.forkedAt !== undefined)) this.plan();
  }

  /** Whether a scope is shared in both directions. */
  isShared(scope: Scope): boolean {
    return (
      this.#ownScopes.has(this.#host.scopes(), scope) && this.#offeredScopes.has(this.#state.offered, scope)
    );
  }

  isAsking(key: FeedKey): boolean {
    return this.#view.isAsking(key);
  }

  /** What the peer has confirmed to hold of a feed. */
  confirmed(key: FeedKey): FeedHoldings {
    return { key, ranges: this.#view.holds(key) };
  }

  /** What we lack and what the peer has not confirmed, of the scopes in `only`. */
  lag(only: (scope: Scope) => boolean): Lag {
    return this.#lag.lag((scope) => only(scope) && this.isShared(scope));
  }

  get isInSync(): boolean {
    return this.#state.offered !== undefined && this.#lag.isInSync((scope) => this.isShared(scope));
  }

  /** Asks for what is missing, now that another session may have let go of it. */
  plan(): void {
    this.#planner.request();
  }

  #plan(): void {
    if (!this.isOpen || this.#state.offered === undefined) return;
    const ranges = this.#view.plan({
      nowMs: this.#host.clock.monotonic(),
      isShared: (scope) => this.isShared(scope),
      isClaimed: (key) => this.#host.isClaimed(key, this),
    });
    this.step({ kind: 'planned', ranges });
  }

  #world(): Parameters<typeof stepSession>[2] {
    const { tools, clock, storage, greeter } = this.#host;
    const { initiator, handshakeHash, remoteKey } = this.link;
    return {
      channel: { initiator, handshakeHash, remoteKey },
      greeter,
      tools,
      run: storage.run,
      monotonicMs: clock.monotonic(),
      wallMs: clock.now(),
      trusted: this.#host.isTrusted(remoteKey),
      scopes: this.#host.scopes(),
      mine: (offered) => this.#sharedHoldings(offered),
      reach: (key) => this.#view.reach(key),
    };
  }

  #sharedHoldings(offered: Scopes): HoldingsView {
    const own = this.#host.scopes();
    return this.#host.table.view(
      (scope) => this.#ownScopes.has(own, scope) && this.#offeredScopes.has(offered, scope),
    );
  }

  #run(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'send':
        if (effect.message.kind === 'entries') this.figures.entriesOut += effect.message.entries.length;
        return this.link.send(encodeMessage(effect.message, this.#host.tools.compression));
      case 'close':
        return this.#finish({ code: effect.code, reason: effect.reason, byPeer: effect.byPeer });
      case 'opened':
        return this.#host.opened(this, effect.hello);
      case 'learn':
        return this.#view.learn(effect.lower, effect.upper, effect.feeds);
      case 'receipt':
        return this.#learnAll(effect.receipt.feeds);
      case 'plan':
        return this.plan();
      case 'gate':
        void this.#gate(effect.entries, effect.frameBytes);
        return undefined;
      case 'serve':
        void this.#serve(effect.range, effect.bytesMost);
        return undefined;
      case 'pushed':
        return this.#view.pushed(effect.key, effect.seq);
      default:
        return effect satisfies never;
    }
  }

  #learnAll(feeds: readonly FeedHoldings[]): void {
    for (const feed of feeds) this.#view.learn(feed.key, `${feed.key}\0`, [feed]);
  }

  #onFrame(bytes: Uint8Array): void {
    const message = decodeMessage(bytes, this.#host.tools.compression);
    this.step(message === undefined ? { kind: 'garbage' } : { kind: 'message', message });
  }

  async #gate(entries: readonly Uint8Array[], frameBytes: number): Promise<void> {
    this.figures.entriesIn += entries.length;
    try {
      const mayReceive = (scope: Scope): boolean => this.isOpen && this.isShared(scope);
      const { outcomes } = await this.#host.committer.gate(entries, mayReceive);
      this.#host.gated(this, outcomes);
      const held = this.#learnOutcomes(outcomes);
      const fault = outcomes.find((outcome) => outcome.kind === 'fault');
      const reason = fault === undefined ? undefined : `entry refused (${fault.check}): ${fault.reason}`;
      this.step({ kind: 'gated', gated: { frameBytes, held, fault: reason } });
    } catch (error) {
      this.step({ kind: 'stop', code: 'going_away', reason: `cannot take entries: ${messageOf(error)}` });
    }
  }

  /** What the frame says of the peer's holdings, and our own holdings of every feed that it brought forward or repeated. */
  #learnOutcomes(outcomes: readonly GateOutcome[]): readonly FeedHoldings[] {
    const touched = new Map<FeedKey, number>();
    const learn = (key: FeedKey, seq: number, hash: Uint8Array): void => {
      touched.set(key, Math.max(touched.get(key) ?? 0, seq));
      this.#view.learnEntry(key, seq, hash);
    };
    for (const outcome of outcomes) {
      if (outcome.kind === 'accepted') learn(outcome.entry.key, outcome.entry.header.seq, outcome.entry.hash);
      else if (outcome.kind === 'held') learn(outcome.key, outcome.seq, outcome.hash);
      else if (outcome.kind === 'gap') this.#view.learnEntry(outcome.key, outcome.seq, outcome.hash);
      else if (outcome.kind === 'fork') this.#view.changed(outcome.key);
    }
    for (const [key, seq] of touched) this.#view.agree(key, seq);
    return [...touched.keys()].map((key) => holdingsOf(this.#host.table.feed(key))).filter(hasHoldings);
  }

  async #serve(range: WantedRange, bytesMost: number): Promise<void> {
    try {
      await this.#room();
      const isReadable = this.isShared(scopeOfFeed(range.key));
      const read = isReadable
        ? await readServed(
            this.#host.storage,
            { ...range, feed: this.#host.table.feed(range.key) },
            bytesMost,
          )
        : { entries: [], next: range.from };
      this.step({ kind: 'read', ...read });
    } catch (error) {
      this.step({ kind: 'stop', code: 'going_away', reason: `cannot read the log: ${messageOf(error)}` });
    }
  }

  /** Waits until the link has sent most of what it was given. */
  async #room(): Promise<void> {
    if (this.link.bufferedBytes < LIMITS.linkBufferBytes) return;
    await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  #onDrained(): void {
    this.#drained?.();
    this.#drained = undefined;
  }

  async #checkEnds(): Promise<void> {
    if (!this.isOpen || this.#checking) return;
    this.#checking = true;
    const { storage, tools } = this.#host;
    const isShared = (scope: Scope): boolean => this.isShared(scope);
    try {
      if (await checkEnds(this.#view, { isShared, storage, crypto: tools.crypto })) this.plan();
      this.#checking = false;
    } catch (error) {
      this.step({ kind: 'stop', code: 'going_away', reason: `cannot read the log: ${messageOf(error)}` });
    }
  }

  #tickLater(): void {
    this.#timer = this.#host.clock.after(TICK_MS, () => {
      if (this.#state.phase === 'closed') return;
      this.step({ kind: 'tick' });
      if (this.#view.hasRoomAgain) {
        this.#view.hearAgain();
        this.step({ kind: 'compare' });
      }
      this.plan();
      void this.#checkEnds();
      this.#tickLater();
    });
  }

  #onLost(reason: string): void {
    this.step({ kind: 'lost' });
    this.#finish({ code: 'lost', reason, byPeer: true });
  }

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#timer?.cancel();
    this.#planner.cancel();
    this.#onDrained();
    this.link.close(end.code === 'lost' ? 1000 : CLOSE_CODES[end.code], end.code);
    this.#host.closed(this, end);
  }
}
