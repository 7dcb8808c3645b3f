/** The shapes of every request and answer: what is checked, what is documented, and the types in between. */

import { z } from 'zod';
import 'zod-openapi';
import { healthSections } from './schemas-health.js';

const SYNC_OUTCOMES = ['in_sync', 'incomplete', 'unreachable', 'nothing_shared', 'unknown_peer'] as const;
const DISCOVERY_METHODS = ['broadcast', 'dns', 'manual'] as const;
export const TRUST_LEVELS = ['unknown', 'pending', 'verified', 'revoked'] as const;
export const CURSOR_CHARS = 512;
const FILTER_CHARS = 1024;
const INSTANT_CHARS = 100;
const PEERS = 1000;

export const timestamp = z
  .string()
  .meta({ description: 'RFC 3339, in UTC', example: '2025-10-03T22:00:00.000Z' });
export const count = z.int().min(0);
/** A figure from which a caller who is bound to a tenant could tell the traffic of others. */
export const ofAll = (description: string): z.ZodOptional<typeof count> =>
  count.optional().meta({ description: `${description}. Not for callers bound to a tenant` });
export const nodeId = z
  .string()
  .meta({ description: 'A node, by its label', example: 'logline-id://node/peer-alpha' });
export const fingerprint = z.string().meta({
  description: 'A public key in base64url, 43 characters: the identity of a node',
  example: 'Xn3kG0J1aY2ZpQb6r7sTtUuVvWwXxYyZz0123456789',
});
const instant = z
  .string()
  .min(1)
  .max(INSTANT_CHARS)
  .meta({ description: 'RFC 3339, or relative such as `5m`, `1h ago`, `1 hour ago`', example: '1 hour ago' });

export const problemBody = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What was expected, what came, and what to do' }),
    error: z.string().meta({ description: 'A stable code', example: 'bad_request' }),
    request_id: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' });

export const health = z
  .strictObject({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    node_id: nodeId,
    peers_connected: count,
    last_sync: timestamp.nullable().meta({ description: 'null before the first' }),
    reasons: z.array(z.string()).meta({ description: 'Why it is not healthy' }),
    ...healthSections.shape,
  })
  .meta({ id: 'Health' });

export const probe = z
  .strictObject({ status: z.enum(['ok', 'stopping', 'read_only']) })
  .meta({ id: 'Probe' });

export const peerNode = z
  .strictObject({
    id: nodeId.nullable().meta({ description: 'null until the peer has said its name' }),
    address: z.string().meta({ example: 'wss://alpha.logline.network:443/v1/federation' }),
    status: z.enum(['connected', 'connecting', 'disconnected']),
    trust_level: z.enum(TRUST_LEVELS),
    last_seen: timestamp.nullable(),
    latency_ms: z.number().nullable(),
    clock_skew_ms: z.number().nullable().meta({ description: "How far the peer's clock is ahead of ours" }),
    last_error: z.string().nullable(),
    last_error_at: timestamp.nullable(),
    next_dial_at: timestamp.nullable(),
    fingerprint: fingerprint.nullable(),
    method: z.enum(['manual', 'broadcast', 'dns', 'exchange', 'remembered']).meta({
      description:
        'How its address came to be known: `manual` by an operator, `remembered` from before a restart, else by discovery, which makes nobody trusted',
    }),
    unconfirmed_fingerprint: fingerprint
      .nullable()
      .meta({ description: 'A key that answered there and waits for `/v1/trust/confirm`' }),
    in_sync: z.boolean(),
    entries_received: ofAll('On this connection'),
    entries_sent: ofAll('On this connection'),
    bytes_received: ofAll('On this connection, on the wire'),
    bytes_sent: ofAll('On this connection, on the wire'),
  })
  .meta({ id: 'Node' });

export const nodeList = z.strictObject({ nodes: z.array(peerNode) });

export const discoverRequest = z
  .strictObject({
    network_key: z
      .string()
      .max(1024)
      .optional()
      .meta({ description: 'If given, it must be the key that this node was started with' }),
    discovery_method: z
      .enum(DISCOVERY_METHODS, {
        error:
          'expected "broadcast" (multicast DNS), "dns" (the records of FEDERATION_DNS_NAME) or "manual" (every listed peer)',
      })
      .meta({
        description:
          '`broadcast` looks on the local network, `dns` at the records of FEDERATION_DNS_NAME; `manual` dials every listed peer now',
      }),
  })
  .meta({ id: 'DiscoverRequest' });

export const discoverResult = z
  .strictObject({
    method: z.enum(DISCOVERY_METHODS),
    nodes: z.array(peerNode).meta({ description: 'Those that answered; found ones are `unknown`' }),
    other_networks: count.optional().meta({
      description: 'Announcements of nodes with another network key, which are not looked at',
    }),
    errors: z.array(z.strictObject({ address: z.string().nullable(), error: z.string() })).meta({
      description: 'What did not answer, and what to check; without an address it is about the method',
    }),
  })
  .meta({ id: 'DiscoverResult' });

export const syncRequest = z
  .strictObject({
    peer_ids: z.array(nodeId.min(1).max(100)).max(PEERS).optional(),
    since: instant.optional().meta({
      description: 'Waits only for what was written since then; older parts follow in their own time',
    }),
    tenant_filter: z.string().min(1).max(200).optional(),
  })
  .meta({ id: 'SyncRequest' });

