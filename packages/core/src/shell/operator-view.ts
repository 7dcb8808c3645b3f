/** Trust, access and quarantine as operators see them, and what they ask for. All values are plain data. */

import type { Fingerprint, NodeId, Scope, TenantId, TrustLevel } from '../identity.js';
import type { ConflictPolicy, VerificationMethod } from '../statement.js';
import type { Rights } from './standing.js';

/** A feed's name for people: its scope and its epoch in hex, `timeline/acme/00ff…`, told apart by whose it is. */
export type FeedName = string & { readonly brand: 'FeedName' };

export interface TrustNode {
  readonly fingerprint: Fingerprint;
  readonly id: NodeId | undefined;
  readonly level: TrustLevel;
  /** Why the level is what it is, for people: one reason a line. */
  readonly why: readonly string[];
}

export interface TrustEdge {
  readonly from: Fingerprint;
  readonly to: Fingerprint;
  readonly kind: 'introduce' | 'verify' | 'revoke' | 'rotate';
  /** Hash of the entry that says so, in hex. */
  readonly statement: string;
  readonly statedAtMs: number;
  /** False for a statement beyond its signer's cut, one overridden here, or one of a fork. */
  readonly isEffective: boolean;
}

export interface TrustGraphView {
  /** This node. */
  readonly root: Fingerprint;
  readonly nodes: readonly TrustNode[];
  readonly edges: readonly TrustEdge[];
}

export interface Relationship {
  readonly fingerprint: Fingerprint;
  readonly id: NodeId | undefined;
  /** Where it is listed, if it is. */
  readonly address: string | undefined;
  readonly level: TrustLevel;
  readonly method: VerificationMethod;
  readonly establishedAtMs: number | undefined;
  /** Of the entry with our own `verify`. */
  readonly signature: Uint8Array | undefined;
  /** Keys whose `verify` of it counts here. */
  readonly verifiedBy: readonly Fingerprint[];
  readonly cut: CutSummary | undefined;
  readonly why: readonly string[];
}

export interface CutSummary {
  /** Hashes of the entries that revoke or rotate the key, in hex. */
  readonly revocations: readonly string[];
  readonly by: readonly Fingerprint[];
  readonly feeds: number;
  readonly entries: number;
  /** Whether some feed is cut at what was held, since who may cut it has not spoken. */
  readonly isProvisional: boolean;
}

/** `heads`: what is held now stays, and nothing after it. `all`: nothing stays. Else the last seq that stays, by feed name; other feeds as `heads`. */
export type RevokeFrom = 'heads' | 'all' | ReadonlyMap<string, number>;

export interface RevokeWish {
  readonly key: Uint8Array;
  readonly from: RevokeFrom;
  readonly reason?: string | undefined;
  /** Only tells what would fall. */
  readonly dryRun?: boolean | undefined;
}

export interface FeedCut {
  readonly feed: FeedName;
  readonly tenant: TenantId | undefined;
  /** The last entry held. */
  readonly heldTo: number;
  /** The last entry that stays; 0 for none. */
  readonly cutAt: number;
  /** What falls into quarantine: nothing of a feed of statements, of which those beyond the cut only lose their effect. */
  readonly entries: number;
  readonly spans: number;
  readonly isProvisional: boolean;
}

export interface RevocationReport {
  /** Hash of the entry that revokes, in hex; `undefined` for a dry run. */
  readonly revocation: string | undefined;
  readonly fingerprint: Fingerprint;
  readonly id: NodeId | undefined;
  readonly feeds: readonly FeedCut[];
  readonly entries: number;
  readonly spans: number;
}

export interface ReleaseWish {
  readonly key: Uint8Array;
  /** One feed; all of the key where absent. */
  readonly feed?: string | undefined;
  /** The last seq that stays from now on; everything held where absent. */
  readonly to?: number | undefined;
}

export interface QuarantinedFeed {
  readonly feed: FeedName;
  readonly fingerprint: Fingerprint;
  readonly id: NodeId | undefined;
  readonly tenant: TenantId | undefined;
  /** The entries that are held and do not count. */
  readonly from: number;
  readonly to: number;
  readonly entries: number;
  readonly spans: number;
  readonly reason: 'revoked' | 'rotated' | 'forked';
  readonly isProvisional: boolean;
  /** What to do about it, for people. */
  readonly advice: string;
}

