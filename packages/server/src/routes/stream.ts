/** Following a timeline as server-sent events: every span once per cursor, in order of arrival, what is withdrawn, and what is said of it. */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { writeArrivalCursor, type FollowEvent } from '@logline/federation-core';
import type { Cursors } from '../cursors.js';
import { watchExpiry } from '../deadlines.js';
import { SERVER_LIMITS } from '../limits.js';
import { problems } from '../operations.js';
import { Places } from '../places.js';
import { HttpProblem } from '../problem.js';
import { callerOf, headerOf, readQuery, requireTenant } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { streamHeaders, streamQuery } from '../schemas.js';

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Proxies that gather answers before they pass them on would hold events back.
  'X-Accel-Buffering': 'no',
};

/** Well formed, and of a process start that never was. */
const NOBODYS_CURSOR = writeArrivalCursor({ run: new Uint8Array(8).fill(0xff), position: 1, index: 0 });

const places = new Places({ all: SERVER_LIMITS.streams, perCaller: SERVER_LIMITS.streamsPerCaller });

export const streamRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/timeline/stream',
    need: 'read',
    reach: 'tenant',
    operation: {
      summary: "Follow a tenant's timeline",
      description:
        'Server-sent events. `event: span`: `data` is the span, `id` the cursor behind it, with which a client resumes through `Last-Event-ID`. `event: withdrawn`: `data` is `{"id": …}`; whatever came under this id is no longer accepted here, such as that of a revoked node. `event: restored`: `data` is a span that is accepted again, or one that stands under a withdrawn id still. Both may come more than once, and for spans that were never sent. `event: annotated`: `data` is `{"id", "version", "conflicted", "span"}`; something that is said of the span has come or gone, and so it is read now, or null while it is not here. `event: conflict`: `data` is `{"id", "span_id", "field", "kind", "state"}`; nodes are at odds about a member, or no longer: see /v1/conflicts. `event: reset`: the cursor came from another store, and everything follows from the beginning. A comment every 15 s shows that the stream lives. It ends when the token of its caller expires.',
      requestParams: { query: streamQuery, header: streamHeaders },
      responses: {
        200: { description: 'The events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        ...problems,
      },
    },
    handle: stream,
  },
];

async function stream(ctx: RouteContext, { node, closing, cursors }: Service): Promise<void> {
  const query = readQuery(ctx, streamQuery);
  const tenant = requireTenant(ctx, query.tenant_id);
  if (query.after !== undefined && query.from !== undefined)
    throw new HttpProblem('bad_request', 'query parameters after and from exclude each other: give one');
  // After a reconnect a browser repeats the address it began with and adds the header: the header is the newer one.
  const lastSeen = headerOf(ctx, 'last-event-id');
  const after = placeOf(lastSeen ?? query.after ?? query.from, cursors);
  const leave = places.take(callerOf(ctx));
  const gone = new AbortController();
  const expiry = watchExpiry(callerOf(ctx));
  ctx.res.once('close', () => {
    leave();
    expiry.forget();
    gone.abort();
  });
  const signal = AbortSignal.any([closing, gone.signal, expiry.signal]);
  const events = node.timeline(tenant).follow({ after, signal });
  const first = events.next();
  await refusedAtOnce(first);
  if (ctx.method === 'HEAD') {
    gone.abort();
    ctx.set(HEADERS);
    ctx.status = 200;
    return;
  }
  try {
    ctx.respond = false;
    ctx.res.writeHead(200, { ...headersOf(ctx), ...HEADERS });
    await send(ctx.res, first, { events, signal, cursors });
  } finally {
    leave();
    gone.abort();
    ctx.res.end();
  }
}

/** Where a follower goes on. A cursor of another store becomes one that no store knows, which is told by a reset. */
function placeOf(after: string | undefined, cursors: Cursors): string | undefined {
  if (after === undefined || after === 'start') return after;
  return cursors.open(after) ?? NOBODYS_CURSOR;
}

/** A cursor that is none is refused before the answer begins; waiting for a span, or for the disk, is no refusal. */
async function refusedAtOnce(first: Promise<unknown>): Promise<void> {
  // Nobody waits for the first event after a HEAD: a read that fails then harms nothing.
  first.catch(() => undefined);
  const later = new Promise<void>((resolve) => setImmediate(resolve));
  await Promise.race([first, later]);
}

async function send(
  response: ServerResponse,
  first: Promise<IteratorResult<FollowEvent, void>>,
  stream: {
    readonly events: AsyncGenerator<FollowEvent, void, void>;
    readonly signal: AbortSignal;
    readonly cursors: Cursors;
  },
): Promise<void> {
  const { events, signal, cursors } = stream;
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, SERVER_LIMITS.heartbeatMs);
  try {
    response.write(':\n\n');
    for (let next = await first; next.done !== true; next = await events.next()) {
      const isTaken = writeEvent(response, next.value, cursors.seal(next.value.cursor));
      if (!isTaken && !signal.aborted) await once(response, 'drain', { signal }).catch(() => undefined);
    }
  } finally {
    clearInterval(heartbeat);
  }
}

/** A span is one line of JSON, so it fits one `data` line as it is. */
function writeEvent(response: ServerResponse, event: FollowEvent, cursor: string): boolean {
  response.write(`id: ${cursor}\nevent: ${event.kind}\ndata: `);
  switch (event.kind) {
    case 'span':
    case 'restored':
      response.write(event.span);
      break;
    case 'withdrawn':
      response.write(JSON.stringify({ id: event.id }));
      break;
    case 'annotated': {
      const { id, version, conflicted } = event;
      response.write(`${JSON.stringify({ id, version, conflicted }).slice(0, -1)},"span":`);
      response.write(event.span ?? 'null');
      response.write('}');
      break;
    }
    case 'conflict': {
      const { id, spanId, field, kind, state } = event.conflict;
      response.write(JSON.stringify({ id, span_id: spanId, field, kind, state }));
      break;
    }
    case 'reset':
      response.write('{}');
      break;
    default:
      return event satisfies never;
  }
  return response.write('\n\n');
}

/** What the middlewares have set so far: security headers, the request's id. */
function headersOf(ctx: RouteContext): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ctx.response.headers).map(([name, value]) => [name, String(value)]),
  );
}
