/** The protocol on one link, as a pure step function: (state, event, world) to (state, effects). PROTOCOL.md has the table. */

import { understandsPeers, type Acquaintance } from './acquaintance.js';
import { equalBytes } from './bytes.js';
import { compareRanges, openComparison } from './compare.js';
import { checkHello, writeHello } from './handshake.js';
import { LIMITS } from './limits.js';
import { understandsReadings, type ReadingClaim } from './reading-claim.js';
import { readRotations } from './rotation.js';
import type { Hello, Holdings, Message } from './message.js';
import {
  onConfirm,
  onEntries,
  onGated,
  onPlanned,
  onPublished,
  onRead,
  onReceipt,
  onWant,
  tellOf,
} from './session-flow.js';
import {
  close,
  send,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  type SessionWorld,
  type Stepped,
} from './session-state.js';

export function stepSession(state: SessionState, event: SessionEvent, world: SessionWorld): Stepped {
  if (state.phase === 'closed') return { state, effects: [] };
  switch (event.kind) {
    case 'start':
      return world.channel.initiator ? { state, effects: [sayHello(world)] } : { state, effects: [] };
    case 'message':
      return onMessage({ ...state, heardAtMs: world.monotonicMs }, event.message, world);
    case 'garbage':
      return close(state, 'fault', 'a frame that is no message of this protocol');
    case 'tick':
      return onTick(state, world);
    case 'published':
      return state.phase === 'open' ? onPublished(state, event, world) : { state, effects: [] };
    case 'gated':
      return state.phase === 'open' ? onGated(state, event.gated, world) : { state, effects: [] };
    case 'read':
      return state.phase === 'open' ? onRead(state, event) : { state, effects: [] };
    case 'planned':
      return state.phase === 'open' ? onPlanned(state, event.ranges) : { state, effects: [] };
    case 'confirm':
      return state.phase === 'open' ? onConfirm(state, event.feeds, world) : { state, effects: [] };
    case 'compare':
      return state.phase === 'open' ? beginRound(state, world) : { state, effects: [] };
    case 'acquaint':
      return onAcquaint(state, event.peers);
    case 'claim':
      return onClaim(state, event.claims);
    case 'rights':
      return state.phase === 'open' ? onRights(state, world) : { state, effects: [] };
    case 'stop':
      return close(state, event.code, event.reason);
    case 'lost':
      return { state: { ...state, phase: 'closed' }, effects: [] };
    default:
      return event satisfies never;
  }
}

/** Whether the comparison of `round` has been answered; the shell adds whether anything is still missing. */
export function isAnswered(state: SessionState, round: number): boolean {
  return state.phase === 'open' && state.answeredRound >= round;
}

function onMessage(state: SessionState, message: Message, world: SessionWorld): Stepped {
  if (message.kind === 'bye') {
    const effect = { kind: 'close', code: message.code, reason: message.reason, byPeer: true } as const;
    return { state: { ...state, phase: 'closed' }, effects: [effect] };
  }
  if (state.phase === 'greeting') {
    return message.kind === 'hello'
      ? onHello(state, message, world)
      : close(state, 'fault', `${message.kind} before hello`);
  }
  switch (message.kind) {
    case 'hello':
      return close(state, 'fault', 'a second hello');
    case 'holdings':
      return onHoldings(state, message, world);
    case 'want':
      return onWant(state, message);
    case 'entries':
      return onEntries(state, message);
    case 'receipt':
      return onReceipt(state, message, world);
    case 'peers':
      return onPeers(state, message.peers, world);
    case 'readings':
      return onReadings(state, message.claims, world);
    case 'ping':
      return { state, effects: [send({ kind: 'pong', nonce: message.nonce })] };
    case 'pong':
      return message.nonce === state.pings
        ? { state: { ...state, latencyMs: world.monotonicMs - state.pingedAtMs }, effects: [] }
        : { state, effects: [] };
    default:
      return message satisfies never;
  }
}

/** A peer of an earlier version would take it for a fault. */
function onAcquaint(state: SessionState, peers: readonly Acquaintance[]): Stepped {
  const isTold = state.phase === 'open' && state.takesPeers;
  return { state, effects: isTold ? [send({ kind: 'peers', peers })] : [] };
}

/** What comes too soon after the last is passed over: it is hearsay, and there will be more. */
function onPeers(state: SessionState, peers: readonly Acquaintance[], world: SessionWorld): Stepped {
  if (world.monotonicMs - state.toldAtMs < LIMITS.acquaintGapMs) return { state, effects: [] };
  const told = { ...state, toldAtMs: world.monotonicMs };
  return { state: told, effects: [{ kind: 'acquainted', peers }] };
}

/** A peer of an earlier version would take it for a fault. */
function onClaim(state: SessionState, claims: readonly ReadingClaim[]): Stepped {
  const isTold = state.phase === 'open' && state.takesReadings;
  return { state, effects: isTold ? [send({ kind: 'readings', claims })] : [] };
}

/** What comes too soon after the last is passed over: the peer says it again. */
function onReadings(state: SessionState, claims: readonly ReadingClaim[], world: SessionWorld): Stepped {
  if (world.monotonicMs - state.claimedAtMs < LIMITS.readingsGapMs) return { state, effects: [] };
  const heard = { ...state, claimedAtMs: world.monotonicMs };
  return { state: heard, effects: [{ kind: 'claimed', claims }] };
}

