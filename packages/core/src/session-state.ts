/** What a session is, what may happen to it, and what it asks of its shell. The steps are in `session.ts`. */

import type { Acquaintance } from './acquaintance.js';
import type { Channel, Greeter } from './handshake.js';
import type { FeedKey } from './feed.js';
import type { HoldingsView } from './compare.js';
import type { FeedHoldings } from './holdings.js';
import { LIMITS } from './limits.js';
import type { ByeCode, Hello, Message, Receipt, WantedRange } from './message.js';
import type { Scopes } from './offer.js';
import type { Tools } from './ports.js';
import type { ReadingClaim } from './reading-claim.js';

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
  /** What we may do at the peer; `undefined` until it has said so. */
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
  /** When the last comparison was begun. */
  readonly roundAtMs: number;
  /** Whether the peer called for another one too soon after it. */
  readonly roundDue: boolean;
  /** Whether the peer's version takes the message `peers`. */
  readonly takesPeers: boolean;
  /** When the peer last told of others. */
  readonly toldAtMs: number;
  /** Whether the peer's version takes the message `readings`. */
  readonly takesReadings: boolean;
  /** When the peer last told of its readings. */
  readonly claimedAtMs: number;
}

/** A freshly committed entry of our own, ready to be sent. */
export interface Push {
  readonly key: FeedKey;
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** How many spans are in it. */
  readonly spans: number;
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
  /** Holdings of what the peer told us of, to be confirmed: it is not told of them otherwise. */
  | { readonly kind: 'confirm'; readonly feeds: readonly FeedHoldings[] }
  | { readonly kind: 'compare' }
  | { readonly kind: 'rights' }
  /** The peer may hear of these. */
  | { readonly kind: 'acquaint'; readonly peers: readonly Acquaintance[] }
  /** The peer may hear of these readings of ours. */
  | { readonly kind: 'claim'; readonly claims: readonly ReadingClaim[] }
  | { readonly kind: 'stop'; readonly code: ByeCode; readonly reason: string }
  | { readonly kind: 'lost' };

export type SessionEffect =
  | { readonly kind: 'send'; readonly message: Message }
  | { readonly kind: 'close'; readonly code: ByeCode; readonly reason: string; readonly byPeer: boolean }
  /** The peer's hello is of this network and signed by its key, whatever comes of it. */
  | { readonly kind: 'greeted'; readonly hello: Hello }
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
  /** The peer tells of others. */
  | { readonly kind: 'acquainted'; readonly peers: readonly Acquaintance[] }
  /** The peer tells how it reads tenants. */
  | { readonly kind: 'claimed'; readonly claims: readonly ReadingClaim[] }
  /** Ask for what is missing, if anything: answered by `planned`. */
  | { readonly kind: 'plan' }
  | { readonly kind: 'gate'; readonly entries: readonly Uint8Array[]; readonly frameBytes: number }
  /** Read entries of a range, about so many bytes: answered by `read`. */
  | { readonly kind: 'serve'; readonly range: WantedRange; readonly bytesMost: number }
  /** Entries of a feed up to `seq` were sent without being asked for. */
  | {
      readonly kind: 'pushed';
      readonly key: FeedKey;
      readonly seq: number;
      readonly entries: number;
      readonly spans: number;
    };

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
  /** Whether we trusted it once and have revoked that. */
  readonly revoked: boolean;
  /** What this peer may do here. */
  readonly scopes: Scopes;
  /** Our holdings, of the scopes that flow in both directions. */
  readonly mine: (offered: Scopes) => HoldingsView;
  /** Our holdings that the peer has not confirmed, of the scopes that flow to it alone. */
  readonly unconfirmed: (offered: Scopes) => readonly FeedHoldings[];
  /** The last seq of a feed that the peer has or has been sent. */
  readonly reach: (key: FeedKey) => number;
}

export interface Stepped {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** `latencyMs`: of the handshake, where the link has measured it; heartbeats tell it from then on. */
export function newSession(monotonicMs: number, latencyMs?: number): SessionState {
  return {
    phase: 'greeting',
    startedAtMs: monotonicMs,
    heardAtMs: monotonicMs,
    pingedAtMs: monotonicMs,
    pings: 0,
    latencyMs,
    skewMs: undefined,
    offered: undefined,
    creditOutBytes: LIMITS.creditBytes,
    creditInBytes: LIMITS.creditBytes,
    dealtBytes: 0,
    owed: [],
    serving: false,
    round: 0,
    answeredRound: 0,
    roundAtMs: Number.NEGATIVE_INFINITY,
    roundDue: false,
    takesPeers: false,
    toldAtMs: Number.NEGATIVE_INFINITY,
    takesReadings: false,
    claimedAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** Says goodbye with a code, and closes. */
export function close(state: SessionState, code: ByeCode, reason: string): Stepped {
  const effects: readonly SessionEffect[] = [
    send({ kind: 'bye', code, reason }),
    { kind: 'close', code, reason, byPeer: false },
  ];
  return { state: { ...state, phase: 'closed' }, effects };
}

export function send(message: Message): SessionEffect {
  return { kind: 'send', message };
}
