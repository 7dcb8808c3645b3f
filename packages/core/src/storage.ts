/** The storage port: what a node keeps, and when it may believe that it is kept. `store/` implements it over a log. */

import type { Assertion, PlacedAssertion } from './assertion.js';
import type { Bar, Feed, FeedKey } from './feed.js';
import type { Header } from './entry.js';
import type { TenantId } from './identity.js';
import type { InstantKey } from './instant.js';
import type { Span, SpanId } from './span.js';
import type { Statement } from './statement.js';

/** An entry that the gate accepted, or that we signed ourselves, with everything that is known of it. */
export interface AcceptedEntry {
  readonly key: FeedKey;
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly changeHash: Uint8Array;
  readonly changeBytes: number;
  readonly bytes: Uint8Array;
  readonly spans: readonly Span[];
  readonly statements: readonly Statement[];
  readonly assertions: readonly Assertion[];
}

/** How much of a feed is quarantined. */
export interface Tally {
  readonly entries: number;
  readonly spans: number;
}

/** What a new bar, or none, makes of the feed as it is held: `clip` as in `Feed`, and what lies at or above the bar. */
export interface Withheld extends Tally {
  readonly clip: Uint8Array | undefined;
}

/** What is to be made durable, in order. A `fact` is this node's own memory, such as a peer it trusts: the latest of a name counts. */
export type StoreRecord =
  | { readonly kind: 'entry'; readonly entry: AcceptedEntry }
  | { readonly kind: 'fact'; readonly name: string; readonly value: Uint8Array }
  /** R7: two signed histories, and the signed entries that show it. */
  | {
      readonly kind: 'fork';
      readonly key: FeedKey;
      readonly seq: number;
      readonly proof: readonly Uint8Array[];
      readonly withheld: Withheld;
    }
  /** Where this node bars a feed from now on, or that it bars it no more. */
  | {
      readonly kind: 'bar';
      readonly key: FeedKey;
      readonly bar: Bar | undefined;
      readonly withheld: Withheld;
    };

/** A place in the order of arrival: after span `index` of the record at `position`. */
export interface Arrival {
  readonly position: number;
  readonly index: number;
}

/** An arrival with the run (process start) that wrote it, so that a cursor of a restored store is told apart. */
export interface ArrivalCursor extends Arrival {
  readonly run: Uint8Array;
}

/** One body stored under a span id, and what the reading order of bodies needs. */
export interface SpanVariant {
  readonly arrival: Arrival;
  readonly key: FeedKey;
  readonly origin: Uint8Array;
  readonly header: Pick<Header, 'stamp' | 'seq'>;
}

/** A row of a timeline in reading order. */
export interface TimelineRow {
  readonly instant: InstantKey;
  readonly id: SpanId;
  readonly arrival: Arrival;
}

export interface StoredEntry {
  /** Where its record begins. */
  readonly position: number;
  readonly bytes: Uint8Array;
  /** How many spans are in it, where that was known without looking into it. */
  readonly spans?: number | undefined;
}

/** A record from which on another part of a feed is quarantined than before: from seq `now` instead of `was`; infinity: nothing. */
export interface Shift {
  readonly position: number;
  readonly key: FeedKey;
  readonly was: number;
  readonly now: number;
}

/** A feed with a bar, and what lies behind it. */
export interface Quarantined extends Bar, Tally {
  readonly key: FeedKey;
  /** The last seq that is held; below `from` where nothing is quarantined. */
  readonly to: number;
}

/** A field of a span; `identity` for which of its bodies is meant. */
export interface ContestedPlace {
  readonly tenant: TenantId;
  readonly span: SpanId;
  readonly field: string;
}

/** A field that several origins spoke of, or a span that several brought: whether they are at odds is to be judged. */
export interface Contested {
  readonly span: SpanId;
  readonly field: string;
  /** Grows with all that is said of it, accepted or not. */
  readonly touches: number;
  readonly verdict: Verdict | undefined;
}

/** What was found of a contested field. It holds while `touches` are those of the place, and `config` is what decides now. */
export interface Verdict {
  readonly state: 'none' | 'open' | 'settled';
  /** 32 bytes that stand for the policy, and for what was quarantined. */
  readonly config: Uint8Array;
  readonly touches: number;
  /** Before this a stamp that was counted lay ahead: where the clock was set back the verdict holds no more. In ms since 1970. */
  readonly sinceMs: number;
  /** When a stamp that lay ahead comes due. */
  readonly recheckAtMs: number | undefined;
}

