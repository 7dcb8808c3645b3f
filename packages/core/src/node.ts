/** A node: opens the store, keeps the sessions, and hands out timelines. All effects run through its ports. */

import { EPOCH_BYTES } from './entry.js';
import { LoglineError } from './errors.js';
import { NodeFigures } from './figures.js';
import {
  fingerprintOf,
  keyOfFingerprint,
  nodeIdOf,
  parseTenant,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from './identity.js';
import { checkOptions, type NodeOptions, type TrustedPeer } from './node-options.js';
import { appendSpans, type AppendOptions, type AppendReport, type SpanInput } from './shell/appender.js';
import { countCommit } from './shell/counting.js';
import { Committer, type Committed } from './shell/committer.js';
import type { DiscoveryDesk } from './shell/discovery-desk.js';
import type { PeerReading, ReadingWish } from './shell/agreement.js';
import { Annotations } from './shell/annotations.js';
import { HoldingsTable } from './shell/holdings-table.js';
import { explainSpan, type ExplainWorld, type SpanStory } from './shell/explain.js';
import { Listing, refuseUnusable } from './shell/listing.js';
import { parseSpanId } from './span.js';
import { PeerBook, type ListedPeer } from './shell/peer-book.js';
import { describeFound, describePeers, type PeerInfo, type PeerWorld } from './shell/peer-info.js';
import { prepareMeeting } from './shell/meeting.js';
import type { Peering } from './shell/peering.js';
import { CommitBell, spansByTenant } from './shell/commit-bell.js';
import { describeStatus, type NodeStatus } from './shell/node-status.js';
import { Operator } from './shell/operator.js';
import type { OperatorDesk } from './shell/operator-view.js';
import { ownRotations, publishRotation } from './shell/rotation.js';
import { TrustKeeper } from './shell/trust-keeper.js';
import { runSync, type SyncOptions, type SyncReport } from './shell/sync.js';
import { reportReplication, type Replication, type ReplicationWish } from './shell/replication.js';
import { Timeline } from './shell/timeline.js';

/** What is made before the node itself. */
interface NodeParts {
  readonly table: HoldingsTable;
  readonly book: PeerBook;
  readonly keeper: TrustKeeper;
  /** What a hello shows of our earlier keys: filled before anybody is met. */
  readonly rotations: Uint8Array[];
}

export class FederationNode {
  readonly id: NodeId;
  readonly fingerprint: Fingerprint;
  /** Counted while it works: to be read at any time, and never to be written. */
  readonly figures: NodeFigures;
  /** What an operator may see and do about trust, access and quarantine. */
  readonly operator: OperatorDesk;
  /** Being found, and looking for others. */
  readonly discovery: Pick<DiscoveryDesk, 'announce' | 'look' | 'isBusy'>;
  readonly #options: NodeOptions;
  readonly #table: HoldingsTable;
  readonly #committer: Committer;
  readonly #book: PeerBook;
  readonly #keeper: TrustKeeper;
  readonly #peering: Peering;
  readonly #desk: DiscoveryDesk;
  readonly #listing: Listing;
  readonly #annotations: Annotations;
  readonly #bell = new CommitBell();
  #closed = false;
  #closing: Promise<void> | undefined;

  private constructor(options: NodeOptions, parts: NodeParts) {
    const { storage, tools, clock, keyPair, onEvent = () => undefined } = options;
    this.#options = options;
    this.id = nodeIdOf(options.name);
    this.fingerprint = fingerprintOf(keyPair.publicKey);
    this.figures = options.figures ?? new NodeFigures();
    this.#table = parts.table;
    this.#book = parts.book;
    this.#keeper = parts.keeper;
    this.#committer = new Committer({
      storage,
      table: this.#table,
      tools,
      clock,
      keyPair,
      refuses: (header, feed) => this.#keeper.refuses(header, feed),
      renewal: { epoch: () => options.random.bytes(EPOCH_BYTES), trusts: (key) => this.#keeper.trusts(key) },
      onCommit: (committed) => this.#onCommit(committed),
    });
    const { peering, desk } = prepareMeeting(options, {
      ...parts,
      committer: this.#committer,
      figures: this.figures,
      claimed: (session, claims) => this.#annotations.agreement.claimed(session, claims),
    });
    this.#peering = peering;
    this.#desk = desk;
    this.discovery = desk;
    const [book, committer] = [this.#book, this.#committer];
    this.#listing = new Listing({ book, committer, peering, onEvent, crypto: tools.crypto });
    this.operator = new Operator({
      ownKey: keyPair.publicKey,
      keeper: this.#keeper,
      book,
      committer,
      storage,
      table: this.#table,
      tools,
      idOf: (key) => this.idOf(key),
    });
    this.#annotations = new Annotations({
      options,
      keeper: this.#keeper,
      committer,
      table: this.#table,
      sessions: () => this.#peering.sessions(),
      id: this.id,
      idOf: (key) => this.idOf(key),
      keyOf: (named) => this.operator.keyOf(named),
    });
  }

  /** Starts a node on an open store: reads what it knows of trust and access, dials its trusted peers and takes calls. */
  static async open(options: NodeOptions): Promise<FederationNode> {
    checkOptions(options);
    const { storage, tools, keyPair } = options;
    const table = new HoldingsTable(storage.feeds());
    const book = new PeerBook(storage.facts(), options.random);
    let changed = (): void => undefined;
    const keeper = await TrustKeeper.open({
      ownKey: keyPair.publicKey,
      tools,
      storage,
      table,
      book,
      trust: options.trust,
      access: { tenants: options.tenants ?? [], ...(options.primaries && { primaries: options.primaries }) },
      onChange: () => changed(),
      onEvent: options.onEvent ?? (() => undefined),
    });
    const rotations: Uint8Array[] = [];
    const node = new FederationNode(options, { table, book, keeper, rotations });
    changed = () => node.#onTrustChange();
    const { trustedPeers: configured = [] } = options;
    for (const { key } of configured) refuseUnusable(key, tools.crypto);
    book.keepOnly(new Set(configured.map((peer) => peer.address)));
    for (const { address, key, method } of configured)
      book.list(address, { key, method, source: 'configured' });
    const committer = node.#committer;
    keeper.start(committer);
    if (options.earlierKey !== undefined)
      await publishRotation(options.earlierKey, keyPair, { committer, storage, table, tools, keeper });
    rotations.push(...(await ownRotations({ keeper, storage })));
    // The configuration may name a key that was followed since.
    node.#followRotations();
    await keeper.settled();
    node.#annotations.start();
    node.#peering.start();
    await node.#desk.start();
    return node;
  }

  /** The timeline of a tenant; it comes into being with its first span. Throws `tenant_not_allowed` for what is no tenant name. */
  timeline(tenant: string): Timeline {
    const id = parseTenant(tenant);
    if (id === undefined)
      throw new LoglineError(
        'tenant_not_allowed',
        `${JSON.stringify(tenant.slice(0, 64))} is no tenant name`,
      );
    return new Timeline(id, {
      storage: this.#options.storage,
      table: this.#table,
      append: (owner, spans) => this.append(spans, { tenant: owner }),
      commits: () => this.#bell.commits,
      nextCommit: (signal) => this.#bell.next(signal),
      isClosed: () => this.#closed,
      annotations: this.#annotations,
    });
  }

  /** Appends spans of one tenant or several; each names its own or takes the one of `options`. Resolves when they are durable here. */
  append(spans: readonly SpanInput[], options: AppendOptions = {}): Promise<AppendReport> {
    const { storage, tools, clock, random } = this.#options;
    return appendSpans(spans, options, { storage, committer: this.#committer, tools, clock, random });
  }

  /** Tenants that have a timeline here. */
  tenants(): readonly TenantId[] {
    return [...this.#options.storage.counts().keys()];
  }

  /** Whether this node takes part in a tenant with others. */
  isFederated(tenant: TenantId): boolean {
    return this.#keeper.rules.federates(tenant);
  }

  peers(): readonly PeerInfo[] {
    return describePeers(this.#peerWorld());
  }

  /** Nodes that discovery has found and nobody has listed: trusted for nothing. */
  found(): readonly PeerInfo[] {
    return describeFound(this.#desk.candidates, this.#peerWorld());
  }

  /** Trusts the node at an address from now on, durably. With a key only that one; without, the first key seen there. */
  async trust(peer: TrustedPeer): Promise<PeerInfo> {
    return this.#infoOf(await this.#listing.list(peer));
  }

  /** Says that the key seen at a listed address is the right one. Throws `key_mismatch` where another was seen or pinned. */
  async confirm(address: string, fingerprint: Fingerprint): Promise<PeerInfo> {
    return this.#infoOf(await this.#listing.confirm(address, fingerprint));
  }

  /** Takes a peer off the list, durably; one that is configured is back after the next start. */
  unlist(address: string): Promise<void> {
    return this.#listing.unlist(address);
  }

  /** What of which tenant which listed peer durably holds, what is missing there, and since when. */
  replication(wish: ReplicationWish = {}): Promise<readonly Replication[]> {
    return reportReplication(wish, this.#world());
  }

  /** Whether connected peers read tenants as this node does, and if not what differs: see `Agreement.report`. */
  readings(wish: ReadingWish = {}): readonly PeerReading[] {
    return this.#annotations.agreement.report(wish);
  }

  /** Where a span (UUID text) came from, and why it is or is not at each listed peer; `undefined` where it is not here. */
  async explain(tenant: TenantId, id: string): Promise<SpanStory | undefined> {
    const spanId = parseSpanId(id);
    return spanId === undefined ? undefined : explainSpan(tenant, spanId, this.#world());
  }

  /** Dials a listed peer, or what discovery has found, now instead of when its backoff ends. */
  redial(address: string): void {
    const found = this.#book.byAddress(address) === undefined ? this.#desk.candidates.at(address) : undefined;
    if (found === undefined) this.#listing.redial(address);
    else this.#desk.redial(found);
  }

  /** Compares holdings with peers and waits until nothing is missing on either side, or the time is up. */
  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    const report = await runSync(options, {
      book: this.#book,
      peering: this.#peering,
      storage: this.#options.storage,
      clock: this.#options.clock,
      standing: this.#keeper,
      sharesTenant: (tenant) => (tenant === undefined ? this.#federatesAny() : this.isFederated(tenant)),
      isClosed: () => this.#closed,
      onEvent: this.#options.onEvent ?? (() => undefined),
    });
    if (report.peers.some((peer) => peer.outcome === 'in_sync')) this.#peering.lastSeen.noteInSync();
    return report;
  }

  status(): NodeStatus {
    const own = {
      syncedAtMs: this.#peering.lastSeen.inSyncAtMs,
      waitingJobs: this.#committer.waitingJobs,
      openConflicts: this.#annotations.count.openCount(),
    };
    return describeStatus(this.peers(), { storage: this.#options.storage, table: this.#table }, own);
  }

  /** Says goodbye to peers, finishes what was taken, and closes the store. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#peering.close(), this.#desk.close()]);
    await this.#committer.close();
    await this.#annotations.close();
    this.#bell.close();
    await this.#keeper.settled().catch(() => undefined);
    await this.#options.storage.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The label of a node, as far as it is known here. */
  idOf(key: Fingerprint): NodeId | undefined {
    if (key === this.fingerprint) return this.id;
    const publicKey = keyOfFingerprint(key);
    const name = publicKey === undefined ? undefined : this.#book.nameOf(publicKey);
    return name === undefined ? undefined : nodeIdOf(name);
  }

  #world(): ExplainWorld {
    const { storage, clock } = this.#options;
    const [book, peering, table] = [this.#book, this.#peering, this.#table];
    const { readings } = this.#annotations;
    const idOf = (key: Fingerprint): NodeId | undefined => this.idOf(key);
    return { book, peering, table, storage, clock, readings, standing: this.#keeper, idOf };
  }

  #federatesAny(): boolean {
    const { tenants = [] } = this.#options;
    return tenants === '*' || this.#keeper.tenants().some((tenant) => this.isFederated(tenant));
  }

  #peerWorld(): PeerWorld {
    const { clock, keyPair } = this.#options;
    const [book, peering, standing] = [this.#book, this.#peering, this.#keeper];
    const placesOf = (key: Uint8Array): readonly string[] => this.#desk.placesOf(key);
    return { book, peering, standing, clock, placesOf, ownKey: keyPair.publicKey };
  }

  #onTrustChange(): void {
    this.#followRotations();
    this.#annotations.rulesChanged();
    this.#peering.standingChanged();
  }

  #followRotations(): void {
    this.#listing.followRotations((key) => this.#keeper.graph.successorOf(key));
  }

  #infoOf(listed: ListedPeer): PeerInfo {
    const info = this.peers().find((peer) => peer.address === listed.address);
    if (info === undefined) throw new LoglineError('unknown_peer', `no peer is listed at ${listed.address}`);
    return info;
  }

  #onCommit(committed: Committed): void {
    this.#keeper.observe(committed);
    this.#annotations.observe(committed);
    this.#peering.publish(committed);
    const { clock, keyPair } = this.#options;
    countCommit(committed, { figures: this.figures, ownKey: keyPair.publicKey, nowMs: clock.now() });
    for (const [tenant, count] of spansByTenant(committed))
      this.#options.onEvent?.({ kind: 'spans_stored', tenant, count, jobs: committed.jobs });
    this.#bell.ring();
  }
}
