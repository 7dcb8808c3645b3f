/** Whether the node is well: for people, for orchestrators, and for Prometheus. */

import { formatMs } from '@logline/federation-core';
import type { z } from 'zod';
import { seesAllTenants } from '../caller.js';
import { expiryWarning } from '../certificate-expiry.js';
import { json } from '../operations.js';
import { isVerified, timeOrNull } from '../peers.js';
import { withoutPaths } from '../problem.js';
import { callerOf } from '../request.js';
import type { Route, Service } from '../route.js';
import { health, probe } from '../schemas.js';

const HEALTHY_SKEW_MS = 60_000;

export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/health',
    need: 'none',
    reach: 'node',
    operation: {
      summary: 'Health of the service',
      responses: {
        200: json('Healthy, or degraded: it serves, and `reasons` says what is missing', health),
        503: json('Unhealthy: it cannot store anything', health),
      },
    },
    handle(ctx, service) {
      const body = healthOf(service);
      ctx.status = body.status === 'unhealthy' ? 503 : 200;
      ctx.body = body;
    },
  },
  {
    method: 'GET',
    path: '/livez',
    need: 'none',
    reach: 'node',
    operation: { summary: 'Whether the process answers', responses: { 200: json('It does', probe) } },
    handle(ctx) {
      ctx.body = { status: 'ok' };
    },
  },
  {
    method: 'GET',
    path: '/readyz',
    need: 'none',
    reach: 'node',
    operation: {
      summary: 'Whether the node takes spans',
      responses: { 200: json('It does', probe), 503: json('It is stopping, or cannot store', probe) },
    },
    handle(ctx, { node, closing }) {
      const isReadOnly = node.status().readOnly !== undefined;
      ctx.status = closing.aborted || isReadOnly ? 503 : 200;
      ctx.body = { status: closing.aborted ? 'stopping' : isReadOnly ? 'read_only' : 'ok' };
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    need: 'network',
    reach: 'node',
    operation: {
      summary: 'Figures in the text format of Prometheus',
      responses: {
        200: { description: 'The figures', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
    async handle(ctx, { metrics }) {
      ctx.body = await metrics.text({ tenants: seesAllTenants(callerOf(ctx)) });
      ctx.set('Content-Type', metrics.contentType);
    },
  },
];

function healthOf({ node, closing, certificateEndsMs }: Service): z.output<typeof health> {
  const status = node.status();
  const peers = node.peers();
  const reasons: string[] = [];
  if (status.readOnly !== undefined) {
    reasons.push(`the store is read-only until the node is restarted: ${withoutPaths(status.readOnly)}`);
  }
  const expiry = expiryWarning(certificateEndsMs, Date.now());
  if (expiry !== undefined) reasons.push(expiry);
  if (closing.aborted) reasons.push('the node is stopping');
  const away = peers.filter((peer) => peer.status !== 'connected').length;
  if (away > 0) reasons.push(`${away} of ${peers.length} listed peers are not connected: see /v1/nodes`);
  const skewed = peers.filter((peer) => Math.abs(peer.skewMs ?? 0) > HEALTHY_SKEW_MS).length;
  if (skewed > 0) reasons.push(`the clocks of ${skewed} peers differ from ours by more than a minute`);
  return {
    status: status.readOnly !== undefined ? 'unhealthy' : reasons.length > 0 ? 'degraded' : 'healthy',
    node_id: node.id,
    peers_connected: peers.filter(isVerified).length,
    last_sync: timeOrNull(status.lastSyncMs),
    ...(certificateEndsMs !== undefined && { certificate_expires_at: formatMs(certificateEndsMs) }),
    reasons,
  };
}
