/** What goes in and out of the service about sync, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

import type { Node } from './schema.js';

export type SyncRequest = {
  readonly peer_ids?: string[] | undefined;
  /** Waits only for what was written since then; older parts follow in their own time */
  readonly since?: string | undefined;
  readonly tenant_filter?: string | undefined;
};

export type SyncResult = {
  /** `completed`: in sync with every peer; `partial`: with some; `nothing_shared`: no tenant is federated by both sides; `failed`: with none; `no_peers`: none is listed */
  readonly status: 'completed' | 'partial' | 'nothing_shared' | 'failed' | 'no_peers';
  readonly detail: string | null;
  readonly peers: PeerSync[];
};

export type PeerSync = {
  readonly peer_id: string | null;
  readonly address: string;
  readonly outcome: 'in_sync' | 'incomplete' | 'unreachable' | 'nothing_shared' | 'unknown_peer';
  /** Of all tenants that are shared. Not for callers bound to a tenant */
  readonly entries_received?: number | undefined;
  /** Of all tenants that are shared. Not for callers bound to a tenant */
  readonly entries_sent?: number | undefined;
  readonly duration_ms: number;
  readonly detail: string | null;
};

export type SyncStarted = {
  readonly status: 'running';
  readonly job_id: string;
  readonly status_url: string;
};

export type SyncJob = {
  readonly job_id: string;
  readonly status: 'running' | 'completed' | 'partial' | 'nothing_shared' | 'failed' | 'no_peers';
  /** RFC 3339, in UTC */
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly detail: string | null;
  /** Empty while running */
  readonly peers: PeerSync[];
};

export type SyncStatus = {
  readonly last_sync: string | null;
  readonly pending_syncs: number;
  /** Conflicts that wait for a decision: see /v1/conflicts */
  readonly sync_conflicts: number;
  readonly peers_in_sync: string[];
  /** Of all tenants, or of the caller's own */
  readonly spans_total: number;
  /** By tenant: those that the caller may see */
  readonly spans?: { readonly [member: string]: number } | undefined;
  /** Entries held. Not for callers bound to a tenant */
  readonly entries?: number | undefined;
  /** Size of the log. Not for callers bound to a tenant */
  readonly log_bytes?: number | undefined;
  /** Why nothing more is stored, if so */
  readonly read_only: string | null;
  readonly peers: Node[];
  /** What is durably where, by tenant and peer: of the tenants that the caller may see, the first 1,000 */
  readonly replication?: Replication[] | undefined;
  /** Whether connected peers read tenants alike: of the tenants that the caller may see, the first 1,000 */
  readonly readings?: Reading[] | undefined;
};

/** What of one tenant is durably at one peer */
export type Replication = {
  readonly tenant_id: string;
  readonly peer_id: string | null;
  readonly address: string;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
  readonly connected: boolean;
  /** `complete`: the peer durably holds all that is here; `behind`: not yet; `unknown`: not heard yet */
  readonly status: 'complete' | 'behind' | 'unknown';
  /** When that was last known; null where the peer was not heard since the start */
  readonly as_of: string | null;
  /** Entries (signed batches of spans) of the tenant's timeline here */
  readonly entries: number;
  /** Those that the peer has said to hold durably */
  readonly entries_confirmed: number;
  /** Those that it has not, and would take */
  readonly entries_missing: number;
  /** The oldest span that is not there, and since when it could be */
  readonly oldest_missing: {
    readonly span_id: string | null;
    /** By its origin's clock */
    readonly written_at: string;
    readonly age_ms: number;
  } | null;
};

/** Whether a connected peer says to read a tenant as this node does */
export type Reading = {
  readonly tenant_id: string;
  readonly peer_id: string | null;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
  /** `agrees`: both read every span alike; `differs`: see there; `syncing`: entries, or the word of the peer, are on their way; `unknown`: its version does not tell */
  readonly status: 'agrees' | 'differs' | 'syncing' | 'unknown';
  /** `rules`: policies and priorities; `accepted`: which entries count, by what each node trusts */
  readonly differs: ('rules' | 'accepted')[];
  /** What to do where something differs */
  readonly detail: string | null;
};
