/** What a node counts while it works: plain numbers that whoever watches it reads when they are asked for. */

import { statementsOfScope, tenantOfAnnotations, tenantOfTimeline } from './identity.js';

export const SCOPE_KINDS = ['timeline', 'annotations', 'access', 'trust', 'acts'] as const;
export type ScopeKind = (typeof SCOPE_KINDS)[number];

/** `undefined` for a scope that this version does not know. */
export function kindOfScope(scope: string): ScopeKind | undefined {
  if (tenantOfTimeline(scope) !== undefined) return 'timeline';
  if (tenantOfAnnotations(scope) !== undefined) return 'annotations';
  return statementsOfScope(scope);
}

/** How often a value was at most each bound, as a histogram of Prometheus counts. */
export class Buckets {
  readonly bounds: readonly number[];
  /** Beside each bound: values above the bound before it and at most this one; one more for those above all. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  note(value: number): void {
    let i = 0;
    while (i < this.bounds.length && value > (this.bounds[i] ?? 0)) i++;
    this.counts[i] = (this.counts[i] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }
}

/** Entries and the spans in them. */
export interface Moved {
  entries: number;
  spans: number;
}

/** Of one kind of scope: what this node wrote, what it took from peers, and what it sent to them. */
export interface ScopeFigures {
  readonly written: Moved;
  readonly received: Moved;
  readonly sent: Moved;
}

/** Bytes of messages before compression and as they went into the encryption. */
export interface WireFigures {
  plainBytes: number;
  packedBytes: number;
}

const MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 30_000];
const LAG_MS = [5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 30_000, 300_000, 3_600_000, 86_400_000];
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000];

export class NodeFigures {
  readonly scopes: Readonly<Record<ScopeKind, ScopeFigures>> = {
    timeline: noneOfScope(),
    annotations: noneOfScope(),
    access: noneOfScope(),
    trust: noneOfScope(),
    acts: noneOfScope(),
  };
  readonly wireIn: WireFigures = { plainBytes: 0, packedBytes: 0 };
  readonly wireOut: WireFigures = { plainBytes: 0, packedBytes: 0 };
  /** Jobs and spans that became durable together. */
  readonly commitJobs = new Buckets(COUNTS);
  readonly commitSpans = new Buckets(COUNTS);
  /** From the writing of an entry, by its origin's clock, to its being durable here; of entries from peers. */
  readonly lagMs = new Buckets(LAG_MS);
  /** How long the disk took to make a commit durable. */
  readonly syncMs = new Buckets(MS);
}

function noneOfScope(): ScopeFigures {
  return {
    written: { entries: 0, spans: 0 },
    received: { entries: 0, spans: 0 },
    sent: { entries: 0, spans: 0 },
  };
}
