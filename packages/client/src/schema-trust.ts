/** What goes in and out of the service about trust, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

export type EstablishRequest = {
  /** A node, by its label */
  readonly peer_id?: string | undefined;
  /** http(s)://, ws(s):// or host:port, with #fingerprint behind it or not */
  readonly peer_address: string;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint?: string | undefined;
  /** `certificate`: only a node that shows a valid certificate for its name is accepted, now and later. Left out, either way will do */
  readonly verification_method?: 'signature' | 'certificate' | undefined;
  /** Trust a revoked node again, at this node alone. What it wrote beyond its cuts stays out until it is released; what it writes after its next start counts */
  readonly readmit?: boolean | undefined;
};

export type ConfirmRequest = {
  /** A node, by its id, name, address or fingerprint */
  readonly peer: string;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
};

export type RemoveRequest = {
  /** A node, by its id, name, address or fingerprint */
  readonly peer: string;
};

export type RevokeRequest = {
  /** A node, by its id, name, address or fingerprint */
  readonly peer_id: string;
  /** `heads` (default): what is held now stays, and nothing after it. `all`: nothing stays. Or the last seq that stays, by feed; other feeds as `heads` */
  readonly from?: 'heads' | 'all' | { readonly [member: string]: number } | undefined;
  /** For other operators: it is replicated */
  readonly reason?: string | undefined;
  /** Only tell what would fall */
  readonly dry_run?: boolean | undefined;
};

export type ReleaseRequest = {
  /** A node, by its id, name, address or fingerprint */
  readonly peer_id: string;
  /** One feed; all of the node where left out */
  readonly feed?: string | undefined;
  /** The last seq that stays from now on; all that is held where left out */
  readonly to?: number | undefined;
};

export type RuleRequest = {
  /** A feed of a node: its scope, and its epoch in hex */
  readonly feed: string;
  /** Of the entry at the fork that stands */
  readonly hash: string;
};

/** What the node may do from now on; neither is the same as ungrant */
export type GrantRequest = {
  /** A node, by its id, name, address or fingerprint */
  readonly peer_id: string;
  readonly read: boolean;
  readonly write: boolean;
};

export type PeerRequest = {
  /** A node, by its id, name, address or fingerprint */
  readonly peer_id: string;
};

export type PolicyRequest = {
  /** Such as `status`, `metadata.cost`, `identity`; `metadata.*` or `*` for all others */
  readonly field: string;
  /** The later one, the one of the higher node, or a person */
  readonly policy: 'timestamp' | 'priority' | 'manual';
};

export type PrioritiseRequest = {
  /** Nodes by id, name, address or fingerprint, highest first */
  readonly peer_ids: string[];
};

export type EstablishResult = {
  readonly peer_id: string | null;
  readonly trust_level: 'unknown' | 'pending' | 'verified' | 'revoked';
  readonly peer_address: string;
  readonly fingerprint: string | null;
  /** A key that answered there, and that nothing proves yet: compare it, then confirm it */
  readonly unconfirmed_fingerprint: string | null;
  /** What is still missing, and who has to do it */
  readonly detail: string | null;
};

export type Relationship = {
  readonly peer_id: string | null;
  readonly trust_level: 'unknown' | 'pending' | 'verified' | 'revoked';
  readonly established_at: string | null;
  /** Base64: this node's own, under the entry that says it trusts the peer */
  readonly signature: string | null;
  /** null until the peer has shown its key */
  readonly fingerprint: string | null;
  /** A key that answered there and waits for `/v1/trust/confirm` */
  readonly unconfirmed_fingerprint: string | null;
  readonly method: 'signature' | 'certificate' | null;
  /** Where it is listed, if it is */
  readonly address: string | null;
  readonly pinned_by: 'operator' | 'first_contact' | null;
  /** Whose word for it counts here */
  readonly verified_by: string[];
  readonly cut: CutSummary | null;
  /** Why the level is what it is */
  readonly why: string[];
};

export type CutSummary = {
  /** Entries that revoke the key, or rotate it */
  readonly revocations: string[];
  /** Who signed them */
  readonly by: string[];
  /** Feeds that are cut. Not for callers bound to a tenant */
  readonly feeds?: number | undefined;
  /** Entries that are held and do not count. Not for callers bound to a tenant */
  readonly entries?: number | undefined;
  /** Some feed is cut at what was held, for who may say where it ends has not spoken */
  readonly provisional: boolean;
};

