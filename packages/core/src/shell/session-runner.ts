/** Drives one session: frames in, steps, effects out. Everything it decides is decided in `session.ts`. */

import type { HoldingsView } from '../compare.js';
import type { GateOutcome } from '../gate.js';
import { messageOf } from '../errors.js';
import { scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import { hasHoldings, holdingsOf, type FeedHoldings } from '../holdings.js';
import { fingerprintOf, type Fingerprint, type Scope } from '../identity.js';
import { CLOSE_CODES, type WantedRange } from '../message.js';
import { boundScopes, isSameOffer, type Scopes } from '../offer.js';
import type { Link, Timer } from '../ports.js';
import { stepSession } from '../session.js';
import {
  newSession,
  type Push,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from '../session-state.js';
import { CompareMeter } from './compare-meter.js';
import { countSent, MeteredCodec } from './counting.js';
import { checkEnds } from './end-check.js';
import type { Flow } from './flows.js';
import { learnOutcomes } from './learned.js';
import type { Lag } from './lag.js';
import { Pacer } from './pacer.js';
import { PeerSight } from './peer-sight.js';
import type { PeerView } from './peer-view.js';
import { readServed } from './served.js';
import { Room } from './room.js';
import type { SessionEnd, SessionHost } from './session-host.js';

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
  /** Goes on saying what the peer holds when the session has ended. */
  readonly sight: PeerSight;
  readonly #host: SessionHost<SessionRunner>;
  readonly #view: PeerView;
  readonly #meter: CompareMeter;
  readonly #room: Room;
  readonly #codec: MeteredCodec;
  /** Frames of a few bytes ask for a plan each. */
  readonly #planner: Pacer;
  #state: SessionState;
  /** What the peer has been told that it may do here. */
  #offer: Scopes = [];
  #timer: Timer | undefined;
  #checking = false;
  #end: SessionEnd | undefined;

  constructor(link: Link, host: SessionHost<SessionRunner>) {
    this.link = link;
    this.#host = host;
    const { table, standing, clock } = host;
    this.sight = new PeerSight({ key: link.remoteKey, table, standing, clock });
    this.#view = this.sight.view;
    this.#meter = new CompareMeter({ clock: host.clock, pause: (paused) => link.pause(paused) });
    this.#room = new Room(link);
    this.#codec = new MeteredCodec(host.tools.compression, host.figures);
    this.#planner = new Pacer({
      clock: host.clock,
      gapMs: PLAN_GAP_MS,
      isHeavy: () => this.#view.unsettled > FEW_FEEDS,
      run: () => this.#plan(),
    });
    this.fingerprint = fingerprintOf(link.remoteKey);
    const own = fingerprintOf(host.greeter.publicKey);
    this.lowerDialled = link.initiator === own < this.fingerprint;
    this.#state = newSession(host.clock.monotonic(), link.roundTripMs);
  }

  start(): void {
    this.link.receive({
      frame: (bytes) => this.#onFrame(bytes),
      drained: () => this.#room.drained(),
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
    this.sight.offered = state.offered;
    for (const effect of effects) this.#run(effect);
  }

  /** Tells the peer of a commit, but not of what it brought itself. */
  publish(feeds: readonly Feed[], pushes: readonly Push[]): void {
    if (!this.isOpen) return;
    for (const feed of feeds) this.#view.changed(feed.key);
    const shared = feeds
      .filter((feed) => this.flow(scopeOfFeed(feed.key)).out)
      .map(holdingsOf)
      // Of what was cut the peer may believe more than is left.
      .filter((feed) => feed.stop !== undefined || !this.#view.knows(feed));
    const ours = pushes.filter((push) => this.flow(scopeOfFeed(push.key)).out);
    if (shared.length > 0 || ours.length > 0) this.step({ kind: 'published', feeds: shared, pushes: ours });
    // A fork that another peer proved may lie deeper in what this one holds.
    if (feeds.some((feed) => feed.forkedAt !== undefined)) this.plan();
  }

  /** In which directions a scope is shared. */
  flow(scope: Scope): Flow {
    return this.sight.flow(scope);
  }

  /** What both sides let each other do may have changed: the peer is told, and everything is looked at again. */
  standingChanged(): void {
    if (!this.isOpen) return;
    const offer = this.#newOffer();
    const isNews = !isSameOffer(this.#offer, offer);
    if (isNews) this.#offer = offer;
    if (this.sight.flows.hasChanged() || isNews) this.step({ kind: 'rights' });
    this.plan();
  }

  isAsking(key: FeedKey): boolean {
    return this.#view.isAsking(key);
  }

  /** What we lack and what the peer has not confirmed, of the scopes in `only`. */
  lag(only: (scope: Scope) => boolean): Lag {
    return this.sight.lag(only);
  }

  get isInSync(): boolean {
    return this.sight.isInSync;
  }

  /** Asks for what is missing, now that another session may have let go of it. */
  plan(): void {
    this.#planner.request();
  }

  #plan(): void {
    if (!this.isOpen || this.#state.offered === undefined) return;
    const ranges = this.#view.plan({
      nowMs: this.#host.clock.monotonic(),
      isShared: (scope) => this.flow(scope).in,
      isClaimed: (key) => this.#host.isClaimed(key, this),
    });
    this.step({ kind: 'planned', ranges });
  }

  #world(): Parameters<typeof stepSession>[2] {
    const { tools, clock, storage, greeter, standing } = this.#host;
    const { initiator, handshakeHash, remoteKey } = this.link;
    if (this.#state.phase === 'greeting') this.#offer = this.#newOffer();
    return {
      channel: { initiator, handshakeHash, remoteKey },
      greeter,
      tools,
      run: storage.run,
      monotonicMs: clock.monotonic(),
      wallMs: clock.now(),
      trusted: standing.trusts(remoteKey),
      revoked: standing.levelOf(remoteKey) === 'revoked',
      scopes: this.#offer,
      mine: (offered) => this.#holdings(offered, (flow) => flow.out && flow.in),
      unconfirmed: (offered) =>
        this.#holdings(offered, (flow) => flow.out && !flow.in)
          .within('', '')
          .filter((feed) => !this.#view.knows(feed)),
      reach: (key) => this.#view.reach(key),
    };
  }

  #newOffer(): Scopes {
    return boundScopes(this.#host.standing.offerTo(this.link.remoteKey, this.#state.offered));
  }

  /** Our holdings of the scopes that flow as wanted; looking through them counts against the peer. */
  #holdings(offered: Scopes, isWanted: (flow: Flow) => boolean): HoldingsView {
    const { table } = this.#host;
    return this.#meter.counted(table.view((scope) => isWanted(this.sight.flows.of(scope, offered))));
  }

  #isOneWayIn(key: FeedKey): boolean {
    const flow = this.flow(scopeOfFeed(key));
    return flow.in && !flow.out;
  }

  /** What came from a peer that may not read here is confirmed as far as it has told us of it, and no further. */
  #confirm(keys: readonly FeedKey[]): void {
    const feeds = keys
      .filter((key) => this.#isOneWayIn(key))
      .map((key) => this.#view.common(key))
      .filter(hasHoldings);
    if (feeds.length > 0) this.step({ kind: 'confirm', feeds });
  }

  #run(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'send':
        if (effect.message.kind === 'entries') this.figures.entriesOut += effect.message.entries.length;
        return this.link.send(this.#codec.encode(effect.message));
      case 'close':
        return this.#finish({ code: effect.code, reason: effect.reason, byPeer: effect.byPeer });
      case 'greeted':
        return this.#host.greeted(this, effect.hello);
      case 'opened':
        return this.#host.opened(this, effect.hello);
      case 'learn':
        return this.#learn(effect.lower, effect.upper, effect.feeds);
      case 'receipt':
        for (const feed of effect.receipt.feeds) this.#view.learn(feed.key, `${feed.key}\0`, [feed]);
        return;
      case 'acquainted':
        return this.#host.acquainted(this, effect.peers);
      case 'claimed':
        return this.#host.claimed(this, effect.claims);
      case 'plan':
        return this.plan();
      case 'gate':
        return void this.#gate(effect.entries, effect.frameBytes);
      case 'serve':
        return void this.#serve(effect.range, effect.bytesMost);
      case 'pushed':
        countSent(this.#host.figures, scopeOfFeed(effect.key), effect);
        return this.#view.pushed(effect.key, effect.seq);
      default:
        return effect satisfies never;
    }
  }

  /** What is compared is what flows in both directions; of everything else the peer speaks feed by feed. */
  #learn(lower: string, upper: string, feeds: readonly FeedHoldings[]): void {
    const isOneFeed = upper === `${lower}\0`;
    this.#view.learn(lower, upper, feeds, (scope) => {
      const flow = this.flow(scope);
      return isOneFeed || (flow.in && flow.out);
    });
    this.#confirm(feeds.map((feed) => feed.key));
  }

  #onFrame(bytes: Uint8Array): void {
    const message = this.#codec.decode(bytes);
    const { offered } = this.#state;
    this.step(message === undefined ? { kind: 'garbage' } : { kind: 'message', message });
    // What the peer has named it may be offered too.
    if (this.#state.offered !== offered) this.standingChanged();
    if (this.isOpen) this.#meter.settle();
  }

  async #gate(entries: readonly Uint8Array[], frameBytes: number): Promise<void> {
    this.figures.entriesIn += entries.length;
    try {
      const mayReceive = (scope: Scope): boolean => this.isOpen && this.flow(scope).in;
      const { outcomes } = await this.#host.committer.gate(entries, mayReceive);
      this.#host.gated(this, outcomes);
      const held = this.#heldAfter(outcomes);
      const fault = outcomes.find((outcome) => outcome.kind === 'fault');
      const reason = fault === undefined ? undefined : `entry refused (${fault.check}): ${fault.reason}`;
      this.step({ kind: 'gated', gated: { frameBytes, held, fault: reason } });
    } catch (error) {
      this.step({ kind: 'stop', code: 'going_away', reason: `cannot take entries: ${messageOf(error)}` });
    }
  }

  /** Our own holdings of every feed that a frame brought forward or repeated, as far as the peer may hear of them. */
  #heldAfter(outcomes: readonly GateOutcome[]): readonly FeedHoldings[] {
    return [...learnOutcomes(outcomes, this.#view)]
      .filter((key) => this.flow(scopeOfFeed(key)).in)
      .map((key) => (this.#isOneWayIn(key) ? this.#view.common(key) : holdingsOf(this.#host.table.feed(key))))
      .filter(hasHoldings);
  }

  async #serve(range: WantedRange, bytesMost: number): Promise<void> {
    try {
      await this.#room.wait();
      const isReadable = (): boolean => this.flow(scopeOfFeed(range.key)).out;
      const nothing = { entries: [], next: range.from, spans: 0 };
      const wanted = { ...range, feed: this.#host.table.feed(range.key) };
      const read = isReadable() ? await readServed(this.#host.storage, wanted, bytesMost) : nothing;
      // The right may have ended while the log was read.
      const { entries, next, spans } = isReadable() ? read : nothing;
      if (this.isOpen)
        countSent(this.#host.figures, scopeOfFeed(range.key), { entries: entries.length, spans });
      this.step({ kind: 'read', entries, next });
    } catch (error) {
      this.step({ kind: 'stop', code: 'going_away', reason: `cannot read the log: ${messageOf(error)}` });
    }
  }

  async #checkEnds(): Promise<void> {
    if (!this.isOpen || this.#checking) return;
    this.#checking = true;
    const { storage, tools } = this.#host;
    const isShared = (scope: Scope): boolean => this.flow(scope).in;
    try {
      if (await checkEnds(this.#view, { isShared, storage, crypto: tools.crypto })) this.plan();
      this.#confirm(this.#view.takeAgreed());
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
    this.#meter.cancel();
    this.#room.drained();
    this.link.close(end.code === 'lost' ? 1000 : CLOSE_CODES[end.code], end.code);
    this.#host.closed(this, end);
  }
}
