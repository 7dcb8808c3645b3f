/** Whether nodes are at odds about a field of a span, and what that hangs on: the rules, the quarantine and the time. */

import { readField, type FieldReading } from '../annotation.js';
import { isRegisterField } from '../assertion.js';
import { equalBytes, fromKey } from '../bytes.js';
import { encodeCbor } from '../cbor.js';
import { barredFrom, scopeOfFeed, type Feed, type FeedKey } from '../feed.js';
import { tenantOfContent, type TenantId } from '../identity.js';
import type { Clock, Tools } from '../ports.js';
import type { Contested, ContestedPlace } from '../storage.js';
import type { ConflictRules } from './conflict-rules.js';
import { describeConflict, type Conflict } from './conflicts.js';
import type { SpanReadings } from './span-readings.js';

export interface ConflictJudgeWorld {
  readonly tools: Tools;
  readonly clock: Pick<Clock, 'now'>;
  readonly readings: SpanReadings;
  readonly rules: Pick<ConflictRules, 'digest'>;
}

/** Tenants of which it is remembered what their verdicts hang on. */
const REMEMBERED = 10_000;

export class ConflictJudge {
  readonly #world: ConflictJudgeWorld;
  /** By tenant the feeds with a bar, and where it is. */
  readonly #bars = new Map<TenantId, Map<FeedKey, number>>();
  readonly #configs = new Map<TenantId, Uint8Array>();

  constructor(world: ConflictJudgeWorld) {
    this.#world = world;
  }

  async judge({ tenant, span, field }: ContestedPlace): Promise<FieldReading | undefined> {
    const { readings } = this.#world;
    const { said } = await readings.sayings(tenant, span);
    return isField(field) ? readField(field, said, readings.rulesOf(tenant)) : undefined;
  }

  /** The conflict about a field of a span, if there is or was one, with the bodies that are candidates. */
  async conflictAt({ tenant, span, field }: ContestedPlace): Promise<Conflict | undefined> {
    const { readings, tools } = this.#world;
    const { said, bodies } = await readings.sayings(tenant, span);
    if (!isField(field)) return undefined;
    const reading = readField(field, said, readings.rulesOf(tenant));
    return describeConflict({ tenant, span }, reading, { tools, bodies });
  }

  /** Whether what was found of a place still holds. */
  isFresh(tenant: TenantId, { touches, verdict }: Contested): boolean {
    if (verdict === undefined || verdict.touches !== touches) return false;
    const nowMs = this.#world.clock.now();
    const isInTime = verdict.sinceMs <= nowMs && nowMs < (verdict.recheckAtMs ?? Infinity);
    return isInTime && equalBytes(verdict.config, this.configOf(tenant));
  }

  /** 32 bytes that stand for the rules of a tenant, and for what of its feeds is quarantined. */
  configOf(tenant: TenantId): Uint8Array {
    const known = this.#configs.get(tenant);
    if (known !== undefined) return known;
    const bars = [...(this.#bars.get(tenant) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const { rules, tools } = this.#world;
    const barred = encodeCbor(bars.map(([key, from]) => [fromKey(key), from]));
    const config = tools.crypto.sha256(rules.digest(tenant), barred);
    if (this.#configs.size >= REMEMBERED) this.#configs.clear();
    this.#configs.set(tenant, config);
    return config;
  }

  /** Looks at where a feed is barred. The tenant, if what was found of it holds no more. */
  noteBar(feed: Feed): TenantId | undefined {
    const from = barredFrom(feed);
    const tenant = tenantOfContent(scopeOfFeed(feed.key));
    const bars = tenant === undefined ? undefined : this.#bars.get(tenant);
    if (tenant === undefined || (bars?.get(feed.key) ?? Infinity) === from) return undefined;
    const changed = bars ?? new Map<FeedKey, number>();
    if (from === Infinity) changed.delete(feed.key);
    else changed.set(feed.key, from);
    this.#bars.set(tenant, changed);
    this.#configs.delete(tenant);
    return tenant;
  }

  /** Tenants whose rules have changed since what was found of them. */
  tenantsWithOtherRules(): readonly TenantId[] {
    const before = [...this.#configs];
    this.#configs.clear();
    return before.flatMap(([tenant, config]) => (equalBytes(config, this.configOf(tenant)) ? [] : [tenant]));
  }
}

function isField(field: string): field is FieldReading['field'] {
  return field === 'identity' || isRegisterField(field);
}