export type RemoveResult = {
  readonly removed: {
    readonly peer_id: string | null;
    readonly peer_address: string;
    readonly fingerprint: string | null;
  }[];
  /** What keeps it from staying so */
  readonly detail: string | null;
};

/** Everything beyond the totals was left out: effective edges go first */
export type TrustGraph = {
  /** This node */
  readonly root: string;
  readonly nodes: {
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly fingerprint: string;
    readonly peer_id: string | null;
    readonly trust_level: 'unknown' | 'pending' | 'verified' | 'revoked';
    readonly why: string[];
  }[];
  readonly nodes_total: number;
  readonly edges: {
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly from: string;
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly to: string;
    readonly kind: 'introduce' | 'verify' | 'revoke' | 'rotate';
    /** Hash of a signed entry: 64 hexadecimal digits */
    readonly statement: string;
    /** RFC 3339, in UTC */
    readonly stated_at: string;
    /** Whether anything rests on it here */
    readonly effective: boolean;
  }[];
  readonly edges_total: number;
};

export type RevocationReport = {
  /** The entry that says so; null for a dry run */
  readonly revocation: string | null;
  readonly peer_id: string | null;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
  readonly feeds: {
    /** A feed of a node: its scope, and its epoch in hex */
    readonly feed: string;
    readonly tenant_id: string | null;
    /** The last entry that is held */
    readonly held_to: number;
    /** The last entry that stays; 0 for none */
    readonly cut_at: number;
    /** Entries that fall */
    readonly entries: number;
    /** Spans that fall */
    readonly spans: number;
    readonly provisional: boolean;
  }[];
  readonly entries: number;
  readonly spans: number;
};

export type Quarantine = {
  readonly feeds: {
    /** A feed of a node: its scope, and its epoch in hex */
    readonly feed: string;
    readonly peer_id: string | null;
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly fingerprint: string;
    readonly tenant_id: string | null;
    /** The first entry that is held and does not count */
    readonly from: number;
    readonly to: number;
    readonly entries: number;
    readonly spans: number;
    readonly reason: 'revoked' | 'rotated' | 'forked';
    readonly provisional: boolean;
    /** What to do about it */
    readonly advice: string;
  }[];
  readonly feeds_total: number;
  readonly entries_total: number;
  readonly spans_total: number;
  /** null at the end */
  readonly next: string | null;
};

/** Entries signed by one key that contradict one another */
export type ForkProof = {
  /** A feed of a node: its scope, and its epoch in hex */
  readonly feed: string;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
  readonly entries: {
    readonly seq: number;
    /** Hash of a signed entry: 64 hexadecimal digits */
    readonly hash: string;
    /** RFC 3339, in UTC */
    readonly written_at: string;
    /** Base64: the whole entry, with its signature */
    readonly entry: string;
  }[];
};

export type RuleResult = {
  /** A feed of a node: its scope, and its epoch in hex */
  readonly feed: string;
  /** Hash of a signed entry: 64 hexadecimal digits */
  readonly hash: string;
};

export type TenantAccess = {
  readonly tenant_id: string;
  /** Whether this node shares it with anyone */
  readonly federated: boolean;
  /** Whose grants alone count; without one, each node decides for itself */
  readonly primary: {
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly fingerprint: string;
    readonly peer_id: string | null;
    readonly by: 'configuration' | 'operator' | 'first_claim';
  } | null;
  /** Other keys that claim to be the primary, and do not count */
  readonly rivals: string[];
  readonly grants: {
    /** A public key in base64url, 43 characters: the identity of a node */
    readonly fingerprint: string;
    readonly peer_id: string | null;
    readonly read: boolean;
    readonly write: boolean;
    readonly by: 'configuration' | 'operator' | 'primary';
  }[];
  /** By field, `metadata.*` or `*`; a field without one has that of the configuration */
  readonly policies: { readonly [member: string]: 'timestamp' | 'priority' | 'manual' };
  /** Whose word counts under `priority`, highest first */
  readonly priorities: string[];
};

export type ActList = {
  /** Newest first */
  readonly acts: {
    /** RFC 3339, in UTC */
    readonly at: string;
    readonly caller: string;
    readonly action: string;
    readonly detail: string;
    readonly outcome: string;
    /** Hash of a signed entry: 64 hexadecimal digits */
    readonly statement: string;
  }[];
  /** null at the end */
  readonly next: string | null;
};
