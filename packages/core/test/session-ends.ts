/** Two ends of a session in memory: alice dials, bob is called. Each holds what it is given, and nothing is durable. */

import type { HoldingsView } from '../dist/compare.js';
import { feedKey, type FeedKey } from '../dist/feed.js';
import type { Greeter } from '../dist/handshake.js';
import type { FeedHoldings } from '../dist/holdings.js';
import type { Message } from '../dist/message.js';
import type { KeyPair } from '../dist/ports.js';
import {
  newSession,
  type SessionEffect,
  type SessionState,
  type SessionWorld,
} from '../dist/session-state.js';
import { stepSession } from '../dist/session.js';
import { ACME, alice, bob, epoch, tools } from './forge.js';

export const LINK = new Uint8Array(64).fill(3);
export const NETWORK = new Uint8Array(32).fill(5);
export const WALL_MS = 1_760_000_000_000;

export function greeter(keyPair: KeyPair, name: string, networkKey: Uint8Array = NETWORK): Greeter {
  const sign = (bytes: Uint8Array): Uint8Array => tools.crypto.sign(bytes, keyPair.secretKey);
  return { name, publicKey: keyPair.publicKey, certificates: [], rotations: [], networkKey, sign };
}

/** A feed of alice's with so many entries. */
export function held(n: number, to: number): FeedHoldings {
  const key = feedKey(ACME, alice.publicKey, epoch(n));
  return { key, ranges: [{ from: 1, to, hash: new Uint8Array(32).fill(to) }] };
}

/** What an end looks at. */
export function worldOf(side: 'dialled' | 'called', more: Partial<SessionWorld> = {}): SessionWorld {
  const [own, other, name] = side === 'dialled' ? [alice, bob, 'alice'] : [bob, alice, 'bob'];
  return {
    channel: { initiator: side === 'dialled', handshakeHash: LINK, remoteKey: other.publicKey },
    greeter: greeter(own, name),
    tools,
    run: epoch(side === 'dialled' ? 1 : 2),
    monotonicMs: 0,
    wallMs: WALL_MS,
    trusted: true,
    revoked: false,
    scopes: '*',
    mine: () => viewOf([]),
    unconfirmed: () => [],
    reach: () => 0,
    ...more,
  };
}

export function viewOf(feeds: readonly FeedHoldings[]): HoldingsView {
  const sorted = [...feeds].sort((a, b) => (a.key < b.key ? -1 : 1));
  return {
    within: (lower, upper) => sorted.filter(({ key }) => key >= lower && (upper === '' || key < upper)),
  };
}

/** One end that runs: it keeps its state and what it was asked to do. */
export class SessionEnd {
  readonly effects: SessionEffect[] = [];
  readonly learned = new Map<FeedKey, FeedHoldings>();
  state: SessionState = newSession(0);
  world: SessionWorld;

  constructor(world: SessionWorld) {
    this.world = world;
  }

  /** Takes an event and returns what it sends. */
  step(event: Parameters<typeof stepSession>[1]): readonly Message[] {
    const stepped = stepSession(this.state, event, this.world);
    this.state = stepped.state;
    this.effects.push(...stepped.effects);
    for (const effect of stepped.effects) {
      if (effect.kind !== 'learn') continue;
      for (const feed of effect.feeds) this.learned.set(feed.key, feed);
    }
    return stepped.effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
  }
}

/** Carries messages between two ends until both are quiet; returns how many there were. */
export function talk(a: SessionEnd, b: SessionEnd, first: readonly Message[]): number {
  let count = 0;
  let waiting: readonly { readonly to: SessionEnd; readonly message: Message }[] = first.map((message) => ({
    to: b,
    message,
  }));
  while (waiting.length > 0) {
    if (++count > 1000) throw new Error('the ends talk without end');
    const [next, ...rest] = waiting;
    if (next === undefined) break;
    const back = next.to === a ? b : a;
    const answers = next.to.step({ kind: 'message', message: next.message });
    waiting = [...rest, ...answers.map((message) => ({ to: back, message }))];
  }
  return count;
}

/** Two ends that have greeted each other and compared what they hold. */
export function openPair(worlds?: { readonly dialled: SessionWorld; readonly called: SessionWorld }): {
  readonly dialled: SessionEnd;
  readonly called: SessionEnd;
} {
  const dialled = new SessionEnd(worlds?.dialled ?? worldOf('dialled'));
  const called = new SessionEnd(worlds?.called ?? worldOf('called'));
  called.step({ kind: 'start' });
  talk(dialled, called, dialled.step({ kind: 'start' }));
  return { dialled, called };
}
