/** What discovery has found: a bounded table of addresses, none of which is believed, and when to dial which. */

import { LIMITS } from './limits.js';
import type { Kinship } from './network-hint.js';

/** How an address came to be known without an operator. */
export const FINDING_METHODS = ['broadcast', 'dns', 'exchange'] as const;
export type FindingMethod = (typeof FINDING_METHODS)[number];

/** One address, as an announcement, a name server or a peer tells it. */
export interface Found {
  readonly method: FindingMethod;
  /** In canonical form: see `parseAddress`. */
  readonly address: string;
  /** The name of the node there, by its own word. */
  readonly name: string | undefined;
  /** See `networkHint`; only what may be of our network finds its way into the table. */
  readonly hint: string | undefined;
  /** How long it counts. 0 takes it back. */
  readonly ttlMs: number;
}

/** An address in the table. Mutable: it belongs to the table alone. */
export interface Candidate {
  readonly address: string;
  /** The method that found it first; `undefined` where it is known from before a restart. */
  readonly foundBy: FindingMethod | undefined;
  /** Which method found it, with the monotonic time until which that counts. */
  readonly found: Map<FindingMethod, number>;
  /** Claimed, until a key has proven itself there. */
  name: string | undefined;
  kinship: Exclude<Kinship, 'other'>;
  /** The key that last proved itself there, under our network key; with the wall time of that. */
  key: Uint8Array | undefined;
  provenAtMs: number | undefined;
  lastError: string | undefined;
  lastErrorAtMs: number | undefined;
  dialling: boolean;
}

/** Both clocks: findings count by the monotonic one, what outlives a restart by the wall's. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Why a dial came to nothing: nobody there, or somebody with whom there is nothing to say. */
export type ScoutFailure = 'unreachable' | 'stranger';

interface Failures {
  readonly count: number;
  readonly nextDialAtMs: number;
}

export class Candidates {
  readonly #table = new Map<string, Candidate>();
  /** By address and kinship: a hint that has changed for the better deserves another look, a bare repetition none. */
  readonly #failures = new Map<string, Failures>();
  readonly #isKept: (key: Uint8Array) => boolean;

  /** `isKept`: keys whose proven addresses no newcomer displaces, such as those that are trusted. */
  constructor(isKept: (key: Uint8Array) => boolean) {
    this.#isKept = isKept;
  }

  /** Takes a finding in. True where the address is in the table now. */
  take(found: Found, kinship: Kinship, moment: Moment): boolean {
    const known = this.#table.get(found.address);
    if (found.ttlMs <= 0) {
      known?.found.delete(found.method);
      this.expire(moment);
      return this.#table.has(found.address);
    }
    // Another network's announcement says nothing about what was proven at the address before.
    if (kinship === 'other') return false;
    const candidate = known ?? this.#admit(newCandidate(found.address, kinship, found.method), moment);
    if (candidate === undefined) return false;
    const ttlMs = Math.min(LIMITS.foundMostMs, Math.max(LIMITS.foundLeastMs, found.ttlMs));
    candidate.found.set(found.method, moment.monotonicMs + ttlMs);
    if (candidate.kinship === 'unsaid') candidate.kinship = kinship;
    if (candidate.key === undefined && found.name !== undefined) candidate.name = found.name;
    return true;
  }

  /** Forgets what nobody tells any more, unless a key has proven itself there not too long ago. */
  expire({ monotonicMs, wallMs }: Moment): void {
    for (const candidate of this.#table.values()) {
      for (const [method, untilMs] of candidate.found)
        if (untilMs <= monotonicMs) candidate.found.delete(method);
      const isProven = candidate.provenAtMs !== undefined && wallMs - candidate.provenAtMs < LIMITS.provenMs;
      if (candidate.found.size === 0 && !isProven && !candidate.dialling)
        this.#table.delete(candidate.address);
    }
  }

