/** The protocol on one link, as a pure step function: (state, event, world) to (state, effects). PROTOCOL.md has the table. */

import { equalBytes } from './bytes.js';
import { compareRanges, openComparison, type HoldingsView } from './compare.js';
import { checkHello, writeHello, type Channel, type Greeter } from './handshake.js';
import type { FeedKey } from './feed.js';
import { digestHoldings, packFeeds, type FeedHoldings } from './holdings.js';
import { LIMITS } from './limits.js';
import {
  receiptBody,
  type ByeCode,
  type Entries,
  type Hello,
  type Holdings,
  type Message,
  type Receipt,
  type Want,
  type WantedRange,
} from './message.js';
import type { Tools } from './ports.js';

export type Scopes = readonly string[] | '*';

export interface SessionState {
  readonly phase: 'greeting' | 'open' | 'closed';
  readonly startedAtMs: number;
  /** When anything last came from the peer. */
  readonly heardAtMs: number;
  readonly pingedAtMs: number;
  readonly pings: number;
  readonly latencyMs: number | undefined;
  /** How far the peer's wall clock ran ahead of ours at its hello. */
  readonly skewMs: number | undefined;
  /** What the peer shares with us; `undefined` until it has said so. */
  readonly offered: Scopes | undefined;
  /** Bytes of entries we may send. */
  readonly creditOutBytes: number;
  /** Bytes of entries the peer may send. */
  readonly creditInBytes: number;
  /** Bytes dealt with and not yet given back as credit. */
  readonly dealtBytes: number;
  /** Ranges the peer asked for and has not got yet. */
  readonly owed: readonly WantedRange[];
  /** Whether the shell is reading entries for `owed[0]`. */
  readonly serving: boolean;
  /** Number of the last comparison begun, and of the last one answered in full. */
  readonly round: number;
  readonly answeredRound: number;
}

/** A freshly committed entry of our own, ready to be sent. */
export interface Push {
  readonly key: FeedKey;
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** What the gate made of a frame of entries. */
export interface Gated {
  readonly frameBytes: number;
  /** Holdings of every feed that the frame touched, as they are durable now. */
  readonly held: readonly FeedHoldings[];
  readonly fault: string | undefined;
}

export type SessionEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'published'; readonly feeds: readonly FeedHoldings[]; readonly pushes: readonly Push[] }
  | { readonly kind: 'gated'; readonly gated: Gated }
  | { readonly kind: 'read'; readonly entries: readonly Uint8Array[]; readonly next: number }
  | { readonly kind: 'planned'; readonly ranges: readonly WantedRange[] }
  | { readonly kind: 'compare' }
  | { readonly kind: 'rights' }
  | { readonly kind: 'stop'; readonly code: ByeCode; readonly reason: string }
  | { readonly kind: 'lost' };

export type SessionEffect =
  | { readonly kind: 'send'; readonly message: Message }
  | { readonly kind: 'close'; readonly code: ByeCode; readonly reason: string; readonly byPeer: boolean }
  /** Both sides trust each other: the shell binds the name, settles a second link, and may answer with `stop`. */
  | { readonly kind: 'opened'; readonly hello: Hello }
  /** The peer holds exactly `feeds` of the keys from `lower` to `upper`. */
  | {
      readonly kind: 'learn';
      readonly lower: string;
      readonly upper: string;
      readonly feeds: readonly FeedHoldings[];
    }
  /** The peer durably holds these, whatever else. */
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  /** Ask for what is missing, if anything: answered by `planned`. */
  | { readonly kind: 'plan' }
  | { readonly kind: 'gate'; readonly entries: readonly Uint8Array[]; readonly frameBytes: number }
  /** Read entries of a range, about so many bytes: answered by `read`. */
  | { readonly kind: 'serve'; readonly range: WantedRange; readonly bytesMost: number }
  | { readonly kind: 'pushed'; readonly key: FeedKey; readonly seq: number };

/** What a step may look at. Reading it changes nothing. */
export interface SessionWorld {
  readonly channel: Channel;
  readonly greeter: Greeter;
  readonly tools: Tools;
  readonly run: Uint8Array;
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** Whether our operator trusts the key at the other end. */
  readonly trusted: boolean;
  /** What we share with this peer. */
  readonly scopes: Scopes;
  /** Our holdings, of the scopes that both share. */
  readonly mine: (offered: Scopes) => HoldingsView;
  /** The last seq of a feed that the peer has or has been sent. */
  readonly reach: (key: FeedKey) => number;
}

