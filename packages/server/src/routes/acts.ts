/** What administrators did at this node: signed entries of its own. */

import { formatMs } from '@logline/federation-core';
import type { z } from 'zod';
import { json, problems } from '../operations.js';
import { readQuery } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { actList, actsQuery } from '../schemas-trust.js';

const PAGE_DEFAULT = 100;
const PAGE_MOST = 1000;

export const actRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/trust/acts',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'What administrators did here',
      requestParams: { query: actsQuery },
      responses: { 200: json('The acts', actList), ...problems },
    },
    handle: list,
  },
];

async function list(ctx: RouteContext, { node }: Service): Promise<void> {
  const query = readQuery(ctx, actsQuery);
  const limit = Math.min(Number(query.limit ?? PAGE_DEFAULT), PAGE_MOST);
  const { acts, next } = await node.operator.acts({ limit, before: query.before });
  const body: z.output<typeof actList> = {
    acts: acts.map(({ atMs, caller, action, detail, outcome, statement }) => ({
      at: formatMs(atMs),
      caller,
      action,
      detail,
      outcome,
      statement,
    })),
    next,
  };
  ctx.body = body;
}
