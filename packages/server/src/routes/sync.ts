/** Synchronising timelines on demand, and how far they are. */

import { msOfInstant, parseNodeId, type NodeId } from '@logline/federation-core';
import type { z } from 'zod';
import { callerOf, isLoopback } from '../access.js';
import { readInstant } from '../instants.js';
import { SERVER_LIMITS } from '../limits.js';
import { json, jsonBody, problems } from '../operations.js';
import { describePeer, timeOrNull } from '../peers.js';
import { HttpProblem } from '../problem.js';
import { readJson, readQuery, readTenant, shown } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { jobPath, noQuery, syncJob, syncRequest, syncResult, syncStarted, syncStatus } from '../schemas.js';

export const syncRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/sync/timeline',
    access: 'loopback',
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
    access: 'loopback',
    operation: {
      summary: 'A sync that took longer than its request',
      requestParams: { path: jobPath },
      responses: { 200: json('The job', syncJob), ...problems },
    },
    handle(ctx, { syncs }) {
      readQuery(ctx, noQuery);
      const job = syncs.job(ctx.params['id'] ?? '');
      if (job === undefined)
        throw new HttpProblem(
          'not_found',
          'no job has this id: jobs are kept for an hour, not across restarts',
        );
      ctx.body = job;
    },
  },
  {
    method: 'GET',
    path: '/v1/sync/status',
    access: 'private',
    operation: {
      summary: 'How far synchronisation is',
      responses: { 200: json('The status', syncStatus), ...problems },
    },
    handle(ctx, service) {
      readQuery(ctx, noQuery);
      ctx.body = statusOf(service, { withTenants: isLoopback(callerOf(ctx.req).address) });
    },
  },
];

async function syncTimeline(ctx: RouteContext, { syncs }: Service): Promise<void> {
  const request = await readJson(ctx, syncRequest);
  const since =
    request.since === undefined ? undefined : await readInstant('since', request.since, Date.now());
  const wish = {
    peerIds: request.peer_ids?.map(readNodeId),
    tenant: request.tenant_filter === undefined ? undefined : readTenant(request.tenant_filter),
    sinceMs: since === undefined ? undefined : msOfInstant(since),
  };
  const answer = await syncs.run(wish, SERVER_LIMITS.syncAnswerMs);
  if ('result' in answer) {
    ctx.body = answer.result;
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
  options: { readonly withTenants: boolean },
): z.output<typeof syncStatus> {
  const status = node.status();
  return {
    last_sync: timeOrNull(status.lastSyncMs),
    pending_syncs: status.pendingSyncs,
    sync_conflicts: 0,
    peers_in_sync: [...status.peersInSync],
    spans_total: [...status.spans.values()].reduce((sum, count) => sum + count, 0),
    // Whose timelines are here is nobody's business on the network.
    ...(options.withTenants && { spans: Object.fromEntries(status.spans) }),
    entries: status.entries,
    log_bytes: status.logBytes,
    read_only: status.readOnly ?? null,
    peers: node.peers().map(describePeer),
  };
}