  /** Those whose time to be dialled has come, best first. */
  due(nowMs: number): readonly Candidate[] {
    return [...this.#table.values()]
      .filter((one) => !one.dialling && this.nextDialAtMs(one) <= nowMs)
      .toSorted((a, b) => rankOf(b) - rankOf(a));
  }

  nextDialAtMs(candidate: Candidate): number {
    return this.#failures.get(failureKey(candidate))?.nextDialAtMs ?? 0;
  }

  /** A key has proven itself at the address, and that it is of our network; `name` is what it goes by. */
  proven(
    candidate: Candidate,
    by: { readonly key: Uint8Array; readonly name: string },
    wallMs: number,
  ): void {
    candidate.key = by.key;
    candidate.name = by.name;
    candidate.provenAtMs = wallMs;
  }

  /** The link is open: the next dial, should it be lost, is at once. */
  reached(candidate: Candidate): void {
    this.#failures.delete(failureKey(candidate));
    candidate.lastError = undefined;
    candidate.lastErrorAtMs = undefined;
  }

  /** Each failure doubles the wait; a stranger's is longer, since only people change anything about it. */
  failed(candidate: Candidate, why: ScoutFailure, said: { readonly reason: string } & Moment): void {
    const key = failureKey(candidate);
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const [first, most] =
      why === 'unreachable'
        ? [LIMITS.scoutFirstMs, LIMITS.scoutMostMs]
        : [LIMITS.strangerFirstMs, LIMITS.strangerMostMs];
    const delayMs = Math.min(most, first * 2 ** Math.min(count - 1, 30));
    // Again at the end: what is forgotten first is what failed longest ago.
    this.#failures.delete(key);
    this.#failures.set(key, { count, nextDialAtMs: said.monotonicMs + delayMs });
    for (const [oldest] of this.#failures) {
      if (this.#failures.size <= LIMITS.rememberedFailures) break;
      this.#failures.delete(oldest);
    }
    candidate.lastError = said.reason;
    candidate.lastErrorAtMs = said.wallMs;
  }

  /** Whoever asks for it anew is dialled at once. */
  forgive(candidate: Candidate): void {
    this.reached(candidate);
  }

  /** Puts an address back that a key had proven itself at before a restart. */
  restore(
    address: string,
    by: { readonly key: Uint8Array; readonly name: string; readonly atMs: number },
  ): void {
    if (this.#table.has(address) || this.#table.size >= LIMITS.candidates) return;
    const candidate = newCandidate(address, 'unsaid');
    this.#table.set(address, candidate);
    this.proven(candidate, by, by.atMs);
  }

  at(address: string): Candidate | undefined {
    return this.#table.get(address);
  }

  [Symbol.iterator](): Iterator<Candidate> {
    return this.#table.values();
  }

  get size(): number {
    return this.#table.size;
  }

  /** Makes room for a newcomer at the cost of the least of those that are worth no more; else it stays out. */
  #admit(candidate: Candidate, moment: Moment): Candidate | undefined {
    this.expire(moment);
    const ofMethod = [...this.#table.values()].filter((one) => one.foundBy === candidate.foundBy);
    const crowd =
      ofMethod.length >= LIMITS.candidatesPerMethod
        ? ofMethod
        : this.#table.size >= LIMITS.candidates
          ? [...this.#table.values()]
          : [];
    if (crowd.length > 0) {
      const worth = (one: Candidate): number => (this.#failures.has(failureKey(one)) ? -1 : rankOf(one));
      const least = crowd
        .filter((one) => !one.dialling && (one.key === undefined || !this.#isKept(one.key)))
        .reduce<Candidate | undefined>((a, b) => (a === undefined || worth(b) < worth(a) ? b : a), undefined);
      if (least === undefined || worth(least) > worth(candidate)) return undefined;
      this.#table.delete(least.address);
    }
    this.#table.set(candidate.address, candidate);
    return candidate;
  }
}

/** Proven ones first, then what shows our network's hint. */
function rankOf({ key, kinship }: Candidate): number {
  if (key !== undefined) return 2;
  return kinship === 'ours' ? 1 : 0;
}

function failureKey({ address, kinship }: Candidate): string {
  return `${kinship} ${address}`;
}

function newCandidate(address: string, kinship: Candidate['kinship'], foundBy?: FindingMethod): Candidate {
  return {
    address,
    foundBy,
    found: new Map(),
    name: undefined,
    kinship,
    key: undefined,
    provenAtMs: undefined,
    lastError: undefined,
    lastErrorAtMs: undefined,
    dialling: false,
  };
}
