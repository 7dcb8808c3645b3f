/** Keeps what the node thinks of other keys true: feeds the folds, has barred what has ended, and answers for sessions and the gate. */

import { AccessRules, type AccessSettings } from '../access.js';
import { barOf, type FeedBar } from '../cuts.js';
import type { Header } from '../entry.js';
import type { NodeEvent } from '../events.js';
import { lastRange, splitFeedKey, type Feed } from '../feed.js';
import {
  fingerprintOf,
  keyOfFingerprint,
  tenantOfAccess,
  tenantOfContent,
  tenantOfScope,
  TRUST_SCOPE,
  type Fingerprint,
  type Scope,
  type TenantId,
  type TrustLevel,
} from '../identity.js';
import type { Tools } from '../ports.js';
import type { Storage } from '../storage.js';
import { TrustGraph } from '../trust.js';
import type { TrustSettings } from '../trust-reading.js';
import type { Committed, Committer } from './committer.js';
import { ALL_RIGHTS, NO_RIGHTS, type Rights, type Scopes } from '../offer.js';
import type { HoldingsTable } from './holdings-table.js';
import { BarKeeper, isRestrained } from './bar-keeper.js';
import { beganWith } from './feed-bars.js';
import { claimsIn, stopsIn } from './keeper-facts.js';
import { Offers } from './offers.js';
import type { PeerBook } from './peer-book.js';
import { isOfAccess, isOfTrust, readStatements, statedIn, type StatedEntry } from './statement-log.js';
import type { Standing } from './standing.js';

export interface KeeperOptions {
  readonly ownKey: Uint8Array;
  readonly tools: Tools;
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly trust?: Partial<TrustSettings> | undefined;
  readonly access: AccessSettings;
  /** Who is listed, and whose hello has said that it trusts us. */
  readonly book: PeerBook;
  /** What anyone may do, or what stays out, has changed. */
  readonly onChange: () => void;
  readonly onEvent: (event: NodeEvent) => void;
}

