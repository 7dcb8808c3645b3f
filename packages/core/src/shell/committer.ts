/** Group commit: everything that waits is checked in order, made durable with one sync, and only then published. */

import { passGate, type GateOutcome } from '../gate.js';
import { compareStamps, nextStamp, observeStamp, STAMP_ZERO, type Stamp } from '../clock.js';
import { assert, LoglineError } from '../errors.js';
import { extendFeed, holdsEntry, type Feed, type FeedKey } from '../feed.js';
import type { Scope, TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Clock, KeyPair, Tools } from '../ports.js';
import type { Push } from '../session-state.js';
import type { Span } from '../span.js';
import type { AcceptedEntry, Storage, StoreRecord } from '../storage.js';
import { AppendPlan, type AppendResult } from './append-plan.js';
import { resolveHeld } from './evidence.js';
import type { HoldingsTable } from './holdings-table.js';

/** What a commit made durable. */
export interface Committed {
  readonly feeds: readonly Feed[];
  /** Entries of our own, in order. */
  readonly pushes: readonly Push[];
  readonly entries: readonly AcceptedEntry[];
  /** Work committed together. */
  readonly jobs: number;
}

/** Outcomes of a frame of entries, up to and including the first fault. */
export interface GatedEntries {
  readonly outcomes: readonly GateOutcome[];
}

export interface CommitterOptions {
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly tools: Tools;
  readonly clock: Clock;
  readonly keyPair: KeyPair;
  /** Called after each commit, before its callers are answered. */
  readonly onCommit: (committed: Committed) => void;
}

type Job =
  | {
      readonly kind: 'append';
      readonly tenant: TenantId;
      readonly spans: readonly Span[];
      readonly retried: ReadonlySet<Span>;
      readonly bytes: number;
      done: (result: AppendResult) => void;
      failed: (error: unknown) => void;
    }
  | {
      readonly kind: 'gate';
      readonly entries: readonly Uint8Array[];
      readonly mayReceive: (scope: Scope) => boolean;
      readonly bytes: number;
      done: (gated: GatedEntries) => void;
      failed: (error: unknown) => void;
    }
  | {
      readonly kind: 'fact';
      readonly name: string;
      readonly value: Uint8Array;
      readonly bytes: number;
      done: () => void;
      failed: (error: unknown) => void;
    };

const NONE: ReadonlySet<Span> = new Set();

export class Committer {
  readonly #options: CommitterOptions;
  #queue: Job[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;
  #stamp: Stamp = STAMP_ZERO;

  constructor(options: CommitterOptions) {
    this.#options = options;
    // A restart must not set the clock back behind what was stamped before it.
    for (const { ranges } of options.table.feeds()) {
      for (const { head } of ranges) this.#observe(head.stamp);
    }
  }

