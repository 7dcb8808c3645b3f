/** Why a span is or is not at a peer. */

import { formatSpanId, parseSpanId } from '@logline/federation-core';
import { nothingThere } from '../caller.js';
import { json, problems } from '../operations.js';
import { describeStory } from '../replication.js';
import { readQuery, requireTenant } from '../request.js';
import type { Route } from '../route.js';
import { spanPath, tenantHeaders, tenantQuery } from '../schemas.js';
import { spanStory } from '../schemas-replication.js';

export const explainRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/timeline/spans/:id/explain',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: 'Where a span came from, and why it is or is not at each peer',
      requestParams: { query: tenantQuery, path: spanPath, header: tenantHeaders },
      responses: { 200: json('The story', spanStory), ...problems },
    },
    async handle(ctx, { node }) {
      const query = readQuery(ctx, tenantQuery);
      const tenant = requireTenant(ctx, query.tenant_id);
      const id = parseSpanId(ctx.params['id'] ?? '');
      const story = id === undefined ? undefined : await node.explain(tenant, formatSpanId(id));
      if (id === undefined || story === undefined) throw nothingThere();
      ctx.body = describeStory(story, formatSpanId(id));
    },
  },
];