export class TrustKeeper implements Standing {
  readonly graph: TrustGraph;
  readonly rules: AccessRules;
  readonly #options: KeeperOptions;
  /** Signature of the entry with our latest `verify` of a key. */
  readonly #signatures = new Map<Fingerprint, Uint8Array>();
  readonly #tenants = new Set<TenantId>();
  /** Rivals of primaries that operators have heard of, by tenant. */
  readonly #toldRivals = new Set<string>();
  readonly #offers = new Offers({
    tenants: () => this.#tenants,
    rightsOf: (key, scope) => this.rightsOf(key, scope),
    stated: () => this.rules.statedTenants(),
    version: () => this.version,
  });
  readonly #bars: BarKeeper;
  #isStarted = false;
  #seenVersion = -1;

  private constructor(options: KeeperOptions) {
    this.#options = options;
    const { ownKey, tools, trust } = options;
    this.graph = new TrustGraph({ root: ownKey, crypto: tools.crypto, ...(trust && { settings: trust }) });
    this.rules = new AccessRules({ trust: this.graph, settings: options.access });
    const { tenants, primaries } = options.access;
    for (const tenant of tenants === '*' ? [] : tenants) this.#tenants.add(tenant);
    for (const tenant of primaries?.keys() ?? []) this.#tenants.add(tenant);
    const { storage, table, onEvent } = options;
    this.#bars = new BarKeeper({
      graph: this.graph,
      rules: this.rules,
      storage,
      table,
      tenants: this.#tenants,
      onEvent,
      onChange: () => this.changed(),
    });
  }

  /** Reads all that the log holds of trust and access. */
  static async open(options: KeeperOptions): Promise<TrustKeeper> {
    const keeper = new TrustKeeper(options);
    for await (const entry of readStatements(options.table.feeds(), options)) keeper.#add(entry);
    const facts = options.storage.facts();
    for (const [tenant, key] of claimsIn(facts)) keeper.rules.setClaim(tenant, key);
    for (const [key, from] of stopsIn(facts)) keeper.#bars.noteStop(key, from);
    for (const feed of options.table.feeds()) keeper.#noteFork(feed);
    return keeper;
  }

  /** From now on what has to stay out is barred, by entries of this committer. */
  start(committer: Committer): void {
    this.#isStarted = true;
    this.#seenVersion = this.version;
    this.#bars.start(committer);
  }

  get version(): number {
    return this.rules.version;
  }

  /** Takes what a commit brought. Called in the order of commits. */
  observe(committed: Committed): void {
    for (const entry of committed.entries) {
      const stated = statedIn(entry);
      if (stated !== undefined) this.#add(stated);
    }
    for (const feed of committed.feeds) this.#noteFork(feed);
    for (const { key, header } of committed.entries) {
      // Where an ended key's feed stops is kept with the feed, and may hang on its first stamp.
      const isFirst = header.seq === this.#options.table.feed(key).ranges[0]?.from;
      if (isFirst && isRestrained(fingerprintOf(header.origin), this.graph)) this.#bars.look([key]);
    }
    this.changed();
  }

  /** Something may have changed that is not in the log, such as what a hello said. */
  changed(): void {
    if (this.#seenVersion === this.version) return;
    this.#seenVersion = this.version;
    this.#bars.lookAtAll();
    this.#options.onChange();
  }

  /** Resolves when everything that has to stay out is barred durably; rejects with what kept it from being so. */
  settled(): Promise<void> {
    return this.#bars.settled();
  }

  levelOf(key: Uint8Array): TrustLevel {
    const fingerprint = fingerprintOf(key);
    return this.graph.levelOf(fingerprint, this.hears(fingerprint));
  }

  /** Whether a key's hello has said that it trusts us. */
  hears(key: Fingerprint): boolean {
    const publicKey = keyOfFingerprint(key);
    const peer = publicKey === undefined ? undefined : this.#options.book.byKey(publicKey);
    return peer?.level === 'verified';
  }

  trusts(key: Uint8Array): boolean {
    const peer = this.#options.book.byKey(key);
    const fingerprint = fingerprintOf(key);
    // Whom we verified and took off the list is not let in, though nobody revoked the key; others' vouching lets in who is not on it.
    const isLetIn = peer !== undefined || !this.graph.isNextToUs(fingerprint);
    if (isLetIn && this.graph.trusts(fingerprint)) return true;
    // A fingerprint that the operator wrote down is his word. Ours, which needs the name, follows the peer's first hello.
    const isHisWord = peer?.pinnedBy === 'operator' && peer.method !== 'certificate';
    return isHisWord && !this.graph.hasEnded(fingerprint);
  }

  hasVouched(key: Uint8Array): boolean {
    return this.graph.trusts(fingerprintOf(key));
  }

  rightsOf(key: Uint8Array, scope: Scope): Rights {
    if (!this.trusts(key)) return NO_RIGHTS;
    if (scope === TRUST_SCOPE) return ALL_RIGHTS;
    const tenant = tenantOfScope(scope);
    if (tenant === undefined) return NO_RIGHTS;
    const rights = this.rules.rightsOf(tenant, fingerprintOf(key));
    if (tenantOfContent(scope) !== undefined) return rights;
    // Grants reach us through those whom they are not about yet; what counts of them the fold decides.
    return { read: rights.read || rights.write, write: this.rules.federates(tenant) };
  }

  offerTo(key: Uint8Array, named?: Scopes): Scopes {
    if (!this.trusts(key)) return [];
    return this.#options.access.tenants === '*' ? this.#offers.ofAll(key) : this.#offers.to(key, named);
  }

  refuses(header: Header, feed: Feed): string | undefined {
    const { origin, scope, seq } = header;
    const tenant = tenantOfScope(scope);
    const fingerprint = fingerprintOf(origin);
    if (tenantOfContent(scope) !== undefined && tenant !== undefined) {
      const isOwn = this.graph.isOurs(fingerprint);
      if (!isOwn && !this.rules.mayWrite(tenant, fingerprint))
        return `the primary of the tenant grants ${fingerprint} no right to write`;
    } else if (!this.#hasRoom(header)) {
      return `${fingerprint} has stated more than there is room for`;
    }
    const bar = this.#barOfEntry(header, fingerprint, feed);
    return bar !== undefined && seq >= bar.from
      ? `the key ${fingerprint} was ${bar.reason}, and this lies behind the cut`
      : undefined;
  }

  /** Signature of the entry with our own latest `verify` of a key. */
  signatureOn(key: Fingerprint): Uint8Array | undefined {
    return this.#signatures.get(key);
  }

  /** Tenants that the configuration or some statement names. */
  tenants(): readonly TenantId[] {
    return [...this.#tenants].sort();
  }

  /** Where a held feed of spans or annotations stops, and why; `undefined` where trust does not bar it. */
  barFor(feed: Feed): Promise<FeedBar | undefined> {
    return this.#bars.barFor(feed);
  }

  #hasRoom({ origin, scope, count }: Header): boolean {
    const tenant = tenantOfAccess(scope);
    return tenant === undefined
      ? this.graph.roomFor(origin, 0, count)
      : this.rules.roomFor(tenant, origin, 0, count);
  }

  #barOfEntry(header: Header, origin: Fingerprint, feed: Feed): FeedBar | undefined {
    if (tenantOfContent(header.scope) === undefined || !isRestrained(origin, this.graph)) return undefined;
    const nextSeq = (lastRange(feed)?.to ?? 0) + 1;
    return barOf(
      { ...header, firstStamp: beganWith(header, feed), nextSeq, kept: feed.bar?.from },
      { trust: this.graph, access: this.rules },
    );
  }

  #add({ scope, placed, signature, bytes }: StatedEntry): void {
    const tenant = tenantOfAccess(scope);
    for (const [i, one] of placed.entries()) {
      const weight = i === 0 ? bytes : 0;
      if (isOfTrust(one)) this.graph.add(one, weight);
      else if (tenant !== undefined && isOfAccess(one)) this.#addAccess(tenant, one, weight);
      const { statement, origin } = one;
      if (statement.kind === 'verify' && fingerprintOf(origin) === this.graph.root)
        this.#signatures.set(fingerprintOf(statement.key), signature);
    }
  }

  #addAccess(tenant: TenantId, placed: Parameters<AccessRules['add']>[1], bytes: number): void {
    this.#tenants.add(tenant);
    this.rules.add(tenant, placed, bytes);
    const { statement, origin } = placed;
    if (statement.kind !== 'designate' || !this.#isStarted) return;
    // Whose word counts for nothing names no rival, and our own is none.
    const [claimed, by] = [fingerprintOf(statement.key), fingerprintOf(origin)];
    if (!this.graph.trusts(by) || this.#toldRivals.has(tenant + claimed)) return;
    const primary = this.rules.primaryOf(tenant);
    if (primary === undefined || !this.rules.rivals(tenant).includes(claimed)) return;
    this.#toldRivals.add(tenant + claimed);
    this.#options.onEvent({ kind: 'primary_refused', tenant, claimed, by, primary });
  }

  /** What lies behind the fork of a feed of statements counts for nothing. */
  #noteFork(feed: Feed): void {
    const parts = splitFeedKey(feed.key);
    if (parts === undefined || feed.forkedAt === undefined) return;
    const { scope, origin, epoch } = parts;
    const tenant = tenantOfAccess(scope);
    if (scope === TRUST_SCOPE) this.graph.setFork(origin, epoch, feed.forkedAt);
    else if (tenant !== undefined) this.rules.setFork(tenant, origin, epoch, feed.forkedAt);
  }
}