export interface AccessInfo {
  readonly tenant: TenantId;
  readonly isFederated: boolean;
  readonly primary:
    | { readonly fingerprint: Fingerprint; readonly id: NodeId | undefined; readonly by: PrimaryBy }
    | undefined;
  /** Other keys that claim to be the primary, and do not count. */
  readonly rivals: readonly Fingerprint[];
  readonly grants: readonly GrantInfo[];
  /** By field, how conflicts are settled, as the primary or else this node has said. */
  readonly policies: ReadonlyMap<string, ConflictPolicy>;
  /** Highest first, as the primary or else this node has said. */
  readonly priorities: readonly Fingerprint[];
}

export type PrimaryBy = 'configuration' | 'operator' | 'first_claim';

export interface GrantInfo extends Rights {
  readonly fingerprint: Fingerprint;
  readonly id: NodeId | undefined;
  readonly by: 'configuration' | 'operator' | 'primary';
}

export interface Act {
  /** Who: `operator`, `gateway user …`, `jwt <subject>`. */
  readonly caller: string;
  /** What: a method and a path, or a command. */
  readonly action: string;
  readonly detail: string;
  readonly outcome: string;
}

export interface ActRecord extends Act {
  readonly atMs: number;
  /** Hash of the signed entry, in hex. */
  readonly statement: string;
}

/** What an operator may see and do: `node.operator`. Everything that changes something is durable when it resolves. */
export interface OperatorDesk {
  relationships(): readonly Relationship[];
  trustGraph(): TrustGraphView;
  /** Rejects with `unknown_peer` for a key that nothing is known of, `bad_request` for our own, a feed or a seq not held. */
  revoke(wish: RevokeWish): Promise<RevocationReport>;
  /**
   * Trusts a revoked key again, for this node alone: our own `verify` that names every revocation standing against it.
   * What those cut stays out until it is released. The same again changes nothing. Rejects with `unknown_peer` for a
   * key that nothing is known of, `bad_request` for one that it rotated away from: its successor takes its place.
   */
  readmit(key: Uint8Array): Promise<void>;
  /** Moves cuts of our own up. Rejects with `bad_request` where nothing of it is ours to release, and says whose it is. */
  release(wish: ReleaseWish): Promise<RevocationReport>;
  quarantine(): Promise<readonly QuarantinedFeed[]>;
  /** The signed entries that contradict one another. Rejects with `bad_request` for a feed without a fork. */
  forkProof(key: Uint8Array, feed: string): Promise<readonly Uint8Array[]>;
  /**
   * Our own word on which branch of a forked feed of ours stands: the hash (32 bytes) of its entry at the fork. If it is
   * the branch held here, its spans are appended again: where a feed forked, nobody reads on.
   */
  ruleFork(feed: string, hash: Uint8Array): Promise<void>;
  access(): readonly AccessInfo[];
  accessOf(tenant: TenantId): AccessInfo;
  grant(tenant: TenantId, key: Uint8Array, rights: Rights): Promise<AccessInfo>;
  designate(tenant: TenantId, key: Uint8Array): Promise<AccessInfo>;
  /**
   * How conflicts about a field are settled: `metadata.*` is all of metadata, `*` what is not named otherwise. Rejects with
   * `bad_request` for no such field, or where the tenant's primary is another node.
   */
  setPolicy(tenant: TenantId, field: string, policy: ConflictPolicy): Promise<AccessInfo>;
  /** Whose word wins under the policy `priority`, highest first; of nodes that are not named none does. Rejects as `setPolicy` does. */
  prioritise(tenant: TenantId, keys: readonly Uint8Array[]): Promise<AccessInfo>;
  /** The key of a listed or otherwise known peer by its id, name, address or fingerprint. */
  keyOf(peer: string): Uint8Array | undefined;
  noteAct(act: Act): Promise<void>;
  /** Newest first. */
  acts(options: { readonly limit: number; readonly before?: string | undefined }): Promise<{
    readonly acts: readonly ActRecord[];
    readonly next: string | null;
  }>;
}

/** Feeds of this scope are shown under this name. */
export function feedNameOf(scope: Scope, epochHex: string): FeedName {
  return `${scope}/${epochHex}` as FeedName;
}
