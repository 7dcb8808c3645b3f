/** Group commit: everything that waits is checked in order, made durable with one sync, and only then published. */

import { passGate } from '../gate.js';
import { EMPTY } from '../bytes.js';
import { compareStamps, nextStamp, observeStamp, STAMP_ZERO, type Stamp } from '../clock.js';
import type { Content } from '../content.js';
import type { Header } from '../entry.js';
import { assert, LoglineError } from '../errors.js';
import type { Feed, FeedKey } from '../feed.js';
import type { Scope, TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Clock, KeyPair, Tools } from '../ports.js';
import type { Push } from '../session-state.js';
import type { Span, SpanId } from '../span.js';
import type { AcceptedEntry, Storage } from '../storage.js';
import { AppendPlan, type AppendResult, type RetriedSpans } from './append-plan.js';
import { Draft } from './draft.js';
import { resolveHeld } from './evidence.js';
import type { HoldingsTable } from './holdings-table.js';
import type { GatedEntries, GateJob, Job, Pen, Saying } from './jobs.js';
import { SayPlan } from './say-plan.js';
import { Sealer } from './sealer.js';
import { takesBack } from './statement-log.js';

/** What a commit made durable. */
export interface Committed {
  readonly feeds: readonly Feed[];
  /** Entries of our own, in order. */
  readonly pushes: readonly Push[];
  readonly entries: readonly AcceptedEntry[];
  /** Work committed together. */
  readonly jobs: number;
}

export interface CommitterOptions {
  readonly storage: Storage;
  readonly table: HoldingsTable;
  readonly tools: Tools;
  readonly clock: Clock;
  readonly keyPair: KeyPair;
  /** The epoch of our feeds once a peer that we trust has taken us back; without it they go on. */
  readonly renewal?:
    | { readonly epoch: () => Uint8Array; readonly trusts: (key: Uint8Array) => boolean }
    | undefined;
  /** Why an entry of a peer must stay out for now; without it none does. */
  readonly refuses?: ((header: Header, feed: Feed) => string | undefined) | undefined;
  /** Called after each commit, before its callers are answered. */
  readonly onCommit: (committed: Committed) => void;
}

const NONE: RetriedSpans = new Map();
const NO_CONTENT: Content = { spans: [], statements: [], assertions: [] };

