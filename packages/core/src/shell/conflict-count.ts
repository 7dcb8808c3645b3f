/** How many conflicts are open, as words, rules and the clock move on: looked through behind the commits, and kept with the rows. */

import { scopeOfFeed, type Feed } from '../feed.js';
import { tenantOfContent, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Clock, Timer } from '../ports.js';
import type { Contested, ContestedPlace, Storage, Verdict } from '../storage.js';
import type { Committed } from './committer.js';
import type { ConflictJudge } from './conflict-judge.js';

export interface ConflictCountWorld {
  readonly storage: Storage;
  readonly feeds: () => Iterable<Feed>;
  readonly clock: Clock;
  readonly judge: ConflictJudge;
}

const PAGE_ROWS = 256;
/** Where only time passes, a tenant is looked through no more often, and no less. */
const RECHECK_LEAST_MS = 1_000;
const RECHECK_MOST_MS = 60_000;

export class ConflictCount {
  readonly #world: ConflictCountWorld;
  /** By tenant the open ones; one that has not been looked through yet has none. */
  readonly #open = new Map<TenantId, number>();
  /** Places to judge again, and tenants to look through. The one who works on them alone keeps verdicts. */
  #places: ContestedPlace[] = [];
  readonly #tenants = new Set<TenantId>();
  #working: Promise<void> | undefined;
  readonly #dueMs = new Map<TenantId, number>();
  /** The latest time before which some verdict does not hold. */
  readonly #sinceMs = new Map<TenantId, number>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(world: ConflictCountWorld) {
    this.#world = world;
  }

  start(): void {
    for (const feed of this.#world.feeds()) this.#world.judge.noteBar(feed);
    this.#lookThroughAll();
  }

  /** Takes what a commit brought. Called in the order of commits. */
  observe({ feeds }: Pick<Committed, 'feeds'>): void {
    for (const feed of feeds) {
      const tenant = this.#world.judge.noteBar(feed);
      if (tenant !== undefined) this.#tenants.add(tenant);
    }
    const touched = this.#world.storage.annotations.takeTouched();
    if (touched === undefined) this.#lookThroughAll();
    else if (touched.length > 0) this.#places.push(...touched);
    this.#work();
  }

  /** Policies or priorities may have changed. */
  rulesChanged(): void {
    for (const tenant of this.#world.judge.tenantsWithOtherRules()) this.#tenants.add(tenant);
    this.#work();
  }

  /** Of one tenant, or of all. A word that has just come may not be counted yet: see `settled`. */
  openCount(tenant?: TenantId): number {
    this.#lookAtClock();
    if (tenant !== undefined) return this.#open.get(tenant) ?? 0;
    return [...this.#open.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when all that has come is counted. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.settled();
  }

  #lookThroughAll(): void {
    for (const { key } of this.#world.feeds()) {
      const tenant = tenantOfContent(scopeOfFeed(key));
      if (tenant !== undefined) this.#tenants.add(tenant);
    }
    this.#work();
  }

  #work(): void {
    if (this.#working !== undefined || this.#closed) return;
    if (this.#tenants.size === 0 && this.#places.length === 0) return;
    this.#working = this.#workOff()
      // A store that cannot be read tells so to everybody who reads from it.
      .catch(() => undefined)
      .finally(() => {
        this.#working = undefined;
        this.#setTimer();
        // What came since the last look at the queues.
        this.#work();
      });
  }

  async #workOff(): Promise<void> {
    // Not in the turn of the commit that brought it.
    await Promise.resolve();
    while (!this.#closed) {
      const [tenant] = this.#tenants;
      const places = this.#places;
      if (tenant !== undefined) {
        this.#tenants.delete(tenant);
        await this.#lookThrough(tenant);
      } else if (places.length > 0) {
        this.#places = [];
        for (const place of places) await this.#recount(place);
      } else return;
    }
  }

  async #lookThrough(tenant: TenantId): Promise<void> {
    const isFirst = !this.#open.has(tenant);
    let open = 0;
    let after: Contested | undefined;
    this.#dueMs.delete(tenant);
    this.#sinceMs.delete(tenant);
    for (let isLast = false; !isLast && !this.#closed;) {
      const { annotations } = this.#world.storage;
      const rows = await annotations.contested(tenant, { after, limit: PAGE_ROWS });
      for (const row of rows) {
        if (this.#closed) return;
        const now = await this.#keepVerdict(tenant, row);
        if (isFirst) open += now === 'open' ? 1 : 0;
      }
      after = rows.at(-1);
      isLast = rows.length < PAGE_ROWS;
    }
    if (isFirst) this.#open.set(tenant, open);
  }

  async #recount({ tenant, span, field }: ContestedPlace): Promise<void> {
    if (this.#closed) return;
    if (!this.#open.has(tenant)) return this.#lookThrough(tenant);
    const rows = await this.#world.storage.annotations.contested(tenant, {
      span,
      limit: LIMITS.assertedFields,
    });
    const row = rows.find((one) => one.field === field);
    if (row !== undefined) await this.#keepVerdict(tenant, row);
  }

  /** Judges a row where that is due, keeps what was found, and counts it. */
  async #keepVerdict(tenant: TenantId, row: Contested): Promise<Verdict['state'] | undefined> {
    if (this.#world.judge.isFresh(tenant, row)) {
      this.#noteTimes(tenant, row.verdict);
      return row.verdict?.state;
    }
    const { judge } = this.#world;
    const place = { tenant, span: row.span, field: row.field };
    const config = judge.configOf(tenant);
    const judgement = (await judge.judge(place))?.judgement;
    const dispute = judgement?.dispute;
    const state = dispute === undefined ? 'none' : dispute.settled === undefined ? 'open' : 'settled';
    const nextMs = judgement?.nextMs;
    const recheckAtMs = nextMs === undefined ? undefined : Math.max(0, nextMs - LIMITS.clockSkewMs);
    const latest = judgement?.verdicts.findLast(({ why }) => why !== 'ahead')?.claim.stamp.ms ?? 0;
    const sinceMs = Math.max(0, latest - LIMITS.clockSkewMs);
    const verdict: Verdict = { state, config, touches: row.touches, sinceMs, recheckAtMs };
    const before = this.#world.storage.annotations.keepVerdict(place, verdict);
    this.#noteTimes(tenant, verdict);
    const counted = this.#open.get(tenant);
    const more = (state === 'open' ? 1 : 0) - (before?.state === 'open' ? 1 : 0);
    if (counted !== undefined) this.#open.set(tenant, counted + more);
    return state;
  }

  #noteTimes(tenant: TenantId, verdict: Verdict | undefined): void {
    const { sinceMs = 0, recheckAtMs = Infinity } = verdict ?? {};
    this.#sinceMs.set(tenant, Math.max(sinceMs, this.#sinceMs.get(tenant) ?? 0));
    const dueMs = Math.min(recheckAtMs, this.#dueMs.get(tenant) ?? Infinity);
    if (dueMs !== Infinity) this.#dueMs.set(tenant, dueMs);
  }

  /** Where the clock was set back, something that was counted lies ahead again; set forward, and no timer tells of it. */
  #lookAtClock(): void {
    const nowMs = this.#world.clock.now();
    for (const [tenant, sinceMs] of this.#sinceMs) if (sinceMs > nowMs) this.#tenants.add(tenant);
    for (const [tenant, dueMs] of this.#dueMs) if (dueMs <= nowMs) this.#tenants.add(tenant);
    this.#work();
  }

  /** A stamp that lay ahead may count soon. */
  #setTimer(): void {
    this.#timer?.cancel();
    const [next] = [...this.#dueMs.values()].sort((a, b) => a - b);
    if (next === undefined || this.#closed) return;
    const { clock } = this.#world;
    const waitMs = Math.min(Math.max(next - clock.now(), RECHECK_LEAST_MS), RECHECK_MOST_MS);
    this.#timer = clock.after(waitMs, () => {
      for (const [tenant, dueMs] of this.#dueMs) if (dueMs <= clock.now()) this.#tenants.add(tenant);
      if (this.#tenants.size === 0) this.#setTimer();
      this.#work();
    });
  }
}
