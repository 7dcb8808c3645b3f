/** Whether peers read tenants as we do: each side tells the digests of its own reading, and shows what it hears beside them. */

import { equalBytes } from '../bytes.js';
import { scopeOfFeed } from '../feed.js';
import {
  annotationsScope,
  fingerprintOf,
  tenantOfAccess,
  tenantOfContent,
  tenantOfScope,
  timelineScope,
  type Fingerprint,
  type NodeId,
  type Scope,
  type TenantId,
} from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Clock, Timer } from '../ports.js';
import type { ReadingClaim } from '../reading-claim.js';
import type { Committed } from './committer.js';
import type { Flow } from './flows.js';
import type { HoldingsTable } from './holdings-table.js';
import type { Lag } from './lag.js';

/** What a tenant's reading hangs on, as digests of 32 bytes. */
export interface OwnReading {
  readonly rules: Uint8Array;
  readonly accepted: Uint8Array;
}

/** How the reading of a tenant at a connected peer compares with ours. */
export interface PeerReading {
  readonly tenant: TenantId;
  readonly peerId: NodeId | undefined;
  readonly fingerprint: Fingerprint;
  /** `syncing` while entries or words are on their way; `unknown` of a peer whose version does not tell. */
  readonly state: 'agrees' | 'differs' | 'syncing' | 'unknown';
  /** What differs: policies and priorities, or which entries are accepted. */
  readonly differs: readonly ('rules' | 'accepted')[];
}

export interface ReadingWish {
  /** Without them all that are here. */
  readonly tenants?: readonly TenantId[] | undefined;
  readonly rowsMost?: number | undefined;
}

/** An open session, as far as readings are told over it. */
export interface ReadingSession {
  readonly link: { readonly remoteKey: Uint8Array };
  readonly state: { readonly takesReadings: boolean };
  flow(scope: Scope): Flow;
  lag(only: (scope: Scope) => boolean): Lag;
  step(event: { readonly kind: 'claim'; readonly claims: readonly ReadingClaim[] }): void;
}

export interface AgreementWorld {
  readonly table: Pick<HoldingsTable, 'feeds'>;
  readonly clock: Clock;
  readonly rulesOf: (tenant: TenantId) => Uint8Array;
  readonly acceptedOf: (tenant: TenantId) => Uint8Array;
  readonly sessions: () => readonly ReadingSession[];
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
}

/** A claim, and our own reading when it came. */
interface Heard {
  readonly claim: ReadingClaim;
  readonly own: OwnReading;
  /** Whether nothing of the tenant was on its way then, as far as we know. */
  readonly isSettled: boolean;
}

/** What a session was told last. */
interface Told {
  readonly claims: readonly ReadingClaim[];
  readonly version: number;
  readonly atMs: number;
}

/** What is on its way of a tenant: its entries, or what sets its rules. */
interface Moving {
  readonly isAny: boolean;
  readonly content: (tenant: TenantId) => boolean;
  readonly access: (tenant: TenantId) => boolean;
}

/** Well above the gap at which a peer listens again. */
const TELL_MS = 5_000;

export class Agreement {
  readonly #world: AgreementWorld;
  /** Digests of what is accepted, until something changes there. Rules hang on names too, and are asked for each time. */
  readonly #accepted = new Map<TenantId, Uint8Array>();
  readonly #heard = new WeakMap<ReadingSession, ReadonlyMap<TenantId, Heard>>();
  readonly #told = new WeakMap<ReadingSession, Told>();
  /** Grows with whatever may change a digest, or what a peer may be told. */
  #version = 0;
  #timer: Timer | undefined;

  constructor(world: AgreementWorld) {
    this.#world = world;
  }

