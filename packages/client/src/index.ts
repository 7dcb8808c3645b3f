/** The package's public face. */

export { LoglineFederationClient, type ClientOptions, type SpanCallOptions } from './client.js';
export { LoglineFederationError, type FailedRequest } from './errors.js';
export type { UploadItem, UploadProgress, UploadSource } from './lines.js';
export type { RawPage } from './raw-page.js';
export type { RetryOptions } from './retry.js';
export type { paths } from './routes.js';
export type { TailEvent, TailOptions } from './tail.js';
export type { CallOptions } from './transport.js';
export type {
  AppendResult,
  DiscoverResult,
  Health,
  Node,
  Problem,
  Span,
  SpanPage,
  SpanStory,
} from './schema.js';
export type { PeerSync, Reading, SyncRequest, SyncResult, SyncStatus } from './schema-sync.js';
export type {
  ActList,
  EstablishRequest,
  EstablishResult,
  ForkProof,
  Quarantine,
  Relationship,
  RemoveResult,
  RevocationReport,
  RevokeRequest,
  RuleResult,
  TenantAccess,
  TrustGraph,
} from './schema-trust.js';
export type { Annotation, HistoryItem, SpanHistory } from './schema.js';
export type { Conflict, ConflictCandidate, ConflictPage } from './schema-conflicts.js';
export { ConflictCalls, type ConflictQuery, type Decision } from './conflicts.js';
export { TimelineCalls, type Annotated, type AnnotateOptions, type SpanReading } from './timeline.js';
export { QuarantineCalls } from './quarantine.js';
export { TenantCalls } from './tenants.js';
export { TrustCalls } from './trust.js';
export type { NewSpan, SpanQuery } from './types.js';
export type { UploadOptions } from './upload.js';
