/** The shapes of annotations and conflicts: what is said about spans after the fact, and what people decide. */

import { LIMITS } from '@logline/federation-core';
import { z } from 'zod';
import 'zod-openapi';
import { policy } from './schemas-settling.js';
import {
  CURSOR_CHARS,
  fingerprint,
  nodeId,
  raw,
  span,
  tenantHeaders,
  tenantQuery,
  timestamp,
} from './schemas.js';

const FIELD_CHARS = 300;
const REF_CHARS = 100;

const uuid = z.string().meta({ description: 'The UUID of the span' });
/** Checked by the library, which says what is wrong with it. */
const anything = z.unknown();
const ref = z
  .string()
  .max(REF_CHARS)
  .meta({ description: 'What was said: the hash of its entry in hex, a dot, and its place there' });
const why = z
  .enum([
    'undisputed',
    'resolved',
    'latest',
    'priority',
    'chosen',
    'provisional',
    'agrees',
    'earlier',
    'lower_priority',
    'passed_over',
    'open',
    'superseded',
    'ahead',
    'noted',
  ])
  .meta({
    description:
      'Why it is what is read, or is not. Read: `undisputed`, `resolved`, `latest`, `priority`, `provisional` until somebody decides, `agrees` with what is read, `noted`. Not: `earlier`, `lower_priority`, `open` until somebody decides, `superseded`, `ahead` of the clock',
  });

export const readQueryOfSpan = z.strictObject({
  ...tenantQuery.shape,
  raw,
  history: z.enum(['true', 'false']).optional().meta({
    description: '`true`: the span, with everything that is said about it and why it counts or does not',
  }),
});

export const annotation = z
  .looseObject({
    status: z.enum(['executed', 'simulated', 'reverted', 'ghost']).optional(),
    processed: z.boolean().optional(),
    verification_status: z.enum(['verified', 'pending', 'failed']).optional(),
    visibility: z.enum(['private', 'organization', 'public']).optional(),
    metadata: anything.optional().meta({
      override: { type: 'object', additionalProperties: true },
      description: 'Members to change, each on its own; null takes one away',
    }),
    tags: z.array(z.string()).nullish().meta({ description: 'The whole new list' }),
    notes: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .meta({ description: 'A text to add, or several; nothing takes one away' }),
  })
  .meta({
    id: 'Annotation',
    description: 'JSON merge patch (RFC 7396) of the members of a span that may be said anew',
  });

export const historyItem = z
  .strictObject({
    ref,
    field: z.string().meta({ example: 'status' }),
    op: z.enum(['body', 'set', 'resolve', 'add', 'remove', 'note']),
    value: anything.meta({ description: 'Of a body the SHA-256 of its canonical JSON, in hex' }),
    note: z.string().nullable().meta({ description: 'Said with a resolution' }),
    node_id: nodeId.nullable(),
    fingerprint,
    at: timestamp.meta({ description: 'When, by the clock of its node' }),
    won: z.boolean().meta({ description: 'Whether it is what is read' }),
    why,
    superseded_by: ref.nullable(),
  })
  .meta({ id: 'HistoryItem' });

export const spanHistory = z
  .strictObject({
    id: uuid,
    span: span.nullable().meta({ description: 'As it is read; null while it is not here itself' }),
    version: z.string().meta({ description: 'As in the header ETag' }),
    history: z.array(historyItem).meta({ description: 'Field by field, each in the order of its stamps' }),
  })
  .meta({ id: 'SpanHistory' });

const candidate = z
  .strictObject({
    ref,
    value: anything,
    span: span.optional().meta({ description: 'Of a conflict of kind `identity`: the whole body' }),
    node_id: nodeId.nullable(),
    fingerprint,
    at: timestamp,
    why,
  })
  .meta({ id: 'ConflictCandidate' });

export const conflict = z
  .strictObject({
    id: z.string().meta({ description: 'The same on every node' }),
    tenant_id: z.string(),
    span_id: uuid,
    field: z.string(),
    kind: z.enum(['concurrent', 'identity']).meta({
      description: '`concurrent`: of what is said about it; `identity`: other content under the same id',
    }),
    policy,
    state: z.enum(['open', 'resolved']),
    candidates: z.array(candidate).meta({ description: 'Oldest first' }),
    opened_at: timestamp,
    resolved_at: timestamp.nullable(),
    resolution: z
      .strictObject({
        by: z.enum(['policy', 'node']),
        node_id: nodeId.nullable(),
        fingerprint: fingerprint.nullable(),
        ref: ref.nullable(),
        value: anything,
        note: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'What is read since, and who said so: a node, or the policy by itself' }),
  })
  .meta({ id: 'Conflict' });

export const conflictQuery = z.strictObject({
  ...tenantQuery.shape,
  state: z.enum(['open', 'resolved']).optional(),
  field: z.string().min(1).max(FIELD_CHARS).optional(),
  span_id: z.string().min(1).max(64).optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'expected a whole number from 1; more than 100 counts as 100')
    .optional()
    .meta({
      override: { type: 'integer', minimum: 1 },
      description: 'More than 100, the default, counts as 100',
    }),
  cursor: z
    .string()
    .min(1)
    .max(CURSOR_CHARS)
    .optional()
    .meta({ description: '`next_cursor` of the page before' }),
});

export const conflictPage = z
  .strictObject({
    conflicts: z.array(conflict),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'null at the end. A short page need not be the last' }),
  })
  .meta({ id: 'ConflictPage' });

export const conflictPath = z.object({ id: z.string().meta({ description: 'The id of the conflict' }) });

export const resolveRequest = z
  .strictObject({
    choose: z.string().min(1).max(REF_CHARS).optional().meta({ description: 'The `ref` of a candidate' }),
    value: anything.optional().meta({
      description: 'Another value; not for a conflict of kind `identity`',
    }),
    note: z.string().max(LIMITS.noteChars).optional().meta({ description: 'Why, for those who look later' }),
  })
  .meta({ id: 'ResolveRequest', description: 'Either `choose` or `value`' });

const headerText = z.string().max(256).optional();
export const annotateHeaders = z.object({
  ...tenantHeaders.shape,
  'If-Match': headerText.meta({
    description: 'The ETag of the reading that the change is made for: 412 where another is read by now',
  }),
  'Idempotency-Key': headerText.meta({ description: 'The same request again acts once' }),
});
export const resolveHeaders = z.object({
  ...tenantHeaders.shape,
  'Idempotency-Key': headerText.meta({ description: 'The same request again acts once' }),
});