export const peerSync = z
  .strictObject({
    peer_id: nodeId.nullable(),
    address: z.string(),
    outcome: z.enum(SYNC_OUTCOMES),
    entries_received: ofAll('Of all tenants that are shared'),
    entries_sent: ofAll('Of all tenants that are shared'),
    duration_ms: z.number(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'PeerSync' });

export const SYNC_STATUSES = ['completed', 'partial', 'nothing_shared', 'failed', 'no_peers'] as const;

export const syncResult = z
  .strictObject({
    status: z.enum(SYNC_STATUSES).meta({
      description:
        '`completed`: in sync with every peer; `partial`: with some; `nothing_shared`: no tenant is federated by both sides; `failed`: with none; `no_peers`: none is listed',
    }),
    detail: z.string().nullable(),
    peers: z.array(peerSync),
  })
  .meta({ id: 'SyncResult' });

export const syncStarted = z
  .strictObject({ status: z.enum(['running']), job_id: z.string(), status_url: z.string() })
  .meta({ id: 'SyncStarted' });

export const syncJob = z
  .strictObject({
    job_id: z.string(),
    status: z.enum(['running', ...SYNC_STATUSES]),
    started_at: timestamp,
    finished_at: timestamp.nullable(),
    detail: z.string().nullable(),
    peers: z.array(peerSync).meta({ description: 'Empty while running' }),
  })
  .meta({ id: 'SyncJob' });

export const tenantQuery = z.strictObject({
  tenant_id: z.string().min(1).max(200).optional().meta({
    description: 'The tenant; the header X-Tenant-ID says the same. Two that differ are refused',
  }),
});

export const span = z
  .looseObject({
    id: z.string().optional().meta({ description: 'UUID; made up where absent' }),
    timestamp: z.string().optional().meta({ description: 'RFC 3339, any precision; now where absent' }),
    logline_id: z.string(),
    title: z.string(),
    tenant_id: z.string().nullish(),
    author: z.string().nullish(),
    contract_id: z.string().nullish(),
    workflow_id: z.string().nullish(),
    flow_id: z.string().nullish(),
    status: z.enum(['executed', 'simulated', 'reverted', 'ghost']).nullish(),
    span_type: z.enum(['user', 'system', 'organization', 'ghost']).nullish(),
    visibility: z.enum(['private', 'organization', 'public']).nullish(),
    tags: z.array(z.string()).nullish(),
    processed: z.unknown().optional(),
    verification_status: z.unknown().optional(),
    metadata: z.unknown().optional(),
    notes: z.unknown().optional().meta({ description: 'What was added is `{text, node, at}`' }),
    conflicted: z.unknown().optional().meta({ description: 'Members on which people have to decide' }),
  })
  .meta({ id: 'Span', description: 'One event of a timeline. Members not listed here are kept as they are' });

export const appendResult = z
  .strictObject({
    accepted: count.meta({ description: 'New spans, durable now' }),
    duplicates: count.meta({ description: 'Spans that were here with the same content' }),
    conflicts: z
      .array(z.strictObject({ index: count, id: z.string().nullable() }))
      .max(1000)
      .meta({ description: 'Spans stored beside other content under the same id; the first 1,000' }),
    conflicts_total: count,
    rejected: z
      .array(z.strictObject({ index: count, id: z.string().nullable(), error: z.string() }))
      .max(1000)
      .meta({
        description: 'Spans not stored, by their place from 0 (line number less one); the first 1,000',
      }),
    rejected_total: count,
    cursor: z
      .string()
      .nullable()
      .meta({ description: 'For the stream: behind the last span that was new; null where none was' }),
  })
  .meta({
    id: 'AppendResult',
    description: 'accepted + duplicates + conflicts_total + rejected_total are the spans that came',
  });

const filter = z.string().min(1).max(FILTER_CHARS).optional();

export const raw = z.enum(['true', 'false']).optional().meta({
  description: '`true`: as appended, byte for byte, without what is said about it',
});

export const spanQuery = z.strictObject({
  ...tenantQuery.shape,
  raw,
  since: instant.optional(),
  until: instant.optional(),
  logline_id: filter,
  contract_id: filter,
  workflow_id: filter,
  flow_id: filter,
  author: filter,
  status: filter,
  span_type: filter,
  visibility: filter,
  tag: filter,
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'expected a whole number from 1; more than 1000 counts as 1000')
    .optional()
    .meta({
      override: { type: 'integer', minimum: 1 },
      description: 'Default 100; more than 1,000 counts as 1,000',
    }),
  cursor: z
    .string()
    .min(1)
    .max(CURSOR_CHARS)
    .optional()
    .meta({ description: '`next_cursor` of the page before' }),
});

export const spanPage = z
  .strictObject({
    spans: z.array(span).meta({ description: 'In ascending order of timestamp, then id' }),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'null at the end. A short page need not be the last' }),
  })
  .meta({ id: 'SpanPage' });

export const streamQuery = z.strictObject({
  ...tenantQuery.shape,
  after: z.string().min(1).max(CURSOR_CHARS).optional().meta({
    description: 'A cursor from an event or an append; the header Last-Event-ID goes before it',
  }),
  from: z.enum(['start']).optional().meta({ description: 'Everything, instead of what comes from now on' }),
});

export const noQuery = z.strictObject({});
export const spanPath = z.object({ id: z.string().meta({ description: 'The UUID of the span' }) });
export const jobPath = z.object({ id: z.string() });
export const nodePath = z.object({
  id: z.string().meta({ description: 'The id, name, address or fingerprint of a known node' }),
});
export const openApiDocument = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });

const headerText = z.string().max(256).optional();
export const tenantHeaders = z.object({
  'X-Tenant-ID': headerText.meta({ description: 'The tenant, as `tenant_id` says it in the query' }),
});
export const appendHeaders = z.object({
  ...tenantHeaders.shape,
  'Idempotency-Key': headerText.meta({
    description: 'Gives spans without an id the same one at every retry of the request',
  }),
});
export const streamHeaders = z.object({
  ...tenantHeaders.shape,
  'Last-Event-ID': headerText.meta({ description: 'The cursor of the last event that was seen' }),
});
