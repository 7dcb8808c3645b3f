/** The service's routes about sync, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

import type { JsonBody, Refusal } from './bodies.js';
import type { SyncJob, SyncRequest, SyncResult, SyncStarted, SyncStatus } from './schema-sync.js';

export interface SyncPaths {
  '/v1/sync/timeline': {
    /** Synchronise timelines with peers now */
    post: {
      requestBody?: JsonBody<SyncRequest>;
      responses: { 200: JsonBody<SyncResult>; 202: JsonBody<SyncStarted>; default: Refusal };
    };
  };
  '/v1/sync/jobs/{id}': {
    /** A sync that took longer than its request */
    get: { parameters: { path: { id: string } }; responses: { 200: JsonBody<SyncJob>; default: Refusal } };
  };
  '/v1/sync/status': {
    /** How far synchronisation is */
    get: { responses: { 200: JsonBody<SyncStatus>; default: Refusal } };
  };
}
