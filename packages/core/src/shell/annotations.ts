/** What a node knows of annotations, put together: the rules of its tenants, and the reading of spans by them. */

import { toHex } from '../bytes.js';
import {
  fingerprintOf,
  keyOfFingerprint,
  parseNodeId,
  tenantOfContent,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from '../identity.js';
import { scopeOfFeed, type Feed } from '../feed.js';
import { acceptedRanges, digestHoldings } from '../holdings.js';
import type { NodeOptions } from '../node-options.js';
import type { Committer } from './committer.js';
import { ConflictBook } from './conflict-book.js';
import { ConflictCount } from './conflict-count.js';
import { ConflictJudge } from './conflict-judge.js';
import { ConflictRules } from './conflict-rules.js';
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
  readonly feeds: () => Iterable<Feed>;
  readonly id: NodeId;
  /** The key of a known node by its id, name, address or fingerprint. */
  readonly keyOf: (node: string) => Uint8Array | undefined;
}

export class Annotations implements AnnotatorWorld {
  readonly rules: ConflictRules;
  readonly readings: SpanReadings;
  readonly judge: ConflictJudge;
  readonly conflicts: ConflictBook;
  readonly count: ConflictCount;
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
    this.count = new ConflictCount({ storage, clock, judge: this.judge, feeds: world.feeds });
  }

  /** Two nodes with equal digests read every span of a tenant alike; where they differ, which of the two says why. In hex. */
  digestOf(tenant: TenantId): ReadingDigest {
    const { crypto } = this.tools;
    const ofTenant = [...this.#world.feeds()].filter(
      ({ key }) => tenantOfContent(scopeOfFeed(key)) === tenant,
    );
    const accepted = ofTenant
      .map((feed) => ({ key: feed.key, ranges: acceptedRanges(feed) }))
      .filter(({ ranges }) => ranges.length > 0)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return { rules: toHex(this.rules.digest(tenant)), accepted: toHex(digestHoldings(accepted, crypto)) };
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
