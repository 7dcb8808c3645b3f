// Syncs as requests and jobs, over a node whose syncs end when the test says so.
import test from 'ava';
import type { PeerInfo, PeerSync, SyncOptions, SyncReport } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import type { Caller } from '../dist/caller.js';
import { SERVER_LIMITS } from '../dist/limits.js';
import { Metrics } from '../dist/metrics.js';
import * as schemas from '../dist/schemas.js';
import { Syncs } from '../dist/syncs.js';

class SlowNode {
  readonly asked: SyncOptions[] = [];
  readonly #ends: { resolve: (report: SyncReport) => void; reject: (error: Error) => void }[] = [];

  sync(options: SyncOptions = {}): Promise<SyncReport> {
    this.asked.push(options);
    return new Promise((resolve, reject) => {
      this.#ends.push({ resolve, reject });
      options.signal?.addEventListener('abort', () => resolve({ peers: [] }));
    });
  }

  peers(): readonly PeerInfo[] {
    return [];
  }

  end(...outcomes: readonly PeerSync['outcome'][]): void {
    const peers = outcomes.map((outcome, i) => ({
      peerId: undefined,
      address: `ws://peer-${i}:80/v1/federation`,
      outcome,
      entriesIn: 3,
      entriesOut: 4,
      ms: 12.6,
      detail: undefined,
    }));
    this.#ends.shift()?.resolve({ peers });
  }

  fail(error: Error): void {
    this.#ends.shift()?.reject(error);
  }
}

const make = () => {
  const node = new SlowNode();
  const closing = new AbortController();
  return { node, closing, syncs: new Syncs(node, new Metrics(), closing.signal) };
};

test('a sync that ends in time is the answer', async (t) => {
  const { node, syncs } = make();
  const running = syncs.run({}, 60_000);
  node.end('in_sync');
  const answer = await running;
  t.true('result' in answer);
  if (!('result' in answer)) return;
  t.is(answer.result.status, 'completed');
  t.like(answer.result.peers[0], { entries_received: 3, entries_sent: 4, duration_ms: 13, detail: null });
});

test('each mix of outcomes has its own status', async (t) => {
  const statusOf = async (...outcomes: readonly PeerSync['outcome'][]): Promise<string> => {
    const { node, syncs } = make();
    const running = syncs.run({}, 60_000);
    node.end(...outcomes);
    const answer = await running;
    return 'result' in answer ? answer.result.status : 'job';
  };
  t.is(await statusOf(), 'no_peers');
  t.is(await statusOf('in_sync', 'in_sync'), 'completed');
  t.is(await statusOf('in_sync', 'unreachable'), 'partial');
  t.is(await statusOf('nothing_shared', 'nothing_shared'), 'nothing_shared');
  t.is(await statusOf('nothing_shared', 'unreachable'), 'failed');
  t.is(await statusOf('incomplete'), 'failed');
});

test('a longer one becomes a job that can be asked for, and the same wish joins it', async (t) => {
  const { node, syncs } = make();
  const first = await syncs.run({ sinceMs: 5 }, 1);
  const second = await syncs.run({ sinceMs: 5 }, 1);
  t.deepEqual(first, second);
  t.is(node.asked.length, 1);
  t.is(node.asked[0]?.sinceMs, 5);
  const id = 'jobId' in first ? first.jobId : '';
  const running = syncs.job(id, undefined);
  t.true(schemas.syncJob.safeParse(running).success);
  t.like(running, { status: 'running', finished_at: null, peers: [] });
  node.end('in_sync');
  await eventually('the job has ended', () => syncs.job(id, undefined)?.finished_at !== null);
  t.true(schemas.syncJob.safeParse(syncs.job(id, undefined)).success);
  t.like(syncs.job(id, undefined), { status: 'completed' });
  t.is(syncs.job('another', undefined), undefined);
  void syncs.run({ sinceMs: 5 }, 1);
  t.is(node.asked.length, 2, 'an ended job is not joined');
});

test('a job that fails says why', async (t) => {
  const { node, syncs } = make();
  const started = await syncs.run({}, 1);
  node.fail(new Error('the disk is gone'));
  const id = 'jobId' in started ? started.jobId : '';
  await eventually('the job has ended', () => syncs.job(id, undefined)?.finished_at !== null);
  t.like(syncs.job(id, undefined), { status: 'failed', detail: 'the disk is gone' });
});

const alice: Caller = {
  kind: 'bearer',
  name: 'alice',
  roles: new Set(['write']),
  tenant: undefined,
  expiresAtMs: undefined,
};
const bob: Caller = { ...alice, name: 'bob', kind: 'gateway' };
const operator: Caller = { ...alice, name: 'operator', kind: 'operator' };

test('one caller has some jobs, and leaves room for others and for the node itself', async (t) => {
  const { syncs, node } = make();
  let minute = 0;
  const start = (caller?: Caller): Promise<unknown> => syncs.run({ sinceMs: ++minute * 60_000 }, 1, caller);
  for (let n = 0; n < SERVER_LIMITS.jobsPerCaller; n++) await start(alice);
  await t.throwsAsync(start(alice), { message: /a caller may have 2/ });
  t.true('jobId' in (await syncs.run({ sinceMs: 60_000 }, 1, alice)), 'the same wish is no other job');
  await start(bob);
  for (let n = SERVER_LIMITS.jobsPerCaller + 1; n < SERVER_LIMITS.jobsRunning; n++) await start(operator);
  await t.throwsAsync(start(operator), { message: /8 syncs are running/ });
  await start();
  node.end('in_sync');
  await eventually('a place is free', async () =>
    start(alice).then(
      () => true,
      () => false,
    ),
  );
});

test('jobs are bounded, and stopping the service ends them', async (t) => {
  const { node, syncs, closing } = make();
  for (let i = 0; i < SERVER_LIMITS.jobsRunning; i++) await syncs.run({ sinceMs: i * 60_000 }, 1, operator);
  await t.throwsAsync(syncs.run({ sinceMs: 99 * 60_000 }, 1, operator), { message: /running already/ });
  t.false(node.asked.some((options) => options.signal?.aborted === true));
  closing.abort();
  t.true(node.asked.every((options) => options.signal?.aborted === true));
});

test('a sync that nobody connected could bring forward is ended, so that a job does not wait for the absent', async (t) => {
  const { node, syncs } = make();
  void syncs.run({}, 1);
  t.false(node.asked[0]?.signal?.aborted);
  await eventually('it is ended', () => node.asked[0]?.signal?.aborted === true, { timeoutMs: 15_000 });
});
