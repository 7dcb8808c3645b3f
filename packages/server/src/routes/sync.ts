/** Synchronising timelines on demand, and how far they are. */

import { msOfInstant, parseNodeId, type NodeId } from '@logline/federation-core';
import type { z } from 'zod';
import { nothingThere, type Caller } from '../caller.js';
import { peerFor, storedFor, syncFor } from '../figures.js';
import { readInstant } from '../instants.js';
import { SERVER_LIMITS } from '../limits.js';
import { json, jsonBody, problems } from '../operations.js';
import { timeOrNull } from '../peers.js';
import { readingsFor } from '../readings.js';
import { replicationFor } from '../replication.js';
import { HttpProblem, withoutPaths } from '../problem.js';
import { callerOf, permittedTenant, readJson, readQuery, readTenant, shown } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { jobPath, noQuery, syncJob, syncRequest, syncResult, syncStarted } from '../schemas.js';
import { syncStatus } from '../schemas-replication.js';

export const syncRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/sync/timeline',
    need: 'write',
    reach: 'tenant',
    operation: {
      summary: 'Synchronise timelines with peers now',
      requestBody: jsonBody(syncRequest, { required: false }),
      responses: {
        200: json('Done, with the outcome for each peer', syncResult),
        202: json('Takes longer: ask at status_url', syncStarted),
        ...problems,
      },
    },
    handle: syncTimeline,
  },
  {
    method: 'GET',
    path: '/v1/sync/jobs/:id',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: 'A sync that took longer than its request',
      requestParams: { path: jobPath },
      responses: { 200: json('The job', syncJob), ...problems },
    },
    handle(ctx, { syncs }) {
      readQuery(ctx, noQuery);
      const caller = callerOf(ctx);
      const job = syncs.job(ctx.params['id'] ?? '', caller.tenant);
      // Jobs are kept for an hour, not across restarts.
      if (job === undefined) throw nothingThere();
      ctx.body = { ...job, peers: job.peers.map((peer) => syncFor(caller, peer)) };
    },
  },
  {
    method: 'GET',
    path: '/v1/sync/status',
    need: 'read',
    reach: 'node',
    operation: {
      summary: 'How far synchronisation is',
      responses: { 200: json('The status', syncStatus), ...problems },
    },
    async handle(ctx, service) {
      readQuery(ctx, noQuery);
      const caller = callerOf(ctx);
      const replication = await replicationFor(caller, service.node);
      const readings = readingsFor(caller, service.node);
      const body: z.output<typeof syncStatus> = {
        ...statusOf(service, caller),
        ...(replication && { replication: [...replication] }),
        ...(readings && { readings: [...readings] }),
      };
      ctx.body = body;
    },
  },
];

async function syncTimeline(ctx: RouteContext, { syncs }: Service): Promise<void> {
  const request = await readJson(ctx, syncRequest);
  const filter = request.tenant_filter;
  const since =
    request.since === undefined ? undefined : await readInstant('since', request.since, Date.now());
  const wish = {
    peerIds: request.peer_ids?.map(readNodeId),
    tenant: permittedTenant(ctx, filter === undefined ? undefined : readTenant(filter)),
    sinceMs: since === undefined ? undefined : msOfInstant(since),
  };
  const answer = await syncs.run(wish, SERVER_LIMITS.syncAnswerMs, callerOf(ctx));
  if ('result' in answer) {
    const { peers } = answer.result;
    ctx.body = { ...answer.result, peers: peers.map((peer) => syncFor(callerOf(ctx), peer)) };
    return;
  }
  const statusUrl = `/v1/sync/jobs/${answer.jobId}`;
  const body: z.output<typeof syncStarted> = {
    status: 'running',
    job_id: answer.jobId,
    status_url: statusUrl,
  };
  ctx.status = 202;
  ctx.set('Location', statusUrl);
  ctx.body = body;
}

function readNodeId(text: string): NodeId {
  const id = parseNodeId(text);
  if (id === undefined)
    throw new HttpProblem('bad_request', `peer_ids: expected logline-id://node/<name>, got ${shown(text)}`);
  return id;
}

function statusOf(
  { node }: Service,
  caller: Caller,
): Omit<z.output<typeof syncStatus>, 'replication' | 'readings'> {
  const status = node.status();
  return {
    last_sync: timeOrNull(status.lastSyncMs),
    pending_syncs: status.pendingSyncs,
    sync_conflicts:
      caller.tenant === undefined ? status.openConflicts : node.timeline(caller.tenant).openConflicts(),
    peers_in_sync: [...status.peersInSync],
    ...storedFor(caller, status),
    read_only: status.readOnly === undefined ? null : withoutPaths(status.readOnly),
    peers: node.peers().map((peer) => peerFor(caller, peer)),
  };
}