export interface Stepped {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** The most that one `serve` effect may bring: up to the bound of a frame, and one more entry of the largest. */
const SERVED_BYTES_MOST = LIMITS.entriesFrameBytes + LIMITS.entryBytes;

export function newSession(monotonicMs: number): SessionState {
  return {
    phase: 'greeting',
    startedAtMs: monotonicMs,
    heardAtMs: monotonicMs,
    pingedAtMs: monotonicMs,
    pings: 0,
    latencyMs: undefined,
    skewMs: undefined,
    offered: undefined,
    creditOutBytes: LIMITS.creditBytes,
    creditInBytes: LIMITS.creditBytes,
    dealtBytes: 0,
    owed: [],
    serving: false,
    round: 0,
    answeredRound: 0,
  };
}

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
    case 'compare':
      return state.phase === 'open' ? beginRound(state, world, undefined) : { state, effects: [] };
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
  const reply = world.channel.initiator ? [] : [sayHello(world)];
  if (!hello.verify || !world.trusted) {
    const reason = world.trusted
      ? 'the peer does not trust this node yet'
      : 'this node does not trust the peer yet';
    const closed = close(state, 'pending', reason);
    return { state: closed.state, effects: [...reply, ...closed.effects] };
  }
  const open: SessionState = { ...state, phase: 'open', skewMs: hello.atMs - world.wallMs };
  const scopes: Holdings = { kind: 'holdings', scopes: world.scopes, ranges: [], round: 0 };
  // The responder names its scopes first; the initiator then begins the comparison.
  const offer = world.channel.initiator ? [] : [send(scopes)];
  return { state: open, effects: [...reply, { kind: 'opened', hello }, ...offer] };
}

function onHoldings(state: SessionState, message: Holdings, world: SessionWorld): Stepped {
  const offered = message.scopes ?? state.offered;
  if (offered === undefined) return close(state, 'fault', 'holdings before the scopes they are of');
  const known: SessionState = { ...state, offered };
  if (message.scopes !== undefined && world.channel.initiator) {
    return beginRound(known, world, state.offered === undefined ? world.scopes : undefined);
  }
  const compared = compareRanges(message.ranges, {
    mine: world.mine(offered),
    crypto: world.tools.crypto,
  });
  const effects: SessionEffect[] = compared.learned.map((learned) => ({ kind: 'learn', ...learned }));
  if (compared.answers.length > 0) {
    const { answers: ranges } = compared;
    effects.push(send({ kind: 'holdings', scopes: undefined, ranges, round: message.round }));
  }
  effects.push({ kind: 'plan' });
  // Once we wait for nothing more of it, our own round is answered.
  const answered = message.round === state.round && !compared.descends;
  return { state: answered ? { ...known, answeredRound: message.round } : known, effects };
}

function beginRound(state: SessionState, world: SessionWorld, scopes: Scopes | undefined): Stepped {
  // Before the peer has named its scopes there is nothing to compare; its offer begins the round.
  if (state.offered === undefined) return { state, effects: [] };
  // Odd numbers are the initiator's, even ones the responder's, so that an answer is never taken for the other's.
  const round = state.round === 0 ? (world.channel.initiator ? 1 : 2) : state.round + 2;
  const ranges = openComparison(world.mine(state.offered), world.tools.crypto);
  const message: Holdings = { kind: 'holdings', scopes, ranges, round };
  return { state: { ...state, round }, effects: [send(message)] };
}

function onRights(state: SessionState, world: SessionWorld): Stepped {
  if (world.channel.initiator && state.offered !== undefined) return beginRound(state, world, world.scopes);
  return {
    state,
    effects: [send({ kind: 'holdings', scopes: world.scopes, ranges: [], round: 0 })],
  };
}

function onWant(state: SessionState, message: Want): Stepped {
  const owed = [...state.owed, ...message.ranges];
  if (owed.length > LIMITS.owedRanges) return close(state, 'flow', 'asked for more ranges than may wait');
  const creditOutBytes = Math.min(state.creditOutBytes + message.creditBytes, LIMITS.creditBytes);
  return serveNext({ ...state, owed, creditOutBytes }, []);
}

/** Reads on while something is owed and there is room for the largest entry. */
function serveNext(state: SessionState, effects: readonly SessionEffect[]): Stepped {
  const [range] = state.owed;
  if (state.serving || range === undefined || state.creditOutBytes < LIMITS.entryBytes)
    return { state, effects };
  const bytesMost = Math.min(LIMITS.entriesFrameBytes, state.creditOutBytes - LIMITS.entryBytes + 1);
  return { state: { ...state, serving: true }, effects: [...effects, { kind: 'serve', range, bytesMost }] };
}

function onRead(
  state: SessionState,
  event: { readonly entries: readonly Uint8Array[]; readonly next: number },
): Stepped {
  const [range, ...rest] = state.owed;
  if (range === undefined) return { state: { ...state, serving: false }, effects: [] };
  // An empty read means that we hold nothing of it (any more): the asker's own deadline covers it.
  const done = event.entries.length === 0 || event.next > range.to;
  const owed = done ? rest : [{ ...range, from: event.next, aligned: false }, ...rest];
  const idle: SessionState = { ...state, serving: false, owed };
  if (event.entries.length === 0) return serveNext(idle, []);
  const creditOutBytes = state.creditOutBytes - entriesBytes(event.entries);
  return serveNext({ ...idle, creditOutBytes }, [send({ kind: 'entries', entries: event.entries })]);
}

