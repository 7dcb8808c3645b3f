/** Every route of the service, and the OpenAPI document that is made of them. */

import { createDocument } from 'zod-openapi';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { json } from '../operations.js';
import type { Route } from '../route.js';
import { openApiDocument } from '../schemas.js';
import { federationRoutes } from './federation.js';
import { healthRoutes } from './health.js';
import { nodeRoutes } from './nodes.js';
import { spanReadRoutes } from './spans-read.js';
import { spanWriteRoutes } from './spans-write.js';
import { streamRoutes } from './stream.js';
import { syncRoutes } from './sync.js';
import { trustRoutes } from './trust.js';

const documentRoute: Route = {
  method: 'GET',
  path: '/openapi.json',
  access: 'private',
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
  ...syncRoutes,
  ...spanWriteRoutes,
  ...spanReadRoutes,
  ...streamRoutes,
  ...federationRoutes,
  documentRoute,
];

let document: string | undefined;

/** The OpenAPI 3.1 document of some routes. */
export function describeRoutes(routes: readonly Route[]): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {};
  for (const { method, path, operation } of routes) {
    const template = path.replaceAll(/:(\w+)/g, '{$1}');
    paths[template] = { ...paths[template], [method.toLowerCase()]: operation };
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
    paths,
  });
}
