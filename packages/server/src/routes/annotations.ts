/** Saying something about a span after the fact, and everything that was said about it. */

import {
  formatMs,
  type AnnotatedSpan,
  type FederationNode,
  type HistoryItem,
} from '@logline/federation-core';
import type { JsonObject } from '@logline/federation-core';
import type { z } from 'zod';
import { hasRole, nothingThere } from '../caller.js';
import { tagged, wantedVersion } from '../etag.js';
import { json, problems } from '../operations.js';
import { callerOf, readJson, readQuery, requireTenant } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { annotateHeaders, annotation, type historyItem } from '../schemas-annotation.js';
import { span, spanPath, tenantQuery } from '../schemas.js';

/** Why something that was said is what is read. */
const WINNING: ReadonlySet<HistoryItem['why']> = new Set([
  'undisputed',
  'resolved',
  'latest',
  'priority',
  'chosen',
  'provisional',
  'agrees',
  'noted',
]);

export const annotationRoutes: readonly Route[] = [
  {
    method: 'PATCH',
    path: '/v1/timeline/spans/:id',
    need: 'write',
    reach: 'tenant',
    operation: {
      summary: 'Say something about a span after the fact',
      description:
        'The span itself stays as it is: `raw=true` reads it. 409 `conflict_open` for a member on which people have to decide first; 412 where `If-Match` names another version than is read by now.',
      requestParams: { query: tenantQuery, path: spanPath, header: annotateHeaders },
      requestBody: {
        required: true,
        content: {
          'application/merge-patch+json': { schema: annotation },
          'application/json': { schema: annotation },
        },
      },
      responses: {
        200: json('The span as it is read now', span),
        204: { description: 'Said; the caller may not read it' },
        ...problems,
      },
    },
    handle: annotate,
  },
];

async function annotate(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const query = readQuery(ctx, tenantQuery);
  const tenant = requireTenant(ctx, query.tenant_id);
  const ifVersion = wantedVersion(ctx);
  const id = ctx.params['id'] ?? '';
  const patch = (await readJson(ctx, annotation)) as JsonObject;
  const timeline = node.timeline(tenant);
  // What is only known elsewhere yet cannot be told from a slip of the pen.
  if (!timeline.has(id)) throw nothingThere();
  const wish = [tenant, ifVersion ?? null, patch];
  const read = await repeats.once(ctx, wish, () => timeline.annotate(id, patch, { ifVersion }));
  if (hasRole(callerOf(ctx), 'read')) return answerSpan(ctx, read);
  tagged(ctx, read.version);
  ctx.status = 204;
}

/** Answers with the span as it is read, and its version. */
export function answerSpan(ctx: RouteContext, read: AnnotatedSpan | undefined): void {
  if (read?.span === undefined) throw nothingThere();
  if (tagged(ctx, read.version)) return;
  ctx.type = 'application/json';
  ctx.body = Buffer.from(read.span.buffer, read.span.byteOffset, read.span.byteLength);
}

export function describeItem(item: HistoryItem, node: FederationNode): z.output<typeof historyItem> {
  return {
    ref: item.ref,
    field: item.field,
    op: item.op,
    value: item.value,
    note: item.note ?? null,
    node_id: node.idOf(item.node) ?? null,
    fingerprint: item.node,
    at: formatMs(item.atMs),
    won: WINNING.has(item.why),
    why: item.why,
    superseded_by: item.by ?? null,
  };
}
