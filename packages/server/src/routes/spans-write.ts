/** Appending spans: one, an array, or lines without end. The answer comes when they are durable. */

import {
  splitArray,
  type AppendOptions,
  type AppendReport,
  type SpanInput,
  type SpanOutcome,
} from '@logline/federation-core';
import { callerKey } from '../caller.js';
import { bodyMsOf, Disconnected, readBytes, readPieces } from '../body.js';
import { LineDeadline, watchExpiry } from '../deadlines.js';
import type { Cursors } from '../cursors.js';
import { SERVER_LIMITS } from '../limits.js';
import { json, problems } from '../operations.js';
import { HttpProblem, problemOf } from '../problem.js';
import { callerOf, headerOf, readQuery, shown, tenantOf } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { appendHeaders, appendResult, span, tenantQuery } from '../schemas.js';
import { Tally, type AppendAnswer } from '../tally.js';
import { uploadLines } from '../upload.js';

const LINES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'];
const OPEN_ARRAY = 0x5b;
/** How the library begins to tell of a span without an id where one is needed. */
const NAME_MISSING = 'id: required';

type Request = Pick<AppendOptions, 'tenant' | 'idempotencyKey' | 'needsIds'>;

export const spanWriteRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/timeline/spans',
    need: 'write',
    reach: 'tenant',
    operation: {
      summary: 'Append spans',
      description:
        'One span, an array of at most 20,000 and 8 MiB, or newline-delimited JSON of any length, gzip or br if you like. Spans are stored exactly as sent. Of many spans a bad one is rejected by its place and the others are stored; a lone one that is bad is refused with 400.',
      requestParams: { query: tenantQuery, header: appendHeaders },
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: span.or(span.array()) },
          'application/x-ndjson': { schema: { type: 'string', description: 'One span a line' } },
        },
      },
      responses: { 201: json('Stored, and durable', appendResult), ...problems },
    },
    handle: appendSpans,
  },
];

async function appendSpans(ctx: RouteContext, service: Service): Promise<void> {
  const { tenant_id: fromQuery } = readQuery(ctx, tenantQuery);
  const key = headerOf(ctx, 'idempotency-key');
  const caller = callerOf(ctx);
  const request = {
    tenant: tenantOf(ctx, fromQuery),
    // Else one caller of a tenant would be answered with what another one's key led to.
    idempotencyKey: key === undefined ? undefined : JSON.stringify([callerKey(caller), key]),
    // The gateway repeats what it got no answer to: spans that get an id here would be stored twice.
    needsIds: caller.kind === 'gateway',
  };
  if (ctx.is(LINES) !== false && ctx.is(LINES) !== null) return appendLines(ctx, service, request);
  if (ctx.is('json', '+json') !== false) return appendJson(ctx, service, request);
  throw new HttpProblem(
    'unsupported_media_type',
    `expected Content-Type application/json or application/x-ndjson, got ${shown(ctx.get('content-type') || 'none')}`,
  );
}

async function appendLines(
  ctx: RouteContext,
  { node, closing, cursors }: Service,
  request: Request,
): Promise<void> {
  const tally = new Tally();
  const expiry = watchExpiry(callerOf(ctx));
  const late = new LineDeadline(bodyMsOf(ctx));
  const stop = AbortSignal.any([closing, expiry.signal, late.signal]);
  try {
    const onLine = (isInside: boolean): void => late.note(isInside);
    await uploadLines(readPieces(ctx, stop), { ...request, node, tally, onLine });
  } catch (error) {
    if (error instanceof Disconnected) throw error;
    throw problemOf(error, tally.total === 0 ? {} : { ...sealed(tally, cursors) });
  } finally {
    expiry.forget();
    late.note(false);
  }
  if (tally.total === 0) throw emptyBody();
  ctx.status = 201;
  ctx.body = sealed(tally, cursors);
}

async function appendJson(ctx: RouteContext, { node, cursors }: Service, request: Request): Promise<void> {
  const body = await readBytes(ctx, SERVER_LIMITS.spanBodyBytes);
  const first = body.find((byte) => !isSpace(byte));
  if (first === undefined) throw emptyBody();
  if (first !== OPEN_ARRAY) {
    const report = await append(node, [body], request);
    const [outcome] = report.outcomes;
    if (outcome !== undefined && lacksName(outcome)) throw idRequired();
    if (outcome?.outcome === 'rejected') throw lonelyRefusal(outcome.error ?? 'refused', request);
    answer(ctx, report, cursors);
    if (typeof outcome?.id === 'string')
      ctx.set('Location', locationOf(outcome.id, request.tenant ?? tenantIn(body)));
    return;
  }
  const report = await append(node, readArray(body), request);
  if (report.outcomes.every(lacksName)) throw idRequired();
  answer(ctx, report, cursors);
}

/** The spans of an array, each with the bytes it came with. */
function readArray(body: Uint8Array): readonly Uint8Array[] {
  const spans = splitArray(body, SERVER_LIMITS.arraySpans);
  if (spans === undefined)
    throw new HttpProblem('bad_request', 'the body is no whole JSON array: check its brackets and commas');
  if (spans.length === 0) throw emptyBody();
  if (spans.length > SERVER_LIMITS.arraySpans) {
    throw new HttpProblem(
      'too_large',
      `an array may have ${SERVER_LIMITS.arraySpans} spans: send more as application/x-ndjson, one a line`,
    );
  }
  return spans;
}

function append(node: Service['node'], spans: readonly SpanInput[], request: Request): Promise<AppendReport> {
  return node.append(spans, request);
}

function answer(ctx: RouteContext, report: AppendReport, cursors: Cursors): void {
  const tally = new Tally();
  tally.add(
    report,
    report.outcomes.map((_, i) => i),
    0,
  );
  ctx.status = 201;
  ctx.body = sealed(tally, cursors);
}

function sealed(tally: Tally, cursors: Cursors): AppendAnswer {
  const answered = tally.answer();
  return { ...answered, cursor: answered.cursor === null ? null : cursors.seal(answered.cursor) };
}

function lacksName({ error }: SpanOutcome): boolean {
  return error?.startsWith(NAME_MISSING) === true;
}

function idRequired(): HttpProblem {
  return new HttpProblem(
    'id_required',
    'id: the gateway may send a request twice: give each span an id, or the request an Idempotency-Key',
  );
}

/** Where a span can be read from now on: how its sender learns an id that was made up for it. */
function locationOf(id: string, tenant: string): string {
  return `/v1/timeline/spans/${id}?tenant_id=${encodeURIComponent(tenant)}`;
}

/** The tenant that a stored span names: the request named none, so the span did. */
function tenantIn(span: Uint8Array): string {
  const { tenant_id: tenant } = JSON.parse(Buffer.from(span).toString('utf8')) as {
    readonly tenant_id: string;
  };
  return tenant;
}

function lonelyRefusal(reason: string, request: Request): HttpProblem {
  if (!reason.startsWith('tenant_id: required')) return new HttpProblem('bad_request', reason);
  return new HttpProblem(
    request.tenant === undefined ? 'tenant_required' : 'bad_request',
    'name the tenant in the span as tenant_id, in ?tenant_id, or in the header X-Tenant-ID',
  );
}

function emptyBody(): HttpProblem {
  return new HttpProblem('bad_request', 'the body holds no span: send one, an array, or one a line');
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