function onHello(state: SessionState, hello: Hello, world: SessionWorld): Stepped {
  if (equalBytes(world.channel.remoteKey, world.greeter.publicKey)) {
    return close(
      state,
      'self',
      'this address leads back to the node itself, or another node runs with a copy of its key',
    );
  }
  const greeted = checkHello(hello, world.channel, world.greeter, world.tools);
  // The responder has said nothing so far, and to a stranger of another network it says nothing but goodbye.
  if (!greeted.ok) return close(state, greeted.code, greeted.reason);
  if (readRotations(hello.rotations, world.channel.remoteKey, world.tools) === undefined)
    return close(state, 'fault', 'rotations in hello that do not lead to the key of this link');
  if (world.revoked) return close(state, 'revoked', 'this node has revoked its trust in the peer');
  const reply: SessionEffect[] = world.channel.initiator ? [] : [sayHello(world)];
  reply.push({ kind: 'greeted', hello });
  if (!hello.verify || !world.trusted) {
    const reason = world.trusted
      ? 'the peer does not trust this node yet'
      : 'this node does not trust the peer yet';
    const closed = close(state, 'pending', reason);
    return { state: closed.state, effects: [...reply, ...closed.effects] };
  }
  const open: SessionState = {
    ...state,
    phase: 'open',
    skewMs: hello.atMs - world.wallMs,
    takesPeers: understandsPeers(hello.version),
    takesReadings: understandsReadings(hello.version),
  };
  // The responder names its scopes first; the initiator then begins the comparison.
  const offer = world.channel.initiator ? [] : [offerScopes(world)];
  return { state: open, effects: [...reply, { kind: 'opened', hello }, ...offer] };
}

function onHoldings(state: SessionState, message: Holdings, world: SessionWorld): Stepped {
  const offered = message.scopes ?? state.offered;
  if (offered === undefined) return close(state, 'fault', 'holdings before the scopes they are of');
  const known: SessionState = { ...state, offered };
  if (message.scopes !== undefined && world.channel.initiator) {
    const isFirst = state.offered === undefined;
    const told = tellOneWay(known, world);
    return after(isFirst ? [offerScopes(world), ...told] : told, roundInTime(known, world));
  }
  const compared = compareRanges(message.ranges, {
    mine: world.mine(offered),
    crypto: world.tools.crypto,
  });
  const effects: SessionEffect[] = compared.learned.map((learned) => ({ kind: 'learn', ...learned }));
  if (message.scopes !== undefined) effects.push(...tellOneWay(known, world));
  if (compared.answers.length > 0) {
    const { answers: ranges } = compared;
    effects.push(send({ kind: 'holdings', scopes: undefined, ranges, round: message.round }));
  }
  effects.push({ kind: 'plan' });
  // Once we wait for nothing more of it, our own round is answered.
  const answered = message.round === state.round && !compared.descends;
  return { state: answered ? { ...known, answeredRound: message.round } : known, effects };
}

/** An offer is a few bytes, and a comparison a look at everything shared: the next one waits for its time. */
function roundInTime(state: SessionState, world: SessionWorld): Stepped {
  return isRoundAllowed(state, world)
    ? beginRound(state, world)
    : { state: { ...state, roundDue: true }, effects: [] };
}

function isRoundAllowed(state: SessionState, world: SessionWorld): boolean {
  return world.monotonicMs - state.roundAtMs >= LIMITS.offerGapMs;
}

function beginRound(state: SessionState, world: SessionWorld): Stepped {
  // Before the peer has named its scopes there is nothing to compare; its offer begins the round.
  if (state.offered === undefined) return { state, effects: [] };
  // Odd numbers are the initiator's, even ones the responder's, so that an answer is never taken for the other's.
  const round = state.round === 0 ? (world.channel.initiator ? 1 : 2) : state.round + 2;
  const ranges = openComparison(world.mine(state.offered), world.tools.crypto);
  const begun = { ...state, round, roundAtMs: world.monotonicMs, roundDue: false };
  return { state: begun, effects: [send({ kind: 'holdings', scopes: undefined, ranges, round })] };
}

/** Offers anew what the peer may do here. Whoever dialled compares after an offer, whichever side made it. */
function onRights(state: SessionState, world: SessionWorld): Stepped {
  const effects = [offerScopes(world), ...tellOneWay(state, world)];
  const begins = world.channel.initiator && state.offered !== undefined;
  return after(effects, begins ? roundInTime(state, world) : { state, effects: [] });
}

function offerScopes(world: SessionWorld): SessionEffect {
  return send({ kind: 'holdings', scopes: world.scopes, ranges: [], round: 0 });
}

/** What flows to the peer alone cannot be compared, since it does not say what it holds: it is told, and confirmed. */
function tellOneWay(state: SessionState, world: SessionWorld): readonly SessionEffect[] {
  return state.offered === undefined ? [] : tellOf(world.unconfirmed(state.offered), world);
}

function after(effects: readonly SessionEffect[], stepped: Stepped): Stepped {
  return { state: stepped.state, effects: [...effects, ...stepped.effects] };
}

function onTick(state: SessionState, world: SessionWorld): Stepped {
  const now = world.monotonicMs;
  if (state.phase === 'greeting') {
    return now - state.startedAtMs >= LIMITS.handshakeMs
      ? close(state, 'silent', 'no hello in time')
      : { state, effects: [] };
  }
  if (now - state.heardAtMs >= LIMITS.silenceMs)
    return close(state, 'silent', 'nothing heard, not even an answer to a ping');
  const begun =
    state.roundDue && isRoundAllowed(state, world) ? beginRound(state, world) : { state, effects: [] };
  if (now - state.pingedAtMs < LIMITS.heartbeatMs) return begun;
  const pings = state.pings + 1;
  return {
    state: { ...begun.state, pings, pingedAtMs: now },
    effects: [...begun.effects, send({ kind: 'ping', nonce: pings })],
  };
}

function sayHello(world: SessionWorld): SessionEffect {
  return send(
    writeHello(world.greeter, world.channel, {
      verify: world.trusted,
      atMs: world.wallMs,
      tools: world.tools,
    }),
  );
}
