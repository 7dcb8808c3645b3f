/** What a route is: where it answers, to whom, what it promises, and what it does. */

import type { FederationNode } from '@logline/federation-core';
import type { Context } from 'koa';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { Acts } from './acts.js';
import type { Admission } from './admission.js';
import type { Need, Reach } from './caller.js';
import type { ServerConfig } from './config.js';
import type { Cursors } from './cursors.js';
import type { Log } from './log-events.js';
import type { DiskWatch } from './disk-watch.js';
import type { Metrics } from './metrics.js';
import type { Repeats } from './repeats.js';
import type { Syncs } from './syncs.js';

/** What all requests share. */
export interface Service {
  readonly config: ServerConfig;
  readonly node: FederationNode;
  readonly metrics: Metrics;
  readonly disk: DiskWatch;
  readonly syncs: Syncs;
  readonly log: Log;
  readonly admission: Admission;
  readonly acts: Acts;
  readonly repeats: Repeats;
  readonly cursors: Cursors;
  /** When the node's own certificate expires; ms since 1970. */
  readonly certificateEndsMs: number | undefined;
  /** Aborts when the service stops: streams end, uploads and waits come to an answer. */
  readonly closing: AbortSignal;
}

export type RouteContext = Context & { readonly params: Readonly<Record<string, string>> };

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** With parameters as `:id`. */
  readonly path: string;
  /** What its callers must be allowed. `admin` routes that are no GET are noted as acts. */
  readonly need: Need;
  /** `tenant`: it takes its tenant through `tenantOf`, which knows what the caller may name. */
  readonly reach: Reach;
  /** Its part of the OpenAPI document. */
  readonly operation: ZodOpenApiOperationObject;
  readonly handle: (ctx: RouteContext, service: Service) => void | Promise<void>;
}
