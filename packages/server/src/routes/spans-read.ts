/** Reading spans: pages in reading order, and one by its id, with what is said about them or byte for byte as they were sent. */

import {
  LIMITS,
  type FederationNode,
  type SpanPage,
  type SpanQuery,
  type Timeline,
} from '@logline/federation-core';
import { z } from 'zod';
import { readInstant } from '../instants.js';
import { SERVER_LIMITS } from '../limits.js';
import { json, problems } from '../operations.js';
import { nothingThere } from '../caller.js';
import { HttpProblem } from '../problem.js';
import { readQuery, requireTenant } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { readQueryOfSpan, spanHistory } from '../schemas-annotation.js';
import { span, spanPage, spanPath, spanQuery, tenantHeaders } from '../schemas.js';
import { answerSpan, describeItem } from './annotations.js';

const COMMA = Buffer.from(',');

export const spanReadRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/timeline/spans',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: "A page of a tenant's timeline",
      requestParams: { query: spanQuery, header: tenantHeaders },
      responses: { 200: json('The spans', spanPage), ...problems },
    },
    handle: listSpans,
  },
  {
    method: 'GET',
    path: '/v1/timeline/spans/:id',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: 'One span',
      description:
        'With what is said about it; `conflicted` lists the members on which people have to decide. ETag names the reading: the same on nodes that know the same.',
      requestParams: { query: readQueryOfSpan, path: spanPath, header: tenantHeaders },
      responses: {
        200: json('The span, or with `history` what is said about it', z.union([span, spanHistory])),
        ...problems,
      },
    },
    handle: getSpan,
  },
];

async function listSpans(ctx: RouteContext, { node }: Service): Promise<void> {
  const query = readQuery(ctx, spanQuery);
  const tenant = requireTenant(ctx, query.tenant_id);
  const limit = Math.min(Number(query.limit ?? SERVER_LIMITS.pageDefault), LIMITS.pageSpans);
  const { spans, nextCursor } = await readPage(node.timeline(tenant), await toSpanQuery(query), limit);
  const parts: Uint8Array[] = [Buffer.from('{"spans":[')];
  for (const [i, bytes] of spans.entries()) {
    if (i > 0) parts.push(COMMA);
    parts.push(bytes);
  }
  parts.push(Buffer.from(`],"next_cursor":${JSON.stringify(nextCursor)}}`));
  ctx.type = 'application/json';
  ctx.body = Buffer.concat(parts);
}

async function getSpan(ctx: RouteContext, { node }: Service): Promise<void> {
  const query = readQuery(ctx, readQueryOfSpan);
  const tenant = requireTenant(ctx, query.tenant_id);
  const timeline = node.timeline(tenant);
  const id = ctx.params['id'] ?? '';
  if (query.raw === 'true' && query.history === 'true')
    throw new HttpProblem('bad_request', 'query parameters raw and history exclude each other: give one');
  if (query.history === 'true') {
    ctx.body = await readHistory(timeline, id, node);
    return;
  }
  if (query.raw !== 'true') return answerSpan(ctx, await timeline.read(id));
  const bytes = await timeline.get(id);
  if (bytes === undefined) throw nothingThere();
  ctx.type = 'application/json';
  ctx.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function readHistory(
  timeline: Timeline,
  id: string,
  node: FederationNode,
): Promise<z.output<typeof spanHistory>> {
  const [history, read] = await Promise.all([timeline.history(id), timeline.read(id)]);
  if (history === undefined) throw nothingThere();
  const bytes = read?.span;
  return {
    id: history.id,
    span: bytes === undefined ? null : (JSON.parse(Buffer.from(bytes).toString()) as z.output<typeof span>),
    version: history.version,
    history: history.assertions.map((item) => describeItem(item, node)),
  };
}

/** A page, read step by step, so that one of very large spans ends early instead of filling the memory. */
async function readPage(timeline: Timeline, query: SpanQuery, limit: number): Promise<SpanPage> {
  const spans: Uint8Array[] = [];
  let bytes = 0;
  let cursor = query.cursor;
  for (;;) {
    const step = Math.min(limit - spans.length, SERVER_LIMITS.pageStep);
    const page = await timeline.query({ ...query, cursor, limit: step });
    spans.push(...page.spans);
    bytes += page.spans.reduce((sum, one) => sum + one.length, 0);
    // A step that came back short has looked as far as one answer may look.
    const isOver = page.nextCursor === null || page.spans.length < step;
    if (isOver || spans.length >= limit || bytes >= SERVER_LIMITS.pageBytes)
      return { spans, nextCursor: page.nextCursor };
    cursor = page.nextCursor ?? undefined;
  }
}

async function toSpanQuery(query: z.output<typeof spanQuery>): Promise<SpanQuery> {
  const now = Date.now();
  const { since, until, cursor } = query;
  return {
    since: since === undefined ? undefined : await readInstant('since', since, now),
    until: until === undefined ? undefined : await readInstant('until', until, now),
    cursor,
    annotated: query.raw !== 'true',
    filter: {
      logline_id: query.logline_id,
      contract_id: query.contract_id,
      workflow_id: query.workflow_id,
      flow_id: query.flow_id,
      author: query.author,
      status: query.status,
      span_type: query.span_type,
      visibility: query.visibility,
      tag: query.tag,
    },
  };
}
