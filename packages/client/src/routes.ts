/** The service's routes, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

import type { JsonBody, Refusal } from './bodies.js';
import type { SyncPaths } from './routes-sync.js';
import type { TrustPaths } from './routes-trust.js';
import type { ConflictsPaths } from './routes-conflicts.js';
import type {
  Annotation,
  AppendResult,
  DiscoverRequest,
  DiscoverResult,
  Health,
  Node,
  Probe,
  Span,
  SpanHistory,
  SpanPage,
  SpanStory,
} from './schema.js';

export interface paths extends SyncPaths, TrustPaths, ConflictsPaths {
  '/health': {
    /** Health of the service */
    get: { responses: { 200: JsonBody<Health>; default: JsonBody<Health> } };
  };
  '/livez': {
    /** Whether the process answers */
    get: { responses: { 200: JsonBody<Probe> } };
  };
  '/readyz': {
    /** Whether the node takes spans */
    get: { responses: { 200: JsonBody<Probe>; default: JsonBody<Probe> } };
  };
  '/metrics': {
    /** Figures in the text format of Prometheus */
    get: { responses: { 200: { content: { 'text/plain': string } } } };
  };
  '/v1/nodes': {
    /** All known nodes: those that are listed, and those that discovery has found */
    get: { responses: { 200: JsonBody<{ readonly nodes: Node[] }>; default: Refusal } };
  };
  '/v1/nodes/discover': {
    /** Look for peers now */
    post: {
      requestBody: JsonBody<DiscoverRequest>;
      responses: { 200: JsonBody<DiscoverResult>; default: Refusal };
    };
  };
  '/v1/nodes/{id}/reset': {
    /** Dial a node now instead of when its backoff ends */
    post: {
      parameters: {
        path: {
          /** The id, name, address or fingerprint of a known node */
          id: string;
        };
      };
      responses: { 200: JsonBody<Node>; default: Refusal };
    };
  };
  '/v1/timeline/spans': {
    /** A page of a tenant's timeline */
    get: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
          /** `true`: as appended, byte for byte, without what is said about it */
          raw?: 'true' | 'false' | undefined;
          /** RFC 3339, or relative such as `5m`, `1h ago`, `1 hour ago` */
          since?: string | undefined;
          /** RFC 3339, or relative such as `5m`, `1h ago`, `1 hour ago` */
          until?: string | undefined;
          logline_id?: string | undefined;
          contract_id?: string | undefined;
          workflow_id?: string | undefined;
          flow_id?: string | undefined;
          author?: string | undefined;
          status?: string | undefined;
          span_type?: string | undefined;
          visibility?: string | undefined;
          tag?: string | undefined;
          /** Default 100; more than 1,000 counts as 1,000 */
          limit?: number | undefined;
          /** `next_cursor` of the page before */
          cursor?: string | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
        };
      };
      responses: { 200: JsonBody<SpanPage>; default: Refusal };
    };
    /** Append spans */
    post: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
          /** Gives spans without an id the same one at every retry of the request */
          'Idempotency-Key'?: string | undefined;
        };
      };
      requestBody: { content: { 'application/json': Span | Span[]; 'application/x-ndjson': string } };
      responses: { 201: JsonBody<AppendResult>; default: Refusal };
    };
  };
  '/v1/timeline/spans/{id}': {
    /** One span */
    get: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
          /** `true`: as appended, byte for byte, without what is said about it */
          raw?: 'true' | 'false' | undefined;
          /** `true`: the span, with everything that is said about it and why it counts or does not */
          history?: 'true' | 'false' | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
        };
        path: {
          /** The UUID of the span */
          id: string;
        };
      };
      responses: { 200: JsonBody<Span | SpanHistory>; default: Refusal };
    };
    /** Say something about a span after the fact */
    patch: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
          /** The ETag of the reading that the change is made for: 412 where another is read by now */
          'If-Match'?: string | undefined;
          /** The same request again acts once */
          'Idempotency-Key'?: string | undefined;
        };
        path: {
          /** The UUID of the span */
          id: string;
        };
      };
      requestBody: {
        content: { 'application/merge-patch+json': Annotation; 'application/json': Annotation };
      };
      responses: { 200: JsonBody<Span>; 204: { content: Record<never, never> }; default: Refusal };
    };
  };
  '/v1/timeline/spans/{id}/explain': {
    /** Where a span came from, and why it is or is not at each peer */
    get: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
        };
        path: {
          /** The UUID of the span */
          id: string;
        };
      };
      responses: { 200: JsonBody<SpanStory>; default: Refusal };
    };
  };
  '/v1/timeline/stream': {
    /** Follow a tenant's timeline */
    get: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
          /** A cursor from an event or an append; the header Last-Event-ID goes before it */
          after?: string | undefined;
          /** Everything, instead of what comes from now on */
          from?: 'start' | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
          /** The cursor of the last event that was seen */
          'Last-Event-ID'?: string | undefined;
        };
      };
      responses: { 200: { content: { 'text/event-stream': string } }; default: Refusal };
    };
  };
  '/v1/federation': {
    /** The link between nodes */
    get: { responses: { 101: { content: Record<never, never> }; default: Refusal } };
  };
  '/openapi.json': {
    /** This document */
    get: {
      responses: {
        200: JsonBody<{
          readonly openapi: string;
          readonly paths: { readonly [member: string]: unknown };
          readonly [member: string]: unknown;
        }>;
      };
    };
  };
}
