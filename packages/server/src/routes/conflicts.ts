/** Conflicts: what nodes say of one span without knowing of one another, how it is settled, and deciding it. */

import {
  formatMs,
  parseSpanId,
  type Conflict,
  type FederationNode,
  type Fingerprint,
} from '@logline/federation-core';
import type { Json } from '@logline/federation-core';
import type { z } from 'zod';
import { hasRole, nothingThere } from '../caller.js';
import { json, jsonBody, problems } from '../operations.js';
import { HttpProblem } from '../problem.js';
import { callerOf, readJson, readQuery, requireTenant } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import {
  conflict,
  conflictPage,
  conflictPath,
  conflictQuery,
  resolveHeaders,
  resolveRequest,
} from '../schemas-annotation.js';
import { tenantHeaders, tenantQuery } from '../schemas.js';
import { SERVER_LIMITS } from '../limits.js';

export const conflictRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/conflicts',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: "Where nodes are or were at odds about a tenant's spans",
      requestParams: { query: conflictQuery, header: tenantHeaders },
      responses: { 200: json('The conflicts', conflictPage), ...problems },
    },
    handle: listConflicts,
  },
  {
    method: 'GET',
    path: '/v1/conflicts/:id',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: 'One conflict, with its candidates',
      requestParams: { query: tenantQuery, path: conflictPath, header: tenantHeaders },
      responses: { 200: json('The conflict', conflict), ...problems },
    },
    handle: getConflict,
  },
  {
    method: 'POST',
    path: '/v1/conflicts/:id/resolve',
    need: 'write',
    reach: 'tenant',
    operation: {
      summary: 'Decide a conflict',
      description:
        'By one of its candidates, or by another value. The same decision again is 200, another one 409 `conflict_closed`: from then on the span is annotated as before. What nobody here has seen yet may open it again.',
      requestParams: { query: tenantQuery, path: conflictPath, header: resolveHeaders },
      requestBody: jsonBody(resolveRequest, { required: true }),
      responses: {
        200: json('The conflict as it is now', conflict),
        204: { description: 'Decided; the caller may not read it' },
        ...problems,
      },
    },
    handle: resolve,
  },
];

async function listConflicts(ctx: RouteContext, { node }: Service): Promise<void> {
  const query = readQuery(ctx, conflictQuery);
  const tenant = requireTenant(ctx, query.tenant_id);
  const { state, field, cursor } = query;
  const span = query.span_id === undefined ? undefined : parseSpanId(query.span_id);
  if (query.span_id !== undefined && span === undefined)
    throw new HttpProblem('bad_request', 'query parameter: span_id: expected a UUID');
  const limit = Number(query.limit ?? SERVER_LIMITS.pageDefault);
  const page = await node.timeline(tenant).conflicts({ state, field, span, cursor, limit });
  ctx.body = {
    conflicts: page.conflicts.map((one) => describe(one, node)),
    next_cursor: page.nextCursor,
  } satisfies z.output<typeof conflictPage>;
}

async function getConflict(ctx: RouteContext, { node }: Service): Promise<void> {
  const query = readQuery(ctx, tenantQuery);
  const tenant = requireTenant(ctx, query.tenant_id);
  const found = await node.timeline(tenant).conflict(ctx.params['id'] ?? '');
  if (found === undefined) throw nothingThere();
  ctx.body = describe(found, node);
}

async function resolve(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const query = readQuery(ctx, tenantQuery);
  const tenant = requireTenant(ctx, query.tenant_id);
  const body = await readJson(ctx, resolveRequest);
  const { choose, note = '' } = body;
  // `null` is a value: of a member of `metadata` it takes it away.
  const hasValue = Object.hasOwn(body, 'value');
  if ((choose === undefined) !== hasValue)
    throw new HttpProblem('bad_request', 'expected either choose, with the ref of a candidate, or value');
  const decision = choose === undefined ? { value: body.value as Json } : { choose };
  const timeline = node.timeline(tenant);
  const id = ctx.params['id'] ?? '';
  if ((await timeline.conflict(id)) === undefined) throw nothingThere();
  const decided = await repeats.once(ctx, [tenant, decision, note], () =>
    timeline.resolve(id, { ...decision, note }),
  );
  if (hasRole(callerOf(ctx), 'read')) ctx.body = describe(decided, node);
  else ctx.status = 204;
}

/** A conflict as callers see it. */
export function describe(one: Conflict, node: FederationNode): z.output<typeof conflict> {
  const { resolution } = one;
  const isByNode = resolution?.by === 'node';
  return {
    id: one.id,
    tenant_id: one.tenant,
    span_id: one.spanId,
    field: one.field,
    kind: one.kind,
    policy: one.policy,
    state: one.state,
    candidates: one.candidates.map(({ ref, value, span, node: author, atMs, why }) => ({
      ref,
      value,
      ...(span !== undefined && { span: JSON.parse(Buffer.from(span).toString()) as JsonSpan }),
      ...namesOf(author, node),
      at: formatMs(atMs),
      why,
    })),
    opened_at: formatMs(one.openedAtMs),
    resolved_at: one.resolvedAtMs === undefined ? null : formatMs(one.resolvedAtMs),
    resolution:
      resolution === undefined
        ? null
        : {
            by: resolution.by,
            ...(isByNode ? namesOf(resolution.node, node) : { node_id: null, fingerprint: null }),
            ref: isByNode ? resolution.ref : null,
            value: resolution.value,
            note: isByNode ? resolution.note : null,
          },
  };
}

type JsonSpan = NonNullable<z.output<typeof conflict>['candidates'][number]['span']>;

function namesOf(
  author: Fingerprint,
  node: FederationNode,
): { readonly node_id: string | null; readonly fingerprint: Fingerprint } {
  return { node_id: node.idOf(author) ?? null, fingerprint: author };
}