  start(): void {
    this.#timer = this.#world.clock.after(TELL_MS, () => {
      this.#tell();
      this.start();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Nothing is told for a commit: many may come before the next look. */
  observe({ feeds }: Pick<Committed, 'feeds'>): void {
    for (const { key } of feeds) {
      const tenant = tenantOfScope(scopeOfFeed(key));
      if (tenant === undefined) continue;
      this.#accepted.delete(tenant);
      this.#version++;
    }
  }

  /** Rules, bars or rights may have changed. */
  rulesChanged(): void {
    this.#accepted.clear();
    this.#version++;
  }

  /** Takes a peer's word in place of its earlier one, of the tenants that are shared with it in both directions. */
  claimed(session: ReadingSession, claims: readonly ReadingClaim[]): void {
    const moving = movingOf(session);
    const heard = new Map<TenantId, Heard>();
    for (const claim of claims) {
      const { tenant } = claim;
      if (!isShared(session, tenant)) continue;
      heard.set(tenant, { claim, own: this.#ownOf(tenant), isSettled: !moving.content(tenant) });
    }
    const before = [...(this.#heard.get(session)?.values() ?? [])].map(({ claim }) => claim);
    this.#heard.set(session, heard);
    // It may have heard our last word before it had what it tells of now.
    const isNews = !isSame(
      before,
      [...heard.values()].map(({ claim }) => claim),
    );
    if (isNews) this.#told.delete(session);
  }

  /** By tenant, then peer: of the given tenants, or of all that are here, as many rows as that. Only connected peers. */
  report({ tenants: wanted, rowsMost = Infinity }: ReadingWish): readonly PeerReading[] {
    const here = this.#tenants();
    const tenants = wanted?.filter((tenant) => here.includes(tenant)) ?? here;
    const peers = this.#world.sessions().map((session) => ({ session, moving: movingOf(session) }));
    const rows: PeerReading[] = [];
    for (const tenant of tenants) {
      for (const { session, moving } of peers) {
        if (!isShared(session, tenant)) continue;
        if (rows.length >= rowsMost) return rows;
        rows.push(this.#rowOf(tenant, session, moving));
      }
    }
    return rows;
  }

  #rowOf(tenant: TenantId, session: ReadingSession, moving: Moving): PeerReading {
    const fingerprint = fingerprintOf(session.link.remoteKey);
    const own = this.#ownOf(tenant);
    const heard = this.#heard.get(session)?.get(tenant);
    const isMoving = moving.content(tenant);
    const differs = heard === undefined ? [] : differencesOf(heard, own, isMoving);
    let state: PeerReading['state'] = session.state.takesReadings ? 'syncing' : 'unknown';
    if (differs.length > 0) state = 'differs';
    else if (heard !== undefined && !isMoving && isEqual(heard.claim, own)) state = 'agrees';
    return { tenant, peerId: this.#world.idOf(fingerprint), fingerprint, state, differs };
  }

  #tell(): void {
    const nowMs = this.#world.clock.monotonic();
    for (const session of this.#world.sessions()) {
      const told = this.#told.get(session);
      const isDue = told?.version !== this.#version || nowMs - told.atMs >= LIMITS.readingsRefreshMs;
      if (!isDue || !session.state.takesReadings) continue;
      const moving = movingOf(session);
      const claims = this.#claimsFor(session, moving);
      // What is still on its way is looked at again.
      const version = moving.isAny ? -1 : this.#version;
      const isNews =
        told === undefined || nowMs - told.atMs >= LIMITS.readingsRefreshMs || !isSame(told.claims, claims);
      this.#told.set(session, { claims, version, atMs: isNews ? nowMs : told.atMs });
      if (isNews) session.step({ kind: 'claim', claims });
    }
  }

  /** Of the tenants that the peer may read, and lets us read; the first of them where they are many. */
  #claimsFor(session: ReadingSession, moving: Moving): readonly ReadingClaim[] {
    return this.#tenants()
      .filter((tenant) => isShared(session, tenant) && !moving.access(tenant))
      .slice(0, LIMITS.readingClaims)
      .map((tenant) => {
        const { rules, accepted } = this.#ownOf(tenant);
        return { tenant, rules, accepted: moving.content(tenant) ? undefined : accepted };
      });
  }

  #ownOf(tenant: TenantId): OwnReading {
    let accepted = this.#accepted.get(tenant);
    if (accepted === undefined) this.#accepted.set(tenant, (accepted = this.#world.acceptedOf(tenant)));
    return { rules: this.#world.rulesOf(tenant), accepted };
  }

  /** Those of which something is here, ascending. */
  #tenants(): readonly TenantId[] {
    const found = new Set<TenantId>();
    for (const { key } of this.#world.table.feeds()) {
      const tenant = tenantOfContent(scopeOfFeed(key));
      if (tenant !== undefined) found.add(tenant);
    }
    return [...found].sort((a, b) => (a < b ? -1 : 1));
  }
}

/** Readings can be equal only where everything flows both ways; and of nothing else a peer is told. */
function isShared(session: ReadingSession, tenant: TenantId): boolean {
  return [timelineScope(tenant), annotationsScope(tenant)].every((scope) => {
    const flow = session.flow(scope);
    return flow.in && flow.out;
  });
}

function movingOf(session: ReadingSession): Moving {
  const { here, there, isWhole } = session.lag((scope) => tenantOfScope(scope) !== undefined);
  const content = new Set<TenantId>();
  const access = new Set<TenantId>();
  for (const { key } of [...here, ...there]) {
    const scope = scopeOfFeed(key);
    const [ofContent, ofAccess] = [tenantOfContent(scope), tenantOfAccess(scope)];
    if (ofContent !== undefined) content.add(ofContent);
    if (ofAccess !== undefined) access.add(ofAccess);
  }
  return {
    isAny: !isWhole || content.size + access.size > 0,
    content: (tenant) => !isWhole || content.has(tenant),
    access: (tenant) => !isWhole || access.has(tenant),
  };
}

/** A claim says something of now only where we read as we did when it came: else the peer's next one is waited for. */
function differencesOf(
  { claim, own: then, isSettled }: Heard,
  own: OwnReading,
  isMoving: boolean,
): PeerReading['differs'] {
  const differs: ('rules' | 'accepted')[] = [];
  if (equalBytes(then.rules, own.rules) && !equalBytes(claim.rules, own.rules)) differs.push('rules');
  const isConclusive = isSettled && !isMoving && equalBytes(then.accepted, own.accepted);
  if (isConclusive && claim.accepted !== undefined && !equalBytes(claim.accepted, own.accepted))
    differs.push('accepted');
  return differs;
}

function isEqual(claim: ReadingClaim, { rules, accepted }: OwnReading): boolean {
  return (
    equalBytes(claim.rules, rules) && claim.accepted !== undefined && equalBytes(claim.accepted, accepted)
  );
}

function isSame(before: readonly ReadingClaim[], now: readonly ReadingClaim[]): boolean {
  return (
    before.length === now.length &&
    now.every(({ tenant, rules, accepted }, i) => {
      const one = before[i];
      return (
        one?.tenant === tenant &&
        equalBytes(one.rules, rules) &&
        equalBytes(one.accepted ?? new Uint8Array(0), accepted ?? new Uint8Array(0))
      );
    })
  );
}
