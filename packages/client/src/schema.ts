/** What goes in and out of the service, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

export type DiscoverRequest = {
  /** If given, it must be the key that this node was started with */
  readonly network_key?: string | undefined;
  /** `broadcast` looks on the local network, `dns` at the records of FEDERATION_DNS_NAME; `manual` dials every listed peer now */
  readonly discovery_method: 'broadcast' | 'dns' | 'manual';
};

/** One event of a timeline. Members not listed here are kept as they are */
export type Span = {
  /** UUID; made up where absent */
  readonly id?: string | undefined;
  /** RFC 3339, any precision; now where absent */
  readonly timestamp?: string | undefined;
  readonly logline_id: string;
  readonly title: string;
  readonly tenant_id?: string | null | undefined;
  readonly author?: string | null | undefined;
  readonly contract_id?: string | null | undefined;
  readonly workflow_id?: string | null | undefined;
  readonly flow_id?: string | null | undefined;
  readonly status?: 'executed' | 'simulated' | 'reverted' | 'ghost' | null | undefined;
  readonly span_type?: 'user' | 'system' | 'organization' | 'ghost' | null | undefined;
  readonly visibility?: 'private' | 'organization' | 'public' | null | undefined;
  readonly tags?: string[] | null | undefined;
  readonly processed?: unknown;
  readonly verification_status?: unknown;
  readonly metadata?: unknown;
  /** What was added is `{text, node, at}` */
  readonly notes?: unknown;
  /** Members on which people have to decide */
  readonly conflicted?: unknown;
  readonly [member: string]: unknown;
};

/** JSON merge patch (RFC 7396) of the members of a span that may be said anew */
export type Annotation = {
  readonly status?: 'executed' | 'simulated' | 'reverted' | 'ghost' | undefined;
  readonly processed?: boolean | undefined;
  readonly verification_status?: 'verified' | 'pending' | 'failed' | undefined;
  readonly visibility?: 'private' | 'organization' | 'public' | undefined;
  /** Members to change, each on its own; null takes one away */
  readonly metadata?: { readonly [member: string]: unknown } | undefined;
  /** The whole new list */
  readonly tags?: string[] | null | undefined;
  /** A text to add, or several; nothing takes one away */
  readonly notes?: string | string[] | undefined;
  readonly [member: string]: unknown;
};

export type Health = {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** A node, by its label */
  readonly node_id: string;
  readonly peers_connected: number;
  /** null before the first */
  readonly last_sync: string | null;
  /** Why it is not healthy */
  readonly reasons: string[];
  readonly connectivity: {
    readonly status: 'ok' | 'degraded';
    readonly peers_listed: number;
    readonly peers_connected: number;
    readonly peers_away: number;
  };
  readonly sync: {
    readonly status: 'ok' | 'behind';
    /** Connected peers that lack something, or have something we lack */
    readonly pending_syncs: number;
    readonly peers_in_sync: number;
    readonly last_sync: string | null;
  };
  readonly trust: {
    readonly status: 'ok' | 'waiting';
    readonly verified: number;
    readonly pending: number;
    readonly revoked: number;
    /** Keys that wait for the operator's word */
    readonly unconfirmed_keys: number;
  };
  readonly latency: {
    readonly status: 'ok' | 'slow' | 'unknown';
    /** null while no peer is connected */
    readonly median_ms: number | null;
    /** null while no peer is connected */
    readonly max_ms: number | null;
    /** Peers whose clock differs from ours by more than a minute */
    readonly peers_skewed: number;
  };
  readonly disk: {
    readonly status: 'ok' | 'low' | 'read_only' | 'unknown';
    readonly free_bytes: number | null;
    readonly total_bytes: number | null;
  };
  readonly certificate: {
    readonly status: 'none' | 'ok' | 'expiring' | 'expired';
    readonly expires_at: string | null;
  };
};

export type Probe = { readonly status: 'ok' | 'stopping' | 'read_only' };

export type Node = {
  /** null until the peer has said its name */
  readonly id: string | null;
  readonly address: string;
  readonly status: 'connected' | 'connecting' | 'disconnected';
  readonly trust_level: 'unknown' | 'pending' | 'verified' | 'revoked';
  readonly last_seen: string | null;
  readonly latency_ms: number | null;
  /** How far the peer's clock is ahead of ours */
  readonly clock_skew_ms: number | null;
  readonly last_error: string | null;
  readonly last_error_at: string | null;
  readonly next_dial_at: string | null;
  readonly fingerprint: string | null;
  /** How its address came to be known: `manual` by an operator, `remembered` from before a restart, else by discovery, which makes nobody trusted */
  readonly method: 'manual' | 'broadcast' | 'dns' | 'exchange' | 'remembered';
  /** A key that answered there and waits for `/v1/trust/confirm` */
  readonly unconfirmed_fingerprint: string | null;
  readonly in_sync: boolean;
  /** On this connection. Not for callers bound to a tenant */
  readonly entries_received?: number | undefined;
  /** On this connection. Not for callers bound to a tenant */
  readonly entries_sent?: number | undefined;
  /** On this connection, on the wire. Not for callers bound to a tenant */
  readonly bytes_received?: number | undefined;
  /** On this connection, on the wire. Not for callers bound to a tenant */
  readonly bytes_sent?: number | undefined;
};