function onEntries(state: SessionState, message: Entries): Stepped {
  const frameBytes = entriesBytes(message.entries);
  if (frameBytes > state.creditInBytes)
    return close(state, 'flow', 'sent more entries than there was room for');
  const creditInBytes = state.creditInBytes - frameBytes;
  return {
    state: { ...state, creditInBytes },
    effects: [{ kind: 'gate', entries: message.entries, frameBytes }],
  };
}

function onGated(state: SessionState, gated: Gated, world: SessionWorld): Stepped {
  if (gated.fault !== undefined) return close(state, 'fault', gated.fault);
  const effects: SessionEffect[] = [];
  for (const feeds of packFeeds(byKey(gated.held))) effects.push(send(writeReceipt(feeds, world)));
  effects.push({ kind: 'plan' });
  return { state: { ...state, dealtBytes: state.dealtBytes + gated.frameBytes }, effects };
}

/** Asks for ranges, and gives back credit with them or when a quarter of it has been used. */
function onPlanned(state: SessionState, ranges: readonly WantedRange[]): Stepped {
  const isDue = ranges.length > 0 || state.dealtBytes >= LIMITS.creditBytes / 4;
  if (!isDue) return { state, effects: [] };
  const creditBytes = state.dealtBytes;
  const credited = { ...state, creditInBytes: state.creditInBytes + creditBytes, dealtBytes: 0 };
  return { state: credited, effects: [send({ kind: 'want', ranges, creditBytes })] };
}

function onReceipt(state: SessionState, receipt: Receipt, world: SessionWorld): Stepped {
  const body = receiptBody(receipt);
  if (!world.tools.crypto.verify(receipt.signature, body, world.channel.remoteKey)) {
    return close(state, 'fault', 'a receipt that its sender did not sign');
  }
  return { state, effects: [{ kind: 'receipt', receipt }] };
}

function writeReceipt(feeds: readonly FeedHoldings[], world: SessionWorld): Receipt {
  const said = { feeds, run: world.run, atMs: world.wallMs };
  return { kind: 'receipt', ...said, signature: world.greeter.sign(receiptBody(said)) };
}

/** Sends our own new entries where the peer has all that came before, and tells of everything else. */
function onPublished(
  state: SessionState,
  event: { readonly feeds: readonly FeedHoldings[]; readonly pushes: readonly Push[] },
  world: SessionWorld,
): Stepped {
  if (state.offered === undefined) return { state, effects: [] };
  const sent = new Map<FeedKey, number>();
  const entries: Uint8Array[] = [];
  // What is being read for the peer already counts: it goes out whatever is pushed meanwhile.
  const reservedBytes = state.serving ? SERVED_BYTES_MOST : 0;
  let creditOutBytes = state.creditOutBytes;
  let frameBytes = 0;
  for (const push of event.pushes) {
    const reach = sent.get(push.key) ?? world.reach(push.key);
    if (reach !== push.seq - 1 || push.bytes.length > creditOutBytes - reservedBytes) continue;
    if (frameBytes + push.bytes.length > LIMITS.entriesFrameBytes && frameBytes > 0) continue;
    creditOutBytes -= push.bytes.length;
    frameBytes += push.bytes.length;
    entries.push(push.bytes);
    sent.set(push.key, push.seq);
  }
  const effects: SessionEffect[] = [];
  if (entries.length > 0) effects.push(send({ kind: 'entries', entries }));
  for (const [key, seq] of sent) effects.push({ kind: 'pushed', key, seq });
  const told = event.feeds.filter((feed) => (sent.get(feed.key) ?? 0) < (feed.ranges.at(-1)?.to ?? 0));
  if (told.length > 0) effects.push(...tellOf(told, world));
  return { state: { ...state, creditOutBytes }, effects };
}

/** Each feed as a range of one key. */
function tellOf(feeds: readonly FeedHoldings[], world: SessionWorld): readonly SessionEffect[] {
  return packFeeds(byKey(feeds)).map((run) => {
    const ranges = run.map((feed) => ({
      lower: feed.key,
      upper: `${feed.key}\0`,
      digest: digestHoldings([feed], world.tools.crypto),
      feeds: [feed],
      reply: false,
    }));
    return send({ kind: 'holdings', scopes: undefined, ranges, round: 0 });
  });
}

function byKey(feeds: readonly FeedHoldings[]): readonly FeedHoldings[] {
  return [...feeds].sort((a, b) => (a.key < b.key ? -1 : 1));
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
  if (now - state.pingedAtMs < LIMITS.heartbeatMs) return { state, effects: [] };
  const pings = state.pings + 1;
  return { state: { ...state, pings, pingedAtMs: now }, effects: [send({ kind: 'ping', nonce: pings })] };
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

function close(state: SessionState, code: ByeCode, reason: string): Stepped {
  const effects: readonly SessionEffect[] = [
    send({ kind: 'bye', code, reason }),
    { kind: 'close', code, reason, byPeer: false },
  ];
  return { state: { ...state, phase: 'closed' }, effects };
}

function send(message: Message): SessionEffect {
  return { kind: 'send', message };
}

function entriesBytes(entries: readonly Uint8Array[]): number {
  return entries.reduce((sum, entry) => sum + entry.length, 0);
}
