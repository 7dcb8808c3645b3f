/** The HTTP application, from top to bottom as a request passes it. */

import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import Router from '@koa/router';
import Koa, { type Context, type Middleware, type Next } from 'koa';
import helmet from 'koa-helmet';
import { noting, summaryOf, type ActBegun } from './acts.js';
import { Disconnected } from './body.js';
import { SERVER_LIMITS } from './limits.js';
import { short } from './logging.js';
import { HttpProblem, problemOf } from './problem.js';
import { callerOf, headerOf } from './request.js';
import type { Route, RouteContext, Service } from './route.js';

/** Headers that decide who acts for whom: one that comes twice is an attempt to smuggle. */
const SINGLE_HEADERS = [
  'authorization',
  'x-service-token',
  'x-tenant-id',
  'x-user-id',
  'x-user-roles',
  'idempotency-key',
];
const REQUEST_ID = /^[\w.-]{1,64}$/;
const NO_ROUTE = 'none';
/** This service shows no pages; and whether a domain is TLS only is for whoever runs the proxy in front to say. */
const SECURITY_HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  strictTransportSecurity: false,
} as const;

export function createApp(service: Service, routes: readonly Route[]): Koa {
  const router = createRouter(service, routes);
  const app = new Koa();
  app.on('error', (error: unknown) => service.log.debug({ event: 'response_failed', err: error }));
  app.use(identify(service));
  app.use(answerProblems(service));
  app.use(helmet(SECURITY_HEADERS));
  app.use(refuseDoubledHeaders);
  app.use(router.routes());
  app.use(refuseUnknown(router));
  return app;
}

/** Gives each request an id, and notes what became of it. */
function identify({ config, log, metrics, closing }: Service): Middleware {
  return async (ctx, next) => {
    const startedAtMs = performance.now();
    const given = ctx.get('x-request-id');
    const id = REQUEST_ID.test(given) ? given : randomUUID();
    ctx.state['requestId'] = id;
    ctx.set('X-Request-Id', id);
    ctx.state['bodyMs'] = config.deadlines.bodyMs;
    if (closing.aborted) ctx.set('Connection', 'close');
    await next();
    // Else the rest of a body that nobody asked for could drip in for ever, and hold the connection.
    if (!ctx.req.complete && hasBody(ctx) && !ctx.res.headersSent) ctx.set('Connection', 'close');
    const ms = performance.now() - startedAtMs;
    const route = typeof ctx.state['route'] === 'string' ? ctx.state['route'] : NO_ROUTE;
    metrics.noteRequest({ method: route === NO_ROUTE ? 'any' : ctx.method, route, status: ctx.status }, ms);
    log.debug({
      event: 'http_request',
      request_id: id,
      method: short(ctx.method),
      route,
      status: ctx.status,
      duration_ms: Math.round(ms),
    });
  };
}

/** Turns whatever was thrown into problem details. Only faults of our own are logged: the rest is the caller's. */
function answerProblems({ log }: Service): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (error instanceof Disconnected || ctx.res.headersSent || ctx.res.destroyed) {
        ctx.respond = false;
        ctx.res.destroy();
        log.debug({ event: 'request_abandoned', request_id: ctx.state['requestId'], err: error });
        return;
      }
      const problem = problemOf(error);
      if (problem.status >= 500)
        log.error({
          event: 'request_failed',
          request_id: ctx.state['requestId'],
          err: problem.cause ?? problem,
        });
      ctx.status = problem.status;
      ctx.set(problem.headers);
      ctx.type = 'application/problem+json';
      const body = `${JSON.stringify({ ...problem.toJSON(), request_id: ctx.state['requestId'] as unknown })}\n`;
      answer(ctx, body);
    }
  };
}

/** A refusal in the middle of an upload is sent before the rest has come, and the connection ends after it. */
function answer(ctx: Context, body: string): void {
  if (ctx.req.complete || !hasBody(ctx)) {
    ctx.body = body;
    return;
  }
  ctx.set('Connection', 'close');
  const bytes = Buffer.from(body);
  ctx.body = Readable.from(thenDrain(ctx, bytes), { objectMode: false });
  ctx.type = 'application/problem+json';
  ctx.length = bytes.length;
}

/** Closing a connection with unread data would reset it, and the client might never see why. */
async function* thenDrain(ctx: Context, bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  yield bytes;
  ctx.req.resume();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, SERVER_LIMITS.drainMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    ctx.req.once('end', done).once('close', done);
    ctx.res.once('close', done);
  });
}

function hasBody(ctx: Context): boolean {
  return ctx.get('transfer-encoding') !== '' || Number(ctx.get('content-length') || '0') > 0;
}

function refuseDoubledHeaders(ctx: Context, next: Next): Promise<unknown> {
  for (const name of SINGLE_HEADERS) headerOf(ctx, name);
  return next();
}

function createRouter(service: Service, routes: readonly Route[]): Router {
  const router = new Router({ strict: true, sensitive: true });
  for (const route of routes) {
    router.register(route.path, [route.method.toLowerCase()], (ctx: RouteContext) =>
      enter(route, ctx, service),
    );
  }
  return router;
}

/** Nothing of a request is looked at before its caller is known to be allowed. */
async function enter(route: Route, ctx: RouteContext, service: Service): Promise<void> {
  ctx.state['route'] = route.path;
  ctx.state['caller'] = await service.admission.admit(ctx, route);
  if (route.need !== 'admin' || route.method === 'GET') return route.handle(ctx, service);
  await noting(service.acts, actOf(route, ctx), () => route.handle(ctx, service));
}

function actOf(route: Route, ctx: RouteContext): ActBegun {
  const { kind, name } = callerOf(ctx);
  return {
    caller: name === kind ? kind : `${kind} ${name}`,
    method: ctx.method,
    path: ctx.path,
    summary: () => summaryOf(ctx) ?? route.operation.summary ?? '',
  };
}

function refuseUnknown(router: Router): Middleware {
  return (ctx) => {
    const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
    if (methods.size === 0) {
      throw new HttpProblem(
        'not_found',
        'there is nothing at this path: GET /openapi.json lists what there is',
      );
    }
    const allow = [...methods, 'OPTIONS'].join(', ');
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      ctx.set('Allow', allow);
      return;
    }
    throw new HttpProblem('method_not_allowed', `this path answers ${allow}`, { headers: { Allow: allow } });
  };
}
