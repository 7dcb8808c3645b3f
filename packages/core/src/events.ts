/** What a node tells its host: for logs and metrics, never for decisions. */

import type { FeedKey } from './feed.js';
import type { Fingerprint, NodeId, TenantId } from './identity.js';

export type NodeEvent =
  | { readonly kind: 'key_pinned'; readonly address: string; readonly fingerprint: Fingerprint }
  /** A key answered at a listed address, and nothing proves yet that it is the right one. */
  | {
      readonly kind: 'first_contact_unconfirmed';
      readonly address: string;
      readonly fingerprint: Fingerprint;
    }
  /** The transport ended a link or a handshake: `code` names why, from a short list. */
  | {
      readonly kind: 'link_fault';
      readonly address: string;
      readonly code: string;
      readonly reason: string;
    }
  | { readonly kind: 'dial_failed'; readonly address: string; readonly reason: string }
  /** A node of our network answered at an address that discovery found. Nobody trusts it for that. */
  | {
      readonly kind: 'node_found';
      readonly peerId: NodeId;
      readonly fingerprint: Fingerprint;
      readonly address: string;
    }
  /** A way of finding nodes does not work: told once for each reason. */
  | { readonly kind: 'discovery_failed'; readonly method: string; readonly reason: string }
  | {
      readonly kind: 'peer_connected';
      readonly peerId: NodeId;
      readonly fingerprint: Fingerprint;
      readonly address: string;
      readonly latencyMs: number | undefined;
      readonly skewMs: number;
    }
  | {
      readonly kind: 'peer_disconnected' | 'link_refused';
      readonly peerId: NodeId | undefined;
      readonly fingerprint: Fingerprint;
      readonly address: string;
      readonly code: string;
      readonly reason: string;
      readonly byPeer: boolean;
    }
  | { readonly kind: 'entry_gated'; readonly outcome: string; readonly fingerprint: Fingerprint }
  | {
      readonly kind: 'entry_refused';
      readonly fingerprint: Fingerprint;
      readonly check: string;
      readonly reason: string;
    }
  /** The first claim to be a tenant's primary, seen from a trusted peer, counts from now on. */
  | { readonly kind: 'primary_accepted'; readonly tenant: TenantId; readonly primary: Fingerprint }
  /** A trusted peer names a second key as a tenant's primary. */
  | {
      readonly kind: 'primary_refused';
      readonly tenant: TenantId;
      readonly claimed: Fingerprint;
      readonly by: Fingerprint;
      readonly primary: Fingerprint;
    }
  | { readonly kind: 'feed_forked'; readonly key: FeedKey; readonly seq: number }
  | {
      readonly kind: 'synced';
      readonly peerId: NodeId | undefined;
      readonly ms: number;
      readonly entriesIn: number;
      readonly entriesOut: number;
    }
  /** Durable here, written by us or taken from a peer. `jobs` were committed together. */
  | {
      readonly kind: 'spans_stored';
      readonly tenant: TenantId;
      readonly count: number;
      readonly jobs: number;
    };
