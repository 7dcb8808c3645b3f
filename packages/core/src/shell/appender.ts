/** From what a caller hands over to checked spans of a tenant, and back to one answer a span. */

import { LoglineError } from '../errors.js';
import { parseTenant, type TenantId } from '../identity.js';
import { formatMs } from '../instant.js';
import type { Clock, Random, Tools } from '../ports.js';
import { writeArrivalCursor } from '../query.js';
import { checkSpan, formatSpanId, type Span } from '../span.js';
import type { Storage } from '../storage.js';
import { uuidOfRequest, uuidV7 } from '../uuid.js';
import type { Committer } from './committer.js';

/** A span as JSON bytes, kept as they are, or as an object. */
export type SpanInput = Uint8Array | { readonly [member: string]: unknown };

export interface SpanOutcome {
  readonly index: number;
  /** The span's id in lower case; `null` where none could be read. */
  readonly id: string | null;
  /** `conflict`: stored beside other content under the same id. */
  readonly outcome: 'accepted' | 'duplicate' | 'conflict' | 'rejected';
  readonly error?: string;
}

export interface AppendReport {
  readonly outcomes: readonly SpanOutcome[];
  /** For `follow`: behind the last span that was new; `null` when none was. */
  readonly cursor: string | null;
}

export interface AppendOptions {
  /** The tenant of spans that name none, and the only one allowed for spans that do. */
  readonly tenant?: TenantId | undefined;
  /** Gives spans without an id the same one at every retry. */
  readonly idempotencyKey?: string | undefined;
  /** Refuses spans that have no id and get none from an `idempotencyKey`: their sender may repeat them without knowing. */
  readonly needsIds?: boolean | undefined;
  /** Index of the first span within the caller's request. */
  readonly firstIndex?: number | undefined;
  readonly mayWrite?: ((tenant: TenantId) => boolean) | undefined;
}

export interface AppenderWorld {
  readonly storage: Storage;
  readonly committer: Committer;
  readonly tools: Tools;
  readonly clock: Clock;
  readonly random: Random;
}

const MISUSED_KEY = 'Idempotency-Key: it came with other content before, use a new key for each request';

const NEEDED_ID = 'id: required here, where no Idempotency-Key says whether a span came before';

interface Group {
  readonly spans: Span[];
  readonly indexes: number[];
  readonly retried: Map<Span, readonly string[]>;
}

/** Checks and appends. Every span gets its own answer; one bad span does not keep the others out. */
export async function appendSpans(
  inputs: readonly SpanInput[],
  options: AppendOptions,
  world: AppenderWorld,
): Promise<AppendReport> {
  const outcomes: SpanOutcome[] = [];
  const groups = new Map<TenantId, Group>();
  const firstIndex = options.firstIndex ?? 0;
  for (const [i, input] of inputs.entries()) {
    const index = firstIndex + i;
    const filled: string[] = [];
    const fill = {
      id: () => {
        filled.push('id');
        const { idempotencyKey: key, tenant = '' } = options;
        if (key === undefined) return uuidV7(world.clock.now(), world.random);
        return uuidOfRequest({ tenant, key, index }, world.tools);
      },
      timestamp: () => {
        filled.push('timestamp');
        return formatMs(world.clock.now());
      },
    };
    const checked = checkSpan(toBytes(input, world.tools), world.tools, fill);
    if (!checked.ok) {
      outcomes.push({ index, id: checked.id, outcome: 'rejected', error: checked.reason });
      continue;
    }
    const { idempotencyKey, needsIds = false } = options;
    if (needsIds && idempotencyKey === undefined && filled.includes('id')) {
      outcomes.push({ index, id: null, outcome: 'rejected', error: NEEDED_ID });
      continue;
    }
    const tenant = tenantOf(checked.span, options);
    const id = formatSpanId(checked.span.id);
    if (tenant.error !== undefined) {
      outcomes.push({ index, id, outcome: 'rejected', error: tenant.error });
      continue;
    }
    let group = groups.get(tenant.id);
    if (group === undefined) groups.set(tenant.id, (group = { spans: [], indexes: [], retried: new Map() }));
    group.spans.push(checked.span);
    group.indexes.push(outcomes.length);
    const isDerived = options.idempotencyKey !== undefined && filled.includes('id');
    if (isDerived) group.retried.set(checked.span, filled);
    outcomes.push({ index, id, outcome: 'accepted' });
  }
  const cursor = await commitGroups(groups, outcomes, world);
  return { outcomes, cursor };
}

async function commitGroups(
  groups: ReadonlyMap<TenantId, Group>,
  outcomes: SpanOutcome[],
  world: AppenderWorld,
): Promise<string | null> {
  const results = await Promise.all(
    [...groups].map(async ([tenant, group]) => ({
      group,
      result: await world.committer.append(tenant, group.spans, group.retried),
    })),
  );
  let last: { readonly position: number; readonly index: number } | undefined;
  for (const { group, result } of results) {
    for (const [i, outcome] of result.outcomes.entries()) {
      const at = group.indexes[i] ?? 0;
      const answer = outcomes[at];
      if (answer === undefined) continue;
      outcomes[at] =
        outcome === 'mismatch'
          ? { ...answer, outcome: 'rejected', error: MISUSED_KEY }
          : { ...answer, outcome };
    }
    const place = result.last;
    if (place !== undefined && (last === undefined || place.position >= last.position)) last = place;
  }
  if (last === undefined) return null;
  return writeArrivalCursor(world.storage.cursorAt({ position: last.position, index: last.index + 1 }));
}

function tenantOf(
  span: Span,
  options: AppendOptions,
): { readonly id: TenantId; readonly error?: undefined } | { readonly error: string } {
  const named = span.tenant;
  if (named !== undefined && options.tenant !== undefined && named !== options.tenant) {
    return { error: `tenant_id: the span says ${quoted(named)}, the request ${quoted(options.tenant)}` };
  }
  const text = named ?? options.tenant;
  if (text === undefined) return { error: 'tenant_id: required, in the span or in the request' };
  const id = parseTenant(text);
  if (id === undefined) return { error: `tenant_id: ${quoted(text)} is no tenant name` };
  if (options.mayWrite?.(id) === false) return { error: 'tenant_id: tenant not allowed' };
  return { id };
}

function toBytes(input: SpanInput, tools: Tools): Uint8Array {
  if (input instanceof Uint8Array) return input;
  const text = JSON.stringify(input);
  if (typeof text !== 'string')
    throw new LoglineError('bad_request', 'a span is an object or its JSON as bytes');
  return tools.text.encode(text);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
