/** What a route is: where it answers, to whom, what it promises, and what it does. */

import type { FederationNode } from '@logline/federation-core';
import type { Context } from 'koa';
import type { Logger } from 'pino';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { Access } from './access.js';
import type { ServerConfig } from './config.js';
import type { Metrics } from './metrics.js';
import type { Syncs } from './syncs.js';

/** What all requests share. */
export interface Service {
  readonly config: ServerConfig;
  readonly node: FederationNode;
  readonly metrics: Metrics;
  readonly syncs: Syncs;
  readonly log: Logger;
  /** Aborts when the service stops: streams end, uploads and waits come to an answer. */
  readonly closing: AbortSignal;
}

export type RouteContext = Context & { readonly params: Readonly<Record<string, string>> };

export interface Route {
  readonly method: 'GET' | 'POST';
  /** With parameters as `:id`. */
  readonly path: string;
  readonly access: Access;
  /** Its part of the OpenAPI document. */
  readonly operation: ZodOpenApiOperationObject;
  readonly handle: (ctx: RouteContext, service: Service) => void | Promise<void>;
}
