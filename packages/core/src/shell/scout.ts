/** Dials what discovery has found, sparingly, to see who is there. Whoever answers is trusted for nothing. */

import { equalBytes } from '../bytes.js';
import type { Candidate, Candidates, ScoutFailure } from '../discovery.js';
import { messageOf } from '../errors.js';
import type { NodeEvent } from '../events.js';
import { fingerprintOf, nodeIdOf } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Hello } from '../message.js';
import type { Clock, Link, Transport } from '../ports.js';
import type { PeerBook } from './peer-book.js';
import type { SessionEnd } from './session-host.js';
import type { Standing } from './standing.js';

export interface ScoutOptions {
  /** This node itself: an address that leads back to it is not dialled again. */
  readonly own: { readonly name: string; readonly key: Uint8Array };
  readonly candidates: Candidates;
  readonly book: PeerBook;
  readonly standing: Standing;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly isConnected: (key: Uint8Array) => boolean;
  /** Hands a link over to be greeted; false where there is no room for it. */
  readonly take: (link: Link) => boolean;
  readonly onEvent: (event: NodeEvent) => void;
}

const MINUTE_MS = 60_000;
/** Whose other addresses need not be tried for so long. */
const COVERED_MS = 60 * MINUTE_MS;
/** Ends after which the next try may go better without anybody changing a setting. */
const PASSING: ReadonlySet<SessionEnd['code']> = new Set(['lost', 'going_away', 'replaced', 'silent']);

export class Scout {
  readonly #options: ScoutOptions;
  readonly #sent = new Map<Link, Candidate>();
  /** When the dials of the last minute were. */
  #dialledAtMs: readonly number[] = [];
  #underWay = 0;

  constructor(options: ScoutOptions) {
    this.#options = options;
  }

  /** Dials those that are due, within the bounds of dials at a time and in a minute. */
  dialDue(): void {
    const { candidates, clock } = this.#options;
    const now = clock.monotonic();
    this.#dialledAtMs = this.#dialledAtMs.filter((atMs) => now - atMs < MINUTE_MS);
    for (const candidate of candidates.due(now)) {
      if (this.#underWay >= LIMITS.scouts || this.#dialledAtMs.length >= LIMITS.scoutsPerMinute) return;
      if (!this.#isWorthADial(candidate)) continue;
      this.#dialledAtMs = [...this.#dialledAtMs, now];
      void this.#dial(candidate);
    }
  }

  /** Whether anybody is being looked at right now. */
  get isBusy(): boolean {
    return this.#underWay > 0 || this.#sent.size > 0;
  }

  greeted(link: Link, hello: Hello): void {
    const { candidates, clock, onEvent } = this.#options;
    const candidate = this.#candidateOf(link);
    if (candidate === undefined) return;
    const key = link.remoteKey;
    const isNews = candidate.key === undefined || !equalBytes(candidate.key, key);
    candidates.proven(candidate, { key, name: hello.name }, clock.now());
    if (!isNews) return;
    const { address } = candidate;
    onEvent({ kind: 'node_found', peerId: nodeIdOf(hello.name), fingerprint: fingerprintOf(key), address });
  }

  closed(link: Link, { code, reason, wasOpen }: SessionEnd & { readonly wasOpen: boolean }): void {
    const candidate = this.#candidateOf(link);
    if (this.#sent.delete(link) && candidate !== undefined) candidate.dialling = false;
    if (candidate === undefined) return;
    if (wasOpen) this.#options.candidates.reached(candidate);
    // A key that we trust may come to trust us any moment.
    const mayOpen = wasOpen || PASSING.has(code) || this.#options.standing.trusts(link.remoteKey);
    this.#failed(candidate, mayOpen ? 'unreachable' : 'stranger', `${code}: ${reason}`);
  }

  /** The candidate whose address a link of ours leads to. */
  #candidateOf(link: Link): Candidate | undefined {
    return this.#sent.get(link) ?? (link.initiator ? this.#options.candidates.at(link.address) : undefined);
  }

  #isWorthADial(candidate: Candidate): boolean {
    const { own, book, standing, isConnected, candidates, clock } = this.#options;
    const { key, name } = candidate;
    if (key !== undefined) {
      // Where a listed peer was seen it is dialled as what it is.
      const isListed = book.byKey(key) !== undefined;
      return (
        !isConnected(key) && !isListed && standing.levelOf(key) !== 'revoked' && !equalBytes(key, own.key)
      );
    }
    if (name === undefined) return true;
    for (const other of candidates) {
      const isFresh = other.provenAtMs !== undefined && clock.now() - other.provenAtMs < COVERED_MS;
      const isKnown = isFresh && other.key !== undefined && standing.trusts(other.key);
      if (isKnown && other.name === name && other !== candidate) return false;
    }
    return true;
  }

  async #dial(candidate: Candidate): Promise<void> {
    const { transport, candidates, clock, own, isConnected, book, take } = this.#options;
    candidate.dialling = true;
    this.#underWay++;
    let isTaken = false;
    try {
      const link = await transport.dial(candidate.address, { timeoutMs: LIMITS.handshakeMs });
      const key = link.remoteKey;
      const name = book.nameOf(key);
      if (isConnected(key) && name !== undefined) {
        // Another address of somebody who is here: worth remembering, not worth a second session.
        link.close(1000, 'connected already');
        candidates.proven(candidate, { key, name }, clock.now());
      } else if (equalBytes(key, own.key)) {
        link.close(1000, 'this is the node itself');
        candidates.proven(candidate, own, clock.now());
      } else {
        this.#sent.set(link, candidate);
        isTaken = take(link);
        if (!isTaken) this.#sent.delete(link);
      }
    } catch (error) {
      this.#failed(candidate, 'unreachable', messageOf(error));
    } finally {
      this.#underWay--;
      // A session tells when it has ended.
      if (!isTaken) candidate.dialling = false;
    }
  }

  #failed(candidate: Candidate, why: ScoutFailure, reason: string): void {
    const { clock, candidates } = this.#options;
    candidates.failed(candidate, why, { reason, monotonicMs: clock.monotonic(), wallMs: clock.now() });
  }
}
