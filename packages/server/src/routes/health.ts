/** Whether the node is well: for people, for orchestrators, and for Prometheus. */

import type { z } from 'zod';
import { seesAllTenants } from '../caller.js';
import { assess } from '../health.js';
import { json } from '../operations.js';
import { withoutPaths } from '../problem.js';
import { callerOf } from '../request.js';
import type { Route, Service } from '../route.js';
import { health, probe } from '../schemas.js';

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

function healthOf({ node, closing, disk, certificateEndsMs }: Service): z.output<typeof health> {
  const status = node.status();
  const facts = { peers: node.peers(), status, disk: disk.last, certificateEndsMs, nowMs: Date.now() };
  const { sections, reasons } = assess(facts);
  const worse: string[] = [];
  if (status.readOnly !== undefined) {
    worse.push(`the store is read-only until the node is restarted: ${withoutPaths(status.readOnly)}`);
  }
  if (closing.aborted) worse.push('the node is stopping');
  const all = [...worse, ...reasons];
  return {
    status: status.readOnly !== undefined ? 'unhealthy' : all.length > 0 ? 'degraded' : 'healthy',
    node_id: node.id,
    peers_connected: sections.connectivity.peers_connected,
    last_sync: sections.sync.last_sync,
    reasons: all,
    ...sections,
  };
}
