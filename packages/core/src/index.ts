/** The library's public face. */

export { LoglineError, type ErrorCode } from './errors.js';
export { LIMITS } from './limits.js';
export { FederationNode } from './node.js';
export type { NodeOptions, TrustedPeer } from './node-options.js';
export type { NodeStatus } from './shell/node-status.js';
export type { NodeEvent } from './events.js';
export { Buckets, SCOPE_KINDS, type NodeFigures, type ScopeKind } from './figures.js';
export { Timeline, type AbortSignalLike, type FollowEvent, type FollowOptions } from './shell/timeline.js';
export type { Conflict, ConflictCandidate } from './shell/conflicts.js';
export type { ConflictPage, ConflictQuery } from './shell/conflict-book.js';
export type {
  AnnotatedSpan,
  AnnotateOptions,
  Decision,
  HistoryItem,
  ReadingDigest,
  SpanHistory,
} from './shell/annotator.js';
export type { AppendOptions, AppendReport, SpanInput, SpanOutcome } from './shell/appender.js';
export type { PeerInfo } from './shell/peer-info.js';
export type { PeerReading, ReadingWish } from './shell/agreement.js';
export type { Oldest, Replication, ReplicationWish } from './shell/replication.js';
export type { SpanAtPeer, SpanState, SpanStory } from './shell/explain.js';
export type {
  AccessInfo,
  Act,
  ActRecord,
  FeedCut,
  GrantInfo,
  OperatorDesk,
  QuarantinedFeed,
  Relationship,
  ReleaseWish,
  RevocationReport,
  RevokeFrom,
  TrustEdge,
  TrustGraphView,
  TrustNode,
} from './shell/operator-view.js';
export type { Rights } from './shell/standing.js';
export type { ConflictPolicy, VerificationMethod } from './statement.js';
export type { PeerSync, SyncOptions, SyncReport } from './shell/sync.js';
export { parseAddress } from './address.js';
export { hashOfEntry, headerOfAccepted, splitEntry, type EntryParts, type Header } from './entry.js';
export {
  fingerprintOf,
  isNodeName,
  keyOfFingerprint,
  nodeIdOf,
  parseFingerprint,
  parseNodeId,
  parseTenant,
  type Fingerprint,
  type NodeId,
  type TenantId,
  type TrustLevel,
} from './identity.js';
export { formatMs, instantOfMs, msOfInstant, parseInstant, type InstantKey } from './instant.js';
export { parseStrictJson, skipSpace, splitArray, type Json, type JsonObject } from './json.js';
export { formatSpanId, parseSpanId } from './span.js';
export { PROTOCOL_VERSION } from './message.js';
export { writeArrivalCursor, type SpanFilter, type SpanPage, type SpanQuery } from './query.js';
export { LogStore, type StoreOptions } from './store/store.js';
export type { Storage } from './storage.js';
export type {
  Clock,
  Compression,
  Crypto,
  Disk,
  DiskFile,
  KeyPair,
  KeyValue,
  Link,
  LinkReceiver,
  Random,
  Text,
  Timer,
  Tools,
  Transport,
} from './ports.js';
export { TrustGraph, type TrustBar } from './trust.js';
export type { TrustSettings } from './trust-reading.js';
export { sentenceOf, type TrustReason } from './trust-view.js';
export { AccessRules, type AccessRights, type AccessSettings } from './access.js';
export { LIFTED_SEQ } from './access-cuts.js';
export { barOf, type BarredFeed, type FeedBar } from './cuts.js';