/** What the storage holds of annotations. */
export interface AnnotationStore {
  /** Whether anything was ever said of a span, accepted or not. Synchronous: readers ask for each span. */
  has(tenant: TenantId, id: SpanId): boolean;
  /**
   * What is said of a span in accepted entries, in no order. Of one feed about one field or tag the latest
   * `LIMITS.assertionsPerField` by seq (of notes more), and so about `LIMITS.assertedFields` of them.
   */
  about(tenant: TenantId, id: SpanId): Promise<readonly PlacedAssertion[]>;
  /** What may be contested of a tenant, or of one span, ascending from behind `after` on. */
  contested(
    tenant: TenantId,
    page: {
      readonly after?: Pick<ContestedPlace, 'span' | 'field'> | undefined;
      readonly span?: SpanId | undefined;
      readonly limit: number;
    },
  ): Promise<readonly Contested[]>;
  /** Keeps what was found of a contested field, not durably: it can be found again. Returns what was kept before. */
  keepVerdict(place: ContestedPlace, verdict: Verdict): Verdict | undefined;
  /** Where something was said of a contested field since the last call; `undefined` where that was too much to remember. */
  takeTouched(): readonly ContestedPlace[] | undefined;
}

export interface StorageFigures {
  readonly logBytes: number;
  readonly entries: number;
  readonly readOnly: string | undefined;
}

export interface Storage {
  /** This process start: 8 random bytes, the epoch of every feed that it writes. */
  readonly run: Uint8Array;
  readonly annotations: AnnotationStore;
  /** All feeds as they were at opening. The node keeps its own copy up to date. */
  feeds(): readonly Feed[];
  /** The latest value of every fact. */
  facts(): ReadonlyMap<string, Uint8Array>;
  /**
   * Spans by tenant: the ids stored, each counted once, less the spans of quarantined entries. It is what a reader finds
   * but for ids under which several bodies were stored: such a one may count once too little while one of its bodies is
   * quarantined, or once too much where another was stored meanwhile.
   */
  counts(): ReadonlyMap<TenantId, number>;
  /**
   * Resolves when all records are durable and readable, with the position of each.
   * Rejects with `disk_failed` or `read_only`; after the first failure nothing more is taken until a restart.
   */
  commit(records: readonly StoreRecord[]): Promise<readonly number[]>;
  /** Entries `from` to `to` of a feed, quarantined or not, in order, until about `bytesMost` bytes or the first that is absent. */
  entries(
    key: FeedKey,
    range: { readonly from: number; readonly to: number; readonly bytesMost: number },
  ): Promise<readonly StoredEntry[]>;
  /** What is held of a feed at or above a seq. */
  tally(key: FeedKey, from: number): Promise<Tally>;
  /** Every feed with a bar. */
  quarantined(): Promise<readonly Quarantined[]>;
  /** The signed entries that show the fork at `forkedAt`; empty where there is none. */
  forkProof(key: FeedKey): Promise<readonly Uint8Array[]>;
  /**
   * The bodies accepted under an id, latest stamp first; empty when there is none. What is quarantined is left out.
   * Synchronous: appends ask for each span.
   */
  variants(tenant: TenantId, id: SpanId): readonly SpanVariant[];
  /** Looks up many ids at once: until the next commit ends, `variants` has them at hand. */
  anticipate(tenant: TenantId, ids: readonly SpanId[]): Promise<void>;
  /** The span at a place. Rejects with `damaged` where the log does not hold what was written. */
  span(arrival: Arrival): Promise<Span>;
  /**
   * Rows with `from <= (instant, id) < to`, ascending. Bounds are instant keys, with or without an id behind.
   * There are rows of quarantined spans too: `variants` tells.
   */
  rows(
    tenant: TenantId,
    range: { readonly from: string; readonly to: string; readonly limit: number },
  ): Promise<readonly TimelineRow[]>;
  /** Entries and shifts, each in order of arrival, from the record at `position` on, and the position after the last one looked at. */
  arrivals(
    position: number,
    bytesMost: number,
  ): Promise<{
    readonly entries: readonly StoredEntry[];
    readonly shifts: readonly Shift[];
    readonly next: number;
  }>;
  /** The newest place of all; a follower that starts there sees only what comes later. */
  end(): ArrivalCursor;
  /** The cursor of a place. */
  cursorAt(arrival: Arrival): ArrivalCursor;
  /** Whether this store wrote that place in that run, and a record begins there. If not, a follower has to start over. */
  knowsCursor(cursor: ArrivalCursor): Promise<boolean>;
  figures(): StorageFigures;
  close(): Promise<void>;
}