export class Committer {
  readonly #options: CommitterOptions;
  #queue: Job[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;
  #stamp: Stamp = STAMP_ZERO;
  #epoch: Uint8Array;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#epoch = options.storage.run;
    // A restart must not set the clock back behind what was stamped before it.
    for (const { ranges } of options.table.feeds()) {
      for (const { head } of ranges) this.#observe(head.stamp);
    }
  }

  /** Appends checked spans to a tenant's timeline. Resolves when they are durable here. `retried`: see `AppendPlan.add`. */
  append(tenant: TenantId, spans: readonly Span[], retried: RetriedSpans = NONE): Promise<AppendResult> {
    const bytes = spans.reduce((sum, span) => sum + span.bytes.length, 0);
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'append', tenant, spans, retried, bytes, done, failed }),
    );
  }

  /** Takes a frame of entries through the gate. Resolves when what was accepted is durable here. */
  gate(entries: readonly Uint8Array[], mayReceive: (scope: Scope) => boolean): Promise<GatedEntries> {
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'gate', entries, mayReceive, outcomes: [], bytes, done, failed }),
    );
  }

  /** Keeps a fact durably: the latest value of a name counts. */
  remember(name: string, value: Uint8Array): Promise<void> {
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'fact', name, value, bytes: value.length, done, failed }),
    );
  }

  /** Writes what `work` drafts. Resolves with its result when all of it is durable here; rejects with what it threw, and nothing is written. */
  write<T>(work: (pen: Pen) => Promise<T>): Promise<T> {
    return new Promise((resolve, failed) => {
      const job = async (pen: Pen): Promise<() => void> => {
        const result = await work(pen);
        return () => resolve(result);
      };
      this.#enqueue({ kind: 'write', work: job, bytes: 0, done: () => undefined, failed });
    });
  }

  /**
   * Says what `plan` finds is to be said of a span. Of one span a commit says one thing: the next plan is made when that
   * is readable. Resolves when it is durable here; rejects with what the plan threw, and nothing is said.
   */
  say(tenant: TenantId, span: SpanId, plan: () => Promise<Saying>): Promise<void> {
    return new Promise((done, failed) =>
      this.#enqueue({ kind: 'say', tenant, span, plan, bytes: 0, done, failed }),
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
    // Peers are held back by their credit, and must not be cut off because writers here are many.
    const isFull =
      this.#waitingBytes + job.bytes > LIMITS.waitingBytes || this.#queue.length >= LIMITS.waitingJobs;
    if ((job.kind === 'append' || job.kind === 'say') && isFull && this.#queue.length > 0) {
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
      // What is written together fails together, and must take nothing of anybody else's along: it has a commit of its own.
      if (count > 0 && (job.kind === 'write' || this.#queue[0]?.kind === 'write')) break;
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
    const sealer = new Sealer({
      storage,
      tools,
      keyPair,
      draft,
      epoch: this.#epoch,
      nextStamp: () => this.#nextStamp(),
    });
    const plan = new AppendPlan({ storage, sealer });
    const says = new SayPlan(sealer);
    const pen: Pen = {
      seal: (scope, statements, by) => sealer.seal(scope, { ...NO_CONTENT, statements }, by),
      fact: (name, value) => void draft.records.push({ kind: 'fact', name, value }),
      draft,
    };
    const deferred: Job[] = [];
    // What cannot be looked up is met again by the job that needs it, which then fails alone.
    await plan.anticipate(jobs.filter((job) => job.kind === 'append')).catch(() => undefined);
    for (const job of jobs) {
      try {
        // Frames stay in order: behind one that did not fit, none is begun.
        const isBehind = job.kind === 'gate' && deferred.some(({ kind }) => kind === 'gate');
        if (isBehind || (job.kind === 'gate' && !(await this.#passSome(job, draft)))) deferred.push(job);
        else if (job.kind === 'say' && !says.claim(job.tenant, job.span)) deferred.push(job);
        else answers.push(await this.#prepare(job, { plan, says, pen }));
      } catch (error) {
        // Half of what belongs together may be drafted.
        if (job.kind === 'write') throw error;
        // What cannot be checked, because the log cannot be read there, fails alone.
        job.failed(error);
      }
    }
    this.#queue.unshift(...deferred);
    this.#waitingBytes += deferred.reduce((sum, job) => sum + job.bytes, 0);
    await plan.seal();
    await says.seal();
    const positions = await storage.commit(draft.records);
    plan.placed(draft.records, positions);
    for (const feed of draft.feeds()) table.set(feed);
    for (const { header } of draft.entries) this.#observe(header.stamp);
    this.#renew(draft.entries);
    if (draft.records.length > 0) {
      this.#options.onCommit({
        feeds: [...draft.feeds()],
        pushes: sealer.pushes,
        entries: draft.entries,
        jobs: jobs.length,
      });
    }
    for (const answer of answers) answer();
  }

  /** Drafts what a job brings; the answer is given once it is durable. */
  async #prepare(
    job: Job,
    { plan, says, pen }: { readonly plan: AppendPlan; readonly says: SayPlan; readonly pen: Pen },
  ): Promise<() => void> {
    switch (job.kind) {
      case 'append': {
        const planned = await plan.add(job.tenant, job.spans, job.retried);
        return () => job.done(planned());
      }
      case 'gate':
        return () => job.done({ outcomes: job.outcomes });
      case 'fact':
        pen.fact(job.name, job.value);
        return () => job.done();
      case 'write':
        return job.work(pen);
      case 'say': {
        const { assertions, after } = await job.plan();
        this.#observe(after);
        says.add(job.tenant, assertions);
        return () => job.done();
      }
      default:
        return job satisfies never;
    }
  }

  /**
   * Takes entries of a frame through the gate until all are through, one is at fault, or the commit weighs enough:
   * a few compressed bytes may hold many spans. False where some are left for the next commit.
   */
  async #passSome(job: GateJob, draft: Draft): Promise<boolean> {
    const { tools, storage, clock, refuses = () => undefined } = this.#options;
    const { mayReceive } = job;
    const world = { tools, mayReceive, refuses, feed: (key: FeedKey): Feed => draft.feed(key) };
    let breathBytes = 0;
    while (job.outcomes.length < job.entries.length && job.outcomes.at(-1)?.kind !== 'fault') {
      if (draft.weightBytes >= LIMITS.gateCommitBytes) return false;
      const bytes = job.entries[job.outcomes.length];
      assert(bytes !== undefined, 'an entry is left');
      const before = draft.weightBytes;
      let outcome = passGate(bytes, world);
      if (outcome.kind === 'held') outcome = await resolveHeld(outcome, { draft, storage, tools });
      if (outcome.kind === 'accepted') {
        draft.add(outcome.entry);
        // The spans leave memory with their commit, not with the frame.
        outcome = { kind: 'accepted', entry: { ...outcome.entry, ...NO_CONTENT, bytes: EMPTY } };
      }
      if (outcome.kind === 'fork') await draft.fork(outcome, storage);
      draft.weigh(LIMITS.gateEntryBytes);
      job.outcomes.push(outcome);
      breathBytes += draft.weightBytes - before;
      if (breathBytes < LIMITS.gateBreathBytes) continue;
      // Checking goes on after everything else has had its turn.
      breathBytes = 0;
      await new Promise<void>((resolve) => void clock.after(0, resolve));
    }
    return true;
  }

  /**
   * What a revoked key went on writing stays out at those who take it back: what counts for them begins after that, in
   * feeds of another epoch.
   */
  #renew(entries: readonly AcceptedEntry[]): void {
    const { renewal, keyPair } = this.#options;
    const isBack = (entry: AcceptedEntry): boolean =>
      takesBack(entry, keyPair.publicKey) && renewal?.trusts(entry.header.origin) === true;
    if (renewal !== undefined && entries.some(isBack)) this.#epoch = renewal.epoch();
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
