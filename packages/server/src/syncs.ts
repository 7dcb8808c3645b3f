/** Syncs on demand and at intervals: answered within a request where they can be, and as jobs where they take longer. */

import { randomUUID } from 'node:crypto';
import {
  formatMs,
  LoglineError,
  type FederationNode,
  type NodeId,
  type PeerSync,
  type SyncReport,
  type TenantId,
} from '@logline/federation-core';
import type { z } from 'zod';
import { callerKey, isNamed, type Caller } from './caller.js';
import { SERVER_LIMITS } from './limits.js';
import type { Metrics } from './metrics.js';
import type { peerSync, syncJob, syncResult } from './schemas.js';

export interface SyncWish {
  readonly peerIds?: readonly NodeId[] | undefined;
  readonly tenant?: TenantId | undefined;
  /** Only what was written from then on; ms since 1970. */
  readonly sinceMs?: number | undefined;
}

type Result = z.output<typeof syncResult>;

interface Job {
  readonly id: string;
  readonly tenant: TenantId | undefined;
  /** Who began it; `undefined` for the node itself. */
  readonly by: string | undefined;
  readonly startedAtMs: number;
  readonly done: Promise<void>;
  result: Result | undefined;
  failure: Error | undefined;
  finishedAtMs: number | undefined;
}

const WATCH_MS = 250;

export class Syncs {
  readonly #node: Pick<FederationNode, 'sync' | 'peers'>;
  readonly #metrics: Metrics;
  readonly #closing: AbortSignal;
  readonly #jobs = new Map<string, Job>();
  /** Running jobs by what was wished: the same wish again, such as a retry, joins the job. */
  readonly #running = new Map<string, Job>();

  constructor(node: Pick<FederationNode, 'sync' | 'peers'>, metrics: Metrics, closing: AbortSignal) {
    this.#node = node;
    this.#metrics = metrics;
    this.#closing = closing;
  }

  /**
   * Syncs, and resolves to the result, or to the id of a job that goes on after `waitMs`. Throws `overloaded` where too
   * many run, or too many of one caller whom a token or the gateway names; the node's own, without `caller`, always may.
   */
  async run(
    wish: SyncWish,
    waitMs: number,
    caller?: Caller,
  ): Promise<{ readonly result: Result } | { readonly jobId: string }> {
    const job = this.#join(wish, caller);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)));
    await Promise.race([job.done, patience]);
    clearTimeout(timer);
    if (job.failure !== undefined) throw job.failure;
    return job.result === undefined ? { jobId: job.id } : { result: job.result };
  }

  /** A job; one about another tenant, or about all of them, is none for who is bound to one. */
  job(id: string, tenant: TenantId | undefined): z.output<typeof syncJob> | undefined {
    this.#forgetOld();
    const job = this.#jobs.get(id);
    if (job === undefined || (tenant !== undefined && job.tenant !== tenant)) return undefined;
    return {
      job_id: job.id,
      status: job.result?.status ?? (job.finishedAtMs === undefined ? 'running' : 'failed'),
      started_at: formatMs(job.startedAtMs),
      finished_at: job.finishedAtMs === undefined ? null : formatMs(job.finishedAtMs),
      detail: job.failure?.message ?? job.result?.detail ?? null,
      peers: job.result?.peers ?? [],
    };
  }

  #join(wish: SyncWish, caller: Caller | undefined): Job {
    // "1 hour ago" is another moment at each retry: the same minute is the same wish.
    const minute = wish.sinceMs === undefined ? null : Math.floor(wish.sinceMs / 60_000);
    const key = JSON.stringify([wish.tenant, wish.peerIds?.toSorted(), minute]);
    const same = this.#running.get(key);
    if (same !== undefined) return same;
    if (caller !== undefined) this.#checkRoom(caller);
    this.#forgetOld();
    const job = this.#start(wish, caller === undefined ? undefined : callerKey(caller));
    this.#running.set(key, job);
    this.#jobs.set(job.id, job);
    void job.done.then(() => this.#running.delete(key));
    return job;
  }

