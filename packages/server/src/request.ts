/** What requests say, read strictly: query, headers and small JSON bodies, checked against their schemas. */

import { parseStrictJson, parseTenant, type TenantId } from '@logline/federation-core';
import { createText } from '@logline/federation-core/node';
import type { Context } from 'koa';
import type { z } from 'zod';
import { readBytes } from './body.js';
import { nothingThere, type Caller } from './caller.js';
import { SERVER_LIMITS } from './limits.js';
import { HttpProblem } from './problem.js';

const TENANT_HEADER = 'x-tenant-id';
/** Those that may be longer than others. */
const LONG_HEADERS: Readonly<Partial<Record<string, number>>> = {
  authorization: SERVER_LIMITS.tokenChars,
  'x-service-token': SERVER_LIMITS.tokenChars,
  'x-user-roles': SERVER_LIMITS.scopeChars,
};
const SHOWN_ISSUES = 5;
const TEXT = createText();

/** Throws `bad_request` for a parameter that the schema does not know, that comes twice, or that does not fit. */
export function readQuery<Schema extends z.ZodType>(ctx: Context, schema: Schema): z.output<Schema> {
  const given: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    if (Object.hasOwn(given, name))
      throw new HttpProblem('bad_request', `query parameter ${shown(name)} comes twice: give it once`);
    given[name] = value;
  }
  return check(schema, { ...given }, 'query parameter');
}

/** A JSON object of at most `SERVER_LIMITS.bodyBytes`; no body at all counts as `{}`. */
export async function readJson<Schema extends z.ZodType>(
  ctx: Context,
  schema: Schema,
): Promise<z.output<Schema>> {
  const bytes = await readBytes(ctx, SERVER_LIMITS.bodyBytes);
  if (bytes.length === 0) return check(schema, {}, 'body member');
  if (ctx.is('json', '+json') === false) {
    throw new HttpProblem(
      'unsupported_media_type',
      `expected Content-Type application/json, got ${shown(ctx.get('content-type') || 'none')}`,
    );
  }
  const body = parseJson(bytes);
  // No schema knows such a member, and those that let others pass would drop it without a word.
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, '__proto__'))
    throw new HttpProblem('bad_request', 'body member: no request has a member "__proto__": leave it out');
  return check(schema, body, 'body member');
}

/** Who asks; known as soon as a route begins. */
export function callerOf(ctx: Context): Caller {
  return ctx.state['caller'] as Caller;
}

/**
 * The tenant that a request is about: the one it names in `?tenant_id` or `X-Tenant-ID`, else the caller's own, if any.
 * Throws `bad_request` for what is no tenant name, `tenant_mismatch` where the two differ, and `not_found` for any
 * that the caller may not see.
 */
export function tenantOf(ctx: Context, fromQuery: string | undefined): TenantId | undefined {
  const fromHeader = headerOf(ctx, TENANT_HEADER);
  if (fromQuery !== undefined && fromHeader !== undefined && fromQuery !== fromHeader) {
    throw new HttpProblem(
      'tenant_mismatch',
      `?tenant_id says ${shown(fromQuery)} and X-Tenant-ID says ${shown(fromHeader)}: name one tenant`,
    );
  }
  const text = fromQuery ?? fromHeader;
  return permittedTenant(ctx, text === undefined ? undefined : readTenant(text));
}

/** As `tenantOf`, for a tenant that is named elsewhere, such as in a body. */
export function permittedTenant(ctx: Context, named: TenantId | undefined): TenantId | undefined {
  const own = callerOf(ctx).tenant;
  if (own === undefined) return named;
  if (named !== undefined && named !== own) throw nothingThere();
  return own;
}

/** As `tenantOf`, where there must be one. */
export function requireTenant(ctx: Context, fromQuery: string | undefined): TenantId {
  const tenant = tenantOf(ctx, fromQuery);
  if (tenant === undefined)
    throw new HttpProblem('tenant_required', 'name the tenant in ?tenant_id or in the header X-Tenant-ID');
  return tenant;
}

export function readTenant(text: string): TenantId {
  const tenant = parseTenant(text);
  if (tenant === undefined)
    throw new HttpProblem('bad_request', `tenant_id: ${shown(text)} is no tenant name`);
  return tenant;
}

/** A header that may come once; Node would join two into one. */
export function headerOf(ctx: Context, name: string): string | undefined {
  const values = ctx.req.headersDistinct[name] ?? [];
  if (values.length > 1)
    throw new HttpProblem('bad_request', `the header ${name} comes ${values.length} times: send it once`);
  const [value] = values;
  const charsMost = LONG_HEADERS[name] ?? SERVER_LIMITS.headerChars;
  if (value !== undefined && value.length > charsMost)
    throw new HttpProblem('bad_request', `the header ${name} is longer than ${charsMost} characters`);
  return value;
}

/** A text of the request as it may stand in an answer: short, and with every control character escaped. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function parseJson(bytes: Uint8Array): unknown {
  const parsed = parseStrictJson(bytes, TEXT);
  if (!parsed.ok) throw new HttpProblem('bad_request', `the body is refused: ${parsed.reason}`);
  return parsed.value;
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, SHOWN_ISSUES).map((issue) => {
    const path = issue.path.map(String).join('.').slice(0, 100);
    return path === '' ? issue.message.slice(0, 300) : `${path}: ${issue.message.slice(0, 300)}`;
  });
  throw new HttpProblem('bad_request', `${what}: ${issues.join('; ')}`);
}
