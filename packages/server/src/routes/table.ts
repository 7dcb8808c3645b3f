/** Every route of the service, and the OpenAPI document that is made of them. */

import { createDocument } from 'zod-openapi';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { Need } from '../caller.js';
import { json } from '../operations.js';
import type { Route } from '../route.js';
import { openApiDocument } from '../schemas.js';
import { actRoutes } from './acts.js';
import { annotationRoutes } from './annotations.js';
import { conflictRoutes } from './conflicts.js';
import { explainRoutes } from './explain.js';
import { federationRoutes } from './federation.js';
import { healthRoutes } from './health.js';
import { nodeRoutes } from './nodes.js';
import { quarantineRoutes } from './quarantine.js';
import { spanReadRoutes } from './spans-read.js';
import { spanWriteRoutes } from './spans-write.js';
import { streamRoutes } from './stream.js';
import { syncRoutes } from './sync.js';
import { tenantRoutes } from './tenants.js';
import { trustGraphRoutes } from './trust-graph.js';
import { trustRemoveRoutes } from './trust-remove.js';
import { trustRoutes } from './trust.js';

const documentRoute: Route = {
  method: 'GET',
  path: '/openapi.json',
  need: 'none',
  reach: 'node',
  operation: {
    summary: 'This document',
    responses: { 200: json('OpenAPI 3.1', openApiDocument) },
  },
  handle(ctx) {
    document ??= JSON.stringify(describeRoutes(ROUTES));
    ctx.type = 'application/json';
    ctx.body = document;
  },
};

export const ROUTES: readonly Route[] = [
  ...healthRoutes,
  ...nodeRoutes,
  ...trustRoutes,
  ...trustRemoveRoutes,
  ...trustGraphRoutes,
  ...quarantineRoutes,
  ...tenantRoutes,
  ...actRoutes,
  ...syncRoutes,
  ...spanWriteRoutes,
  ...spanReadRoutes,
  ...annotationRoutes,
  ...conflictRoutes,
  ...explainRoutes,
  ...streamRoutes,
  ...federationRoutes,
  documentRoute,
];

let document: string | undefined;

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      "A token of the identity service with the scope words federation:read, federation:write or federation:admin, or the operator's own. One with a tenant sees that tenant only. Nodes without configured callers go by the address instead",
  },
  gateway: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Service-Token',
    description:
      "The gateway's, which then says in X-User-ID, X-Tenant-ID and X-User-Roles for whom it asks; a token that it forwards has to agree",
  },
} as const;

/** The scope words that a caller needs, for each way of showing them. */
function securityOf(need: Need): readonly Record<string, string[]>[] {
  if (need === 'none') return [];
  const scope = `federation:${need === 'network' ? 'read' : need}`;
  const ways = [{ bearer: [scope] }, { gateway: [scope] }];
  return need === 'network' ? [{}, ...ways] : ways;
}

/** The OpenAPI 3.1 document of some routes. */
export function describeRoutes(routes: readonly Route[]): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {};
  for (const { method, path, operation, need } of routes) {
    const template = path.replaceAll(/:(\w+)/g, '{$1}');
    const described = { ...operation, security: securityOf(need) };
    paths[template] = { ...paths[template], [method.toLowerCase()]: described };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'LogLine Federation',
      version: '0.1.0',
      description: 'Timelines shared between LogLine nodes: peers, trust, synchronisation and spans.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    components: { securitySchemes: SECURITY_SCHEMES },
    paths,
  });
}