/** RFC 9457 problem details */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What was expected, what came, and what to do */
  readonly detail: string;
  /** A stable code */
  readonly error: string;
  readonly request_id?: string | undefined;
  readonly [member: string]: unknown;
};

export type DiscoverResult = {
  readonly method: 'broadcast' | 'dns' | 'manual';
  /** Those that answered; found ones are `unknown` */
  readonly nodes: Node[];
  /** Announcements of nodes with another network key, which are not looked at */
  readonly other_networks?: number | undefined;
  /** What did not answer, and what to check; without an address it is about the method */
  readonly errors: { readonly address: string | null; readonly error: string }[];
};

/** accepted + duplicates + conflicts_total + rejected_total are the spans that came */
export type AppendResult = {
  /** New spans, durable now */
  readonly accepted: number;
  /** Spans that were here with the same content */
  readonly duplicates: number;
  /** Spans stored beside other content under the same id; the first 1,000 */
  readonly conflicts: { readonly index: number; readonly id: string | null }[];
  readonly conflicts_total: number;
  /** Spans not stored, by their place from 0 (line number less one); the first 1,000 */
  readonly rejected: { readonly index: number; readonly id: string | null; readonly error: string }[];
  readonly rejected_total: number;
  /** For the stream: behind the last span that was new; null where none was */
  readonly cursor: string | null;
};

export type SpanPage = {
  /** In ascending order of timestamp, then id */
  readonly spans: Span[];
  /** null at the end. A short page need not be the last */
  readonly next_cursor: string | null;
};

export type SpanHistory = {
  /** The UUID of the span */
  readonly id: string;
  /** As it is read; null while it is not here itself */
  readonly span: Span | null;
  /** As in the header ETag */
  readonly version: string;
  /** Field by field, each in the order of its stamps */
  readonly history: HistoryItem[];
};

export type HistoryItem = {
  /** What was said: the hash of its entry in hex, a dot, and its place there */
  readonly ref: string;
  readonly field: string;
  readonly op: 'body' | 'set' | 'resolve' | 'add' | 'remove' | 'note';
  /** Of a body the SHA-256 of its canonical JSON, in hex */
  readonly value: unknown;
  /** Said with a resolution */
  readonly note: string | null;
  readonly node_id: string | null;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
  /** When, by the clock of its node */
  readonly at: string;
  /** Whether it is what is read */
  readonly won: boolean;
  /** Why it is what is read, or is not. Read: `undisputed`, `resolved`, `latest`, `priority`, `provisional` until somebody decides, `agrees` with what is read, `noted`. Not: `earlier`, `lower_priority`, `open` until somebody decides, `superseded`, `ahead` of the clock */
  readonly why:
    | 'undisputed'
    | 'resolved'
    | 'latest'
    | 'priority'
    | 'chosen'
    | 'provisional'
    | 'agrees'
    | 'earlier'
    | 'lower_priority'
    | 'passed_over'
    | 'open'
    | 'superseded'
    | 'ahead'
    | 'noted';
  readonly superseded_by: string | null;
};

/** Where a span came from, and why it is or is not at each listed peer */
export type SpanStory = {
  /** The UUID of a span */
  readonly span_id: string;
  readonly tenant_id: string;
  readonly origin: {
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly fingerprint: string;
    readonly node_id: string | null;
  };
  /** When its origin wrote it, by the origin's clock */
  readonly written_at: string;
  /** The origin's process start that wrote it */
  readonly epoch: string;
  /** The number of its entry in the origin's feed */
  readonly seq: number;
  readonly spans_of_entry: number;
  /** Contents stored under this id; more than one is a conflict */
  readonly bodies: number;
  readonly peers: {
    readonly peer_id: string | null;
    readonly address: string;
    readonly fingerprint: string | null;
    /** `there`: durably held, by its own word; `sending`: connected, on its way; `away`: it waits until the peer is back; `not_granted`: this node does not let the peer read the tenant; `not_taken`: the peer does not take it; `refused`: it accepts nothing of this feed from there on; `not_trusted`: trust is not mutual, or revoked */
    readonly state: 'there' | 'sending' | 'away' | 'not_granted' | 'not_taken' | 'refused' | 'not_trusted';
    /** When that was last known; null where the peer was not heard since the start */
    readonly as_of: string | null;
    /** What is in the way, and what to do */
    readonly detail: string;
  }[];
};
