/** What all sessions of a node share, and what they tell it. */

import type { Acquaintance } from '../acquaintance.js';
import type { FeedKey } from '../feed.js';
import type { NodeFigures } from '../figures.js';
import type { GateOutcome } from '../gate.js';
import type { Greeter } from '../handshake.js';
import type { ByeCode, Hello } from '../message.js';
import type { Clock, Link, Tools } from '../ports.js';
import type { ReadingClaim } from '../reading-claim.js';
import type { SessionState } from '../session-state.js';
import type { Storage } from '../storage.js';
import type { Committer } from './committer.js';
import type { HoldingsTable } from './holdings-table.js';
import type { Standing } from './standing.js';

export interface SessionEnd {
  readonly code: ByeCode | 'lost';
  readonly reason: string;
  readonly byPeer: boolean;
}

/** A session as its host knows it when it is told something of it. */
export interface HostedSession {
  readonly link: Link;
  readonly state: SessionState;
}

/** `S` is the session that tells. */
export interface SessionHost<S extends HostedSession> {
  readonly tools: Tools;
  readonly clock: Clock;
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly committer: Committer;
  readonly greeter: Greeter;
  readonly standing: Standing;
  readonly figures: NodeFigures;
  isClaimed(key: FeedKey, by: S): boolean;
  /** The peer is of this network and has proven its key; whether anyone trusts anyone is not said by that. */
  greeted(session: S, hello: Hello): void;
  /** Both sides trust each other. */
  opened(session: S, hello: Hello): void;
  closed(session: S, why: SessionEnd): void;
  /** The peer tells of others. */
  acquainted(session: S, peers: readonly Acquaintance[]): void;
  /** The peer tells how it reads tenants. */
  claimed(session: S, claims: readonly ReadingClaim[]): void;
  gated(session: S, outcomes: readonly GateOutcome[]): void;
}