  #checkRoom(caller: Caller): void {
    const running = [...this.#running.values()].filter((job) => job.by !== undefined);
    if (running.length >= SERVER_LIMITS.jobsRunning) {
      const detail = `${running.length} syncs are running already: wait for one of them, or ask again in a moment`;
      throw new LoglineError('overloaded', detail);
    }
    const key = callerKey(caller);
    const own = running.filter((job) => job.by === key).length;
    if (isNamed(caller) && own >= SERVER_LIMITS.jobsPerCaller) {
      const detail = `a caller may have ${own} syncs running, and has: wait for one of them, or ask for several peers at once`;
      throw new LoglineError('overloaded', detail);
    }
  }

  #start(wish: SyncWish, by: string | undefined): Job {
    const work = this.#sync(wish).then(
      (report) => (job.result = resultOf(report)),
      (error: unknown) => (job.failure = error instanceof Error ? error : new Error(String(error))),
    );
    const done = work.then(() => void (job.finishedAtMs = Date.now()));
    const job: Job = {
      id: randomUUID(),
      tenant: wish.tenant,
      by,
      startedAtMs: Date.now(),
      done,
      result: undefined,
      failure: undefined,
      finishedAtMs: undefined,
    };
    return job;
  }

  async #sync(wish: SyncWish): Promise<SyncReport> {
    const stop = new AbortController();
    const close = (): void => stop.abort();
    this.#closing.addEventListener('abort', close, { once: true });
    const startedAtMs = performance.now();
    const watch = setInterval(() => {
      const patient = performance.now() - startedAtMs < SERVER_LIMITS.syncPatienceMs;
      if (!patient && !this.#mayMove(wish)) stop.abort();
    }, WATCH_MS);
    try {
      const report = await this.#node.sync({
        peerIds: wish.peerIds,
        tenant: wish.tenant,
        sinceMs: wish.sinceMs,
        timeoutMs: SERVER_LIMITS.syncJobMs,
        signal: stop.signal,
      });
      for (const { outcome, ms } of report.peers) this.#metrics.noteSync(outcome, ms);
      return report;
    } finally {
      clearInterval(watch);
      this.#closing.removeEventListener('abort', close);
    }
  }

  /** Whether waiting longer can help: some peer is connected and not in sync. Others may stay away for days. */
  #mayMove(wish: SyncWish): boolean {
    return this.#node
      .peers()
      .some(
        (peer) =>
          peer.status === 'connected' &&
          !peer.inSync &&
          (wish.peerIds === undefined || (peer.id !== undefined && wish.peerIds.includes(peer.id))),
      );
  }

  #forgetOld(): void {
    const now = Date.now();
    for (const [id, { finishedAtMs }] of this.#jobs) {
      if (finishedAtMs === undefined) continue;
      if (now - finishedAtMs > SERVER_LIMITS.jobsKeptMs || this.#jobs.size > SERVER_LIMITS.jobsKept)
        this.#jobs.delete(id);
    }
  }
}

function resultOf(report: SyncReport): Result {
  const peers = report.peers.map(describe);
  const outcomes = new Set(report.peers.map((peer) => peer.outcome));
  if (peers.length === 0) {
    const detail = 'no peer is listed: set FEDERATION_TRUSTED_PEERS, or POST /v1/trust/establish';
    return { status: 'no_peers', detail, peers };
  }
  if (outcomes.size === 1 && outcomes.has('in_sync')) return { status: 'completed', detail: null, peers };
  const detail = 'not in sync with every peer: see the detail of each';
  if (outcomes.has('in_sync')) return { status: 'partial', detail, peers };
  if (outcomes.size === 1 && outcomes.has('nothing_shared')) {
    const why = 'no tenant is federated on both sides: list it in FEDERATION_TENANTS on both nodes';
    return { status: 'nothing_shared', detail: why, peers };
  }
  return { status: 'failed', detail, peers };
}

function describe(peer: PeerSync): z.output<typeof peerSync> {
  return {
    peer_id: peer.peerId ?? null,
    address: peer.address,
    outcome: peer.outcome,
    entries_received: peer.entriesIn,
    entries_sent: peer.entriesOut,
    duration_ms: Math.round(peer.ms),
    detail: peer.detail ?? null,
  };
}
