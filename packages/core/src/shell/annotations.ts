/** What a node knows of annotations, put together: the rules of its tenants, and the reading of spans by them. */

import { toHex } from '../bytes.js';
import {
  fingerprintOf,
  keyOfFingerprint,
  parseNodeId,
  annotationsScope,
  timelineScope,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from '../identity.js';
import { acceptedRanges, digestHoldings } from '../holdings.js';
import type { NodeOptions } from '../node-options.js';
import { Agreement, type ReadingSession } from './agreement.js';
import type { Committed, Committer } from './committer.js';
import { ConflictBook } from './conflict-book.js';
import { ConflictCount } from './conflict-count.js';
import { ConflictJudge } from './conflict-judge.js';
import { ConflictRules } from './conflict-rules.js';
import type { HoldingsTable } from './holdings-table.js';
import { SpanReadings } from './span-readings.js';
import type { AnnotatorWorld, ReadingDigest } from './annotator.js';
import type { TrustKeeper } from './trust-keeper.js';

export interface AnnotationsWorld {
  readonly options: Pick<
    NodeOptions,
    'name' | 'keyPair' | 'storage' | 'clock' | 'tools' | 'conflictPolicy' | 'primaryNodes'
  >;
  readonly keeper: TrustKeeper;
  readonly committer: Committer;
  readonly table: HoldingsTable;
  readonly sessions: () => readonly ReadingSession[];
  readonly id: NodeId;
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
  /** The key of a known node by its id, name, address or fingerprint. */
  readonly keyOf: (node: string) => Uint8Array | undefined;
}

export class Annotations implements AnnotatorWorld {
  readonly rules: ConflictRules;
  readonly readings: SpanReadings;
  readonly judge: ConflictJudge;
  readonly conflicts: ConflictBook;
  readonly count: ConflictCount;
  readonly agreement: Agreement;
  readonly committer: Committer;
  readonly tools: NodeOptions['tools'];
  readonly ownKey: Uint8Array;
  readonly #world: AnnotationsWorld;

  constructor(world: AnnotationsWorld) {
    this.#world = world;
    const { options, keeper, committer } = world;
    const { storage, tools, clock } = options;
    this.committer = committer;
    this.tools = tools;
    this.ownKey = options.keyPair.publicKey;
    this.rules = new ConflictRules({
      rules: keeper.rules,
      version: () => keeper.version,
      policy: options.conflictPolicy ?? 'timestamp',
      primaryNodes: () => this.#primaryNodes(),
      successorOf: (key) => keeper.graph.successorOf(key),
      crypto: tools.crypto,
    });
    this.readings = new SpanReadings({ storage, tools, clock, rulesOf: (tenant) => this.rules.of(tenant) });
    const { readings, rules } = this;
    this.judge = new ConflictJudge({ tools, clock, readings, rules });
    this.conflicts = new ConflictBook({ storage, tools, judge: this.judge });
    const { table, sessions, idOf } = world;
    this.count = new ConflictCount({ storage, clock, judge: this.judge, feeds: () => table.feeds() });
    const acceptedOf = (tenant: TenantId): Uint8Array => this.#acceptedOf(tenant);
    const rulesOf = (tenant: TenantId): Uint8Array => rules.digest(tenant);
    this.agreement = new Agreement({ table, clock, sessions, idOf, rulesOf, acceptedOf });
  }

  start(): void {
    this.count.start();
    this.agreement.start();
  }

  /** Takes what a commit brought. Called in the order of commits. */
  observe(committed: Committed): void {
    this.count.observe(committed);
    this.agreement.observe(committed);
  }

  /** Policies, priorities, bars or rights may have changed. */
  rulesChanged(): void {
    this.count.rulesChanged();
    this.agreement.rulesChanged();
  }

  async close(): Promise<void> {
    this.agreement.close();
    await this.count.close();
  }

  /** Two nodes with equal digests read every span of a tenant alike; where they differ, which of the two says why. In hex. */
  digestOf(tenant: TenantId): ReadingDigest {
    return { rules: toHex(this.rules.digest(tenant)), accepted: toHex(this.#acceptedOf(tenant)) };
  }

  #acceptedOf(tenant: TenantId): Uint8Array {
    const { table } = this.#world;
    const accepted = [annotationsScope(tenant), timelineScope(tenant)]
      .flatMap((scope) => table.under(`${scope}\0`))
      .map((feed) => ({ key: feed.key, ranges: acceptedRanges(feed) }))
      .filter(({ ranges }) => ranges.length > 0);
    return digestHoldings(accepted, this.tools.crypto);
  }

  /** Of the configured ones those whose keys are known. */
  #primaryNodes(): readonly Fingerprint[] {
    const { options, id, keyOf } = this.#world;
    return (options.primaryNodes ?? []).flatMap((named) => {
      if (parseNodeId(named) === id) return [fingerprintOf(this.ownKey)];
      const key = keyOfFingerprint(named) ?? keyOf(named);
      return key === undefined ? [] : [fingerprintOf(key)];
    });
  }
}
