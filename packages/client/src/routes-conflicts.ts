/** The service's routes about conflicts, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

import type { JsonBody, Refusal } from './bodies.js';
import type { Conflict, ConflictPage, ResolveRequest } from './schema-conflicts.js';

export interface ConflictsPaths {
  '/v1/conflicts': {
    /** Where nodes are or were at odds about a tenant's spans */
    get: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
          state?: 'open' | 'resolved' | undefined;
          field?: string | undefined;
          span_id?: string | undefined;
          /** More than 100, the default, counts as 100 */
          limit?: number | undefined;
          /** `next_cursor` of the page before */
          cursor?: string | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
        };
      };
      responses: { 200: JsonBody<ConflictPage>; default: Refusal };
    };
  };
  '/v1/conflicts/{id}': {
    /** One conflict, with its candidates */
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
          /** The id of the conflict */
          id: string;
        };
      };
      responses: { 200: JsonBody<Conflict>; default: Refusal };
    };
  };
  '/v1/conflicts/{id}/resolve': {
    /** Decide a conflict */
    post: {
      parameters: {
        query?: {
          /** The tenant; the header X-Tenant-ID says the same. Two that differ are refused */
          tenant_id?: string | undefined;
        };
        header?: {
          /** The tenant, as `tenant_id` says it in the query */
          'X-Tenant-ID'?: string | undefined;
          /** The same request again acts once */
          'Idempotency-Key'?: string | undefined;
        };
        path: {
          /** The id of the conflict */
          id: string;
        };
      };
      requestBody: JsonBody<ResolveRequest>;
      responses: { 200: JsonBody<Conflict>; 204: { content: Record<never, never> }; default: Refusal };
    };
  };
}