  /** Appends checked spans to a tenant's timeline. Resolves when they are durable here. `retried`: see `AppendPlan.add`. */
  append(tenant: TenantId, spans: readonly Span[], retried: ReadonlySet<Span> = NONE): Promise<AppendResult> {
    const bytes = spans.reduce((sum, span) => sum + span.bytes.length, 0);
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'append', tenant, spans, retried, bytes, done, failed }),
    );
  }

  /** Takes a frame of entries through the gate. Resolves when what was accepted is durable here. */
  gate(entries: readonly Uint8Array[], mayReceive: (scope: Scope) => boolean): Promise<GatedEntries> {
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'gate', entries, mayReceive, bytes, done, failed }),
    );
  }

  /** Keeps a fact durably: the latest value of a name counts. */
  remember(name: string, value: Uint8Array): Promise<void> {
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'fact', name, value, bytes: value.length, done, failed }),
    );
  }

  get waitingJobs(): number {
    return this.#queue.length;
  }

  /** Finishes what was taken; refuses what comes later. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running !== undefined) await this.#running;
  }

  #enqueue(job: Job): void {
    if (this.#closed)
      return job.failed(
        new LoglineError('closed', 'the node is closing: retry on another node or after the restart'),
      );
    const isFull =
      this.#waitingBytes + job.bytes > LIMITS.waitingBytes || this.#queue.length >= LIMITS.waitingJobs;
    if (isFull && this.#queue.length > 0) {
      return job.failed(
        new LoglineError('overloaded', 'too much waits for the disk already: retry in a moment'),
      );
    }
    this.#queue.push(job);
    this.#waitingBytes += job.bytes;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Callers of this turn of the event loop come along.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const jobs = this.#take();
      try {
        await this.#commit(jobs);
      } catch (error) {
        for (const job of jobs) job.failed(error);
      }
    }
    // In the same turn as the look at the queue: a job that came in between would wait for ever.
    this.#running = undefined;
  }

  #take(): readonly Job[] {
    let bytes = 0;
    let count = 0;
    for (const job of this.#queue) {
      if (count > 0 && (bytes + job.bytes > LIMITS.commitBytes || count >= LIMITS.commitJobs)) break;
      bytes += job.bytes;
      count++;
    }
    this.#waitingBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const { storage, table, tools, keyPair } = this.#options;
    const draft = new Draft(table);
    const answers: (() => void)[] = [];
    const plan = new AppendPlan({ storage, tools, keyPair, draft, nextStamp: () => this.#nextStamp() });
    for (const job of jobs) {
      try {
        answers.push(await this.#prepare(job, plan, draft));
      } catch (error) {
        // What cannot be checked, because the log cannot be read there, fails alone.
        job.failed(error);
      }
    }
    await plan.seal();
    const positions = await storage.commit(draft.records);
    plan.placed(draft.records, positions);
    for (const feed of draft.feeds()) table.set(feed);
    for (const { header } of draft.entries) this.#observe(header.stamp);
    if (draft.records.length > 0) {
      this.#options.onCommit({
        feeds: [...draft.feeds()],
        pushes: plan.pushes,
        entries: draft.entries,
        jobs: jobs.length,
      });
    }
    for (const answer of answers) answer();
  }

  /** Drafts what a job brings; the answer is given once it is durable. */
  async #prepare(job: Job, plan: AppendPlan, draft: Draft): Promise<() => void> {
    switch (job.kind) {
      case 'append': {
        const planned = await plan.add(job.tenant, job.spans, job.retried);
        return () => job.done(planned());
      }
      case 'gate': {
        const gated = await this.#passAll(job.entries, job.mayReceive, draft);
        return () => job.done(gated);
      }
      case 'fact':
        draft.records.push({ kind: 'fact', name: job.name, value: job.value });
        return () => job.done();
      default:
        return job satisfies never;
    }
  }

  async #passAll(
    entries: readonly Uint8Array[],
    mayReceive: (scope: Scope) => boolean,
    draft: Draft,
  ): Promise<GatedEntries> {
    const { tools, storage } = this.#options;
    const world = { tools, mayReceive, feed: (key: FeedKey): Feed => draft.feed(key) };
    const outcomes: GateOutcome[] = [];
    for (const bytes of entries) {
      let outcome = passGate(bytes, world);
      if (outcome.kind === 'held') outcome = await resolveHeld(outcome, { draft, storage, tools });
      if (outcome.kind === 'accepted') draft.add(outcome.entry);
      if (outcome.kind === 'fork') await draft.fork(outcome, storage);
      outcomes.push(outcome);
      if (outcome.kind === 'fault') break;
    }
    return { outcomes };
  }

  #observe(stamp: Stamp): void {
    this.#stamp = observeStamp(this.#stamp, stamp, this.#options.clock.now());
  }

  #nextStamp(): Stamp {
    const next = nextStamp(this.#stamp, this.#options.clock.now());
    assert(compareStamps(next, this.#stamp) > 0, 'stamps of one process increase');
    this.#stamp = next;
    return next;
  }
}

/** The feeds as they will be once everything drafted is durable. */
export class Draft {
  readonly records: StoreRecord[] = [];
  readonly entries: AcceptedEntry[] = [];
  readonly #table: HoldingsTable;
  readonly #changed = new Map<FeedKey, Feed>();

  constructor(table: HoldingsTable) {
    this.#table = table;
  }

  feed(key: FeedKey): Feed {
    return this.#changed.get(key) ?? this.#table.feed(key);
  }

  feeds(): Iterable<Feed> {
    return this.#changed.values();
  }

  allFeeds(): Iterable<Feed> {
    return this.#table.feeds();
  }

  /** One more entry, checked or just signed. */
  add(entry: AcceptedEntry): void {
    const feed = this.feed(entry.key);
    this.#changed.set(entry.key, extendFeed(feed, entry));
    this.entries.push(entry);
    this.records.push({ kind: 'entry', entry });
  }

  /** R7: both entries are kept as proof, and the feed takes nothing more from there on. */
  async fork(
    fork: { readonly key: FeedKey; readonly seq: number; readonly bytes: Uint8Array },
    storage: Storage,
  ): Promise<void> {
    const feed = this.feed(fork.key);
    if (feed.forkedAt !== undefined && feed.forkedAt <= fork.seq) return;
    // The entry held at the same place contradicts; else one of the neighbours does, by the hash it has or names.
    const holds = (seq: number): boolean => holdsEntry(feed, seq);
    const witnesses = holds(fork.seq) ? [fork.seq] : [fork.seq - 1, fork.seq + 1].filter(holds);
    const proof: Uint8Array[] = [];
    for (const seq of witnesses) {
      const drafted = this.entries.find((entry) => entry.key === fork.key && entry.header.seq === seq);
      const [stored] =
        drafted === undefined
          ? await storage.entries(fork.key, { from: seq, to: seq, bytesMost: 1 })
          : [drafted];
      if (stored !== undefined) proof.push(stored.bytes);
    }
    proof.push(fork.bytes);
    this.#changed.set(fork.key, { ...feed, forkedAt: fork.seq });
    this.records.push({ kind: 'fork', key: fork.key, seq: fork.seq, proof });
  }
}
