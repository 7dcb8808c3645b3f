/** Bars what trust and access say has ended: held feeds are looked at again after each change, and their bars are commits. */

import type { AccessRules } from '../access.js';
import { barOf, type FeedBar } from '../cuts.js';
import { asError } from '../errors.js';
import type { NodeEvent } from '../events.js';
import { lastRange, scopeOfFeed, splitFeedKey, type Feed, type FeedKey } from '../feed.js';
import {
  fingerprintOf,
  keyOfFingerprint,
  tenantOfAccess,
  tenantOfContent,
  type Fingerprint,
  type TenantId,
} from '../identity.js';
import type { Storage } from '../storage.js';
import type { TrustGraph } from '../trust.js';
import type { Committer } from './committer.js';
import { firstStampOf, isSameBar, toBar } from './feed-bars.js';
import type { HoldingsTable } from './holdings-table.js';
import { claimFact, stopFact } from './keeper-facts.js';

interface BarWorld {
  readonly graph: TrustGraph;
  readonly rules: AccessRules;
  readonly storage: Storage;
  readonly table: HoldingsTable;
  /** Tenants of which anything is known. */
  readonly tenants: ReadonlySet<TenantId>;
  readonly onEvent: (event: NodeEvent) => void;
  /** What is remembered here changes what the rules say. */
  readonly onChange: () => void;
}

/** Whether a key has ended, be it overridden or not: only its feeds can be barred. */
export function isRestrained(key: Fingerprint, graph: TrustGraph): boolean {
  const { revocations, overridden, rotations } = graph.endsOf(key);
  return revocations.length + overridden.length + rotations.length > 0;
}

export class BarKeeper {
  readonly #world: BarWorld;
  /** Where access feeds of ended keys were when they ended, until somebody who may says where they end. */
  readonly #stops = new Map<FeedKey, number>();
  /** Feeds of which it is to be looked at again where they stop. */
  readonly #due = new Set<FeedKey>();
  #committer: Committer | undefined;
  #looking: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(world: BarWorld) {
    this.#world = world;
  }

  /** From now on what has to stay out is barred, by entries of this committer. */
  start(committer: Committer): void {
    this.#committer = committer;
    this.lookAtAll();
  }

  /** Resolves when everything that has to stay out is barred durably; rejects with what kept it from being so. */
  async settled(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking;
    if (this.#failure !== undefined) throw this.#failure;
  }

  lookAtAll(): void {
    this.look([...this.#world.table.feeds()].map(({ key }) => key));
  }

  look(keys: readonly FeedKey[]): void {
    for (const key of keys) this.#due.add(key);
    if (this.#committer === undefined || this.#looking !== undefined) return;
    this.#looking = this.#catchUp(this.#committer)
      // The store has latched read-only until a restart, where all is looked at again.
      .catch((error: unknown) => void (this.#failure = asError(error)))
      .finally(() => (this.#looking = undefined));
  }

  /** Where the access feed of an ended key stops for now, until somebody who may says where it ends. */
  noteStop(key: FeedKey, from: number | undefined): void {
    const parts = splitFeedKey(key);
    const tenant = parts === undefined ? undefined : tenantOfAccess(parts.scope);
    if (parts === undefined || tenant === undefined) return;
    if (from === undefined) this.#stops.delete(key);
    else this.#stops.set(key, from);
    this.#world.rules.setProvisional(tenant, parts.origin, parts.epoch, from);
  }

  /**
   * Where a held feed of spans or annotations stops, and why; `undefined` where trust does not bar it. Statements are never barred:
   * who kept some out by the order in which they came would know less than others, and so think otherwise. The folds
   * give those beyond a cut no effect.
   */
  async barFor(feed: Feed): Promise<FeedBar | undefined> {
    const isContent = tenantOfContent(scopeOfFeed(feed.key)) !== undefined;
    return isContent ? this.#endOf(feed, feed.bar?.from) : undefined;
  }

  /** Where trust says that a held feed ends. `kept`: where it was said to until now. */
  async #endOf(feed: Feed, kept: number | undefined): Promise<FeedBar | undefined> {
    const { graph, rules, storage } = this.#world;
    const parts = splitFeedKey(feed.key);
    if (parts === undefined || !isRestrained(fingerprintOf(parts.origin), graph)) return undefined;
    const firstStamp = await firstStampOf(feed, storage);
    return barOf(
      { ...parts, firstStamp, nextSeq: (lastRange(feed)?.to ?? 0) + 1, kept },
      { trust: graph, access: rules },
    );
  }

  async #catchUp(committer: Committer): Promise<void> {
    while (this.#due.size > 0) {
      const feeds = [...this.#due].map((key) => this.#world.table.feed(key));
      this.#due.clear();
      await this.#rememberClaims(committer);
      await this.#stopStatements(committer, feeds);
      await this.#barFeeds(committer, feeds);
    }
  }

  /** A tenant's first claim is kept, so that a later one is a rival for good. */
  async #rememberClaims(committer: Committer): Promise<void> {
    const { rules, tenants, onChange, onEvent } = this.#world;
    for (const tenant of tenants) {
      const [claim] = rules.primaryOf(tenant) === undefined ? rules.claimsOf(tenant) : [];
      const key = claim === undefined ? undefined : keyOfFingerprint(claim);
      if (key === undefined || !rules.federates(tenant)) continue;
      await committer.remember(...claimFact(tenant, key));
      rules.setClaim(tenant, key);
      onEvent({ kind: 'primary_accepted', tenant, primary: fingerprintOf(key) });
      onChange();
    }
  }

  async #stopStatements(committer: Committer, feeds: readonly Feed[]): Promise<void> {
    for (const feed of feeds) {
      if (tenantOfAccess(scopeOfFeed(feed.key)) === undefined) continue;
      const kept = this.#stops.get(feed.key);
      const end = await this.#endOf(feed, kept);
      const from = end?.provisional === true ? end.from : undefined;
      if (from === kept) continue;
      await committer.remember(...stopFact(feed.key, from));
      this.noteStop(feed.key, from);
      this.#world.onChange();
    }
  }

  async #barFeeds(committer: Committer, feeds: readonly Feed[]): Promise<void> {
    const stale: Feed[] = [];
    for (const feed of feeds) {
      // Most feeds are nobody's who has ended, and cost no turn of the event loop.
      const origin = splitFeedKey(feed.key)?.origin;
      const isFree = origin === undefined || !isRestrained(fingerprintOf(origin), this.#world.graph);
      if (isFree && feed.bar === undefined) continue;
      if (!isSameBar(feed.bar, toBar(await this.barFor(feed)))) stale.push(feed);
    }
    if (stale.length === 0) return;
    await committer.write(async ({ draft }) => {
      for (const { key } of stale) {
        await draft.bar(key, toBar(await this.barFor(draft.feed(key))), this.#world.storage);
      }
    });
  }
}
