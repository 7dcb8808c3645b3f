/** The shapes of trust, quarantine, access and acts: what is asked and what is answered. */

import { LIMITS } from '@logline/federation-core';
import { z } from 'zod';
import 'zod-openapi';
import { settling } from './schemas-settling.js';
import { count, CURSOR_CHARS, fingerprint, nodeId, timestamp, TRUST_LEVELS } from './schemas.js';

const METHODS = ['signature', 'certificate'] as const;
const ADDRESS_CHARS = 2048;
const FEED_CHARS = 400;
const FEEDS_NAMED = 1000;

const entryHash = z.string().meta({ description: 'Hash of a signed entry: 64 hexadecimal digits' });
const level = z.enum(TRUST_LEVELS);
const peerText = z.string().min(1).max(ADDRESS_CHARS).meta({
  description: 'A node, by its id, name, address or fingerprint',
  example: 'logline-id://node/peer-alpha',
});
const feedName = z.string().min(1).max(FEED_CHARS).meta({
  description: 'A feed of a node: its scope, and its epoch in hex',
  example: 'timeline/acme/00a1b2c3d4e5f607',
});
const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const limit = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'expected a whole number from 1; more than 1000 counts as 1000')
  .optional()
  .meta({
    override: { type: 'integer', minimum: 1 },
    description: 'Default 100; more than 1,000 counts as 1,000',
  });

export const establishRequest = z
  .strictObject({
    peer_id: nodeId.min(1).max(100).optional(),
    peer_address: z.string().min(1).max(ADDRESS_CHARS).meta({
      description: 'http(s)://, ws(s):// or host:port, with #fingerprint behind it or not',
      example: 'https://beta.logline.network',
    }),
    fingerprint: fingerprint.max(100).optional(),
    verification_method: z.enum(METHODS, { error: 'expected "signature" or "certificate"' }).optional().meta({
      description:
        '`certificate`: only a node that shows a valid certificate for its name is accepted, now and later. Left out, either way will do',
    }),
    readmit: z.boolean().optional().meta({
      description:
        'Trust a revoked node again, at this node alone. What it wrote beyond its cuts stays out until it is released; what it writes after its next start counts',
    }),
  })
  .meta({ id: 'EstablishRequest' });

export const establishResult = z
  .strictObject({
    peer_id: nodeId.nullable(),
    trust_level: level,
    peer_address: z.string(),
    fingerprint: fingerprint.nullable(),
    unconfirmed_fingerprint: fingerprint.nullable().meta({
      description: 'A key that answered there, and that nothing proves yet: compare it, then confirm it',
    }),
    detail: z.string().nullable().meta({ description: 'What is still missing, and who has to do it' }),
  })
  .meta({ id: 'EstablishResult' });

export const confirmRequest = z
  .strictObject({ peer: peerText, fingerprint: fingerprint.max(100) })
  .meta({ id: 'ConfirmRequest' });

export const removeRequest = z.strictObject({ peer: peerText }).meta({ id: 'RemoveRequest' });

export const removeResult = z
  .strictObject({
    removed: z.array(
      z.strictObject({
        peer_id: nodeId.nullable(),
        peer_address: z.string(),
        fingerprint: fingerprint.nullable(),
      }),
    ),
    detail: z.string().nullable().meta({ description: 'What keeps it from staying so' }),
  })
  .meta({ id: 'RemoveResult' });

export const cutSummary = z
  .strictObject({
    revocations: z.array(entryHash).meta({ description: 'Entries that revoke the key, or rotate it' }),
    by: z.array(fingerprint).meta({ description: 'Who signed them' }),
    feeds: count.optional().meta({ description: 'Feeds that are cut. Not for callers bound to a tenant' }),
    entries: count
      .optional()
      .meta({ description: 'Entries that are held and do not count. Not for callers bound to a tenant' }),
    provisional: z.boolean().meta({
      description: 'Some feed is cut at what was held, for who may say where it ends has not spoken',
    }),
  })
  .meta({ id: 'CutSummary' });

export const relationship = z
  .strictObject({
    peer_id: nodeId.nullable(),
    trust_level: level,
    established_at: timestamp.nullable(),
    signature: z
      .string()
      .nullable()
      .meta({ description: "Base64: this node's own, under the entry that says it trusts the peer" }),
    fingerprint: fingerprint.nullable().meta({ description: 'null until the peer has shown its key' }),
    unconfirmed_fingerprint: fingerprint.nullable().meta({
      description: 'A key that answered there and waits for `/v1/trust/confirm`',
    }),
    method: z.enum(METHODS).nullable(),
    address: z.string().nullable().meta({ description: 'Where it is listed, if it is' }),
    pinned_by: z.enum(['operator', 'first_contact']).nullable(),
    verified_by: z.array(fingerprint).meta({ description: 'Whose word for it counts here' }),
    cut: cutSummary.nullable(),
    why: z.array(z.string()).meta({ description: 'Why the level is what it is' }),
  })
  .meta({ id: 'Relationship' });

export const relationshipList = z.strictObject({ relationships: z.array(relationship) });

export const graphQuery = z.strictObject({
  format: z
    .enum(['json', 'dot', 'mermaid'], { error: 'expected json, dot or mermaid' })
    .optional()
    .meta({ description: '`dot` for Graphviz, `mermaid` for Markdown; default `json`' }),
});

export const trustGraph = z
  .strictObject({
    root: fingerprint.meta({ description: 'This node' }),
    nodes: z.array(
      z.strictObject({
        fingerprint,
        peer_id: nodeId.nullable(),
        trust_level: level,
        why: z.array(z.string()),
      }),
    ),
    nodes_total: count,
    edges: z.array(
      z.strictObject({
        from: fingerprint,
        to: fingerprint,
        kind: z.enum(['introduce', 'verify', 'revoke', 'rotate']),
        statement: entryHash,
        stated_at: timestamp,
        effective: z.boolean().meta({ description: 'Whether anything rests on it here' }),
      }),
    ),
    edges_total: count,
  })
  .meta({
    id: 'TrustGraph',
    description: 'Everything beyond the totals was left out: effective edges go first',
  });

export const revokeRequest = z
  .strictObject({
    peer_id: peerText,
    from: z
      .union([z.enum(['heads', 'all']), z.record(z.string().min(1).max(FEED_CHARS), seq)], {
        error: 'expected "heads", "all", or an object of feeds, each with the last seq that stays',
      })
      .refine(
        (from) => typeof from === 'string' || Object.keys(from).length <= FEEDS_NAMED,
        `at most ${FEEDS_NAMED} feeds can be named`,
      )
      .optional()
      .meta({
        description:
          '`heads` (default): what is held now stays, and nothing after it. `all`: nothing stays. Or the last seq that stays, by feed; other feeds as `heads`',
      }),
    reason: z
      .string()
      .max(LIMITS.reasonChars)
      .optional()
      .meta({ description: 'For other operators: it is replicated' }),
    dry_run: z.boolean().optional().meta({ description: 'Only tell what would fall' }),
  })
  .meta({ id: 'RevokeRequest' });

export const releaseRequest = z
  .strictObject({
    peer_id: peerText,
    feed: feedName.optional().meta({ description: 'One feed; all of the node where left out' }),
    to: seq
      .optional()
      .meta({ description: 'The last seq that stays from now on; all that is held where left out' }),
  })
  .meta({ id: 'ReleaseRequest' });

export const revocationReport = z
  .strictObject({
    revocation: entryHash.nullable().meta({ description: 'The entry that says so; null for a dry run' }),
    peer_id: nodeId.nullable(),
    fingerprint,
    feeds: z.array(
      z.strictObject({
        feed: feedName,
        tenant_id: z.string().nullable(),
        held_to: count.meta({ description: 'The last entry that is held' }),
        cut_at: count.meta({ description: 'The last entry that stays; 0 for none' }),
        entries: count.meta({ description: 'Entries that fall' }),
        spans: count.meta({ description: 'Spans that fall' }),
        provisional: z.boolean(),
      }),
    ),
    entries: count,
    spans: count,
  })
  .meta({ id: 'RevocationReport' });

export const quarantineQuery = z.strictObject({
  peer_id: peerText.optional(),
  limit,
  after: z.string().min(1).max(CURSOR_CHARS).optional().meta({ description: '`next` of the page before' }),
});

export const quarantineList = z
  .strictObject({
    feeds: z.array(
      z.strictObject({
        feed: feedName,
        peer_id: nodeId.nullable(),
        fingerprint,
        tenant_id: z.string().nullable(),
        from: count.meta({ description: 'The first entry that is held and does not count' }),
        to: count,
        entries: count,
        spans: count,
        reason: z.enum(['revoked', 'rotated', 'forked']),
        provisional: z.boolean(),
        advice: z.string().meta({ description: 'What to do about it' }),
      }),
    ),
    feeds_total: count,
    entries_total: count,
    spans_total: count,
    next: z.string().nullable().meta({ description: 'null at the end' }),
  })
  .meta({ id: 'Quarantine' });

export const proofQuery = z.strictObject({
  peer_id: peerText,
  feed: feedName,
  format: z
    .enum(['json', 'cbor'], { error: 'expected json or cbor' })
    .optional()
    .meta({ description: '`cbor`: a sequence (RFC 8742) of byte strings, one an entry; default `json`' }),
});

export const forkProof = z
  .strictObject({
    feed: feedName,
    fingerprint,
    entries: z.array(
      z.strictObject({
        seq: count,
        hash: entryHash,
        written_at: timestamp,
        entry: z.string().meta({ description: 'Base64: the whole entry, with its signature' }),
      }),
    ),
  })
  .meta({ id: 'ForkProof', description: 'Entries signed by one key that contradict one another' });

export const ruleRequest = z
  .strictObject({
    feed: feedName,
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/i, 'expected the 64 hexadecimal digits of the entry that stands')
      .meta({ description: 'Of the entry at the fork that stands' }),
  })
  .meta({ id: 'RuleRequest' });

export const ruleResult = z.strictObject({ feed: feedName, hash: entryHash }).meta({ id: 'RuleResult' });

export const tenantPath = z.object({ id: z.string().meta({ description: 'The tenant' }) });

export const tenantAccess = z
  .strictObject({
    tenant_id: z.string(),
    federated: z.boolean().meta({ description: 'Whether this node shares it with anyone' }),
    primary: z
      .strictObject({
        fingerprint,
        peer_id: nodeId.nullable(),
        by: z.enum(['configuration', 'operator', 'first_claim']),
      })
      .nullable()
      .meta({ description: 'Whose grants alone count; without one, each node decides for itself' }),
    rivals: z
      .array(fingerprint)
      .meta({ description: 'Other keys that claim to be the primary, and do not count' }),
    grants: z.array(
      z.strictObject({
        fingerprint,
        peer_id: nodeId.nullable(),
        read: z.boolean(),
        write: z.boolean(),
        by: z.enum(['configuration', 'operator', 'primary']),
      }),
    ),
    ...settling.shape,
  })
  .meta({ id: 'TenantAccess' });

export const tenantAccessList = z.strictObject({ tenants: z.array(tenantAccess) });

export const grantRequest = z
  .strictObject({ peer_id: peerText, read: z.boolean(), write: z.boolean() })
  .meta({
    id: 'GrantRequest',
    description: 'What the node may do from now on; neither is the same as ungrant',
  });

export const peerRequest = z.strictObject({ peer_id: peerText }).meta({ id: 'PeerRequest' });

export const actsQuery = z.strictObject({
  limit,
  before: z.string().min(1).max(CURSOR_CHARS).optional().meta({ description: '`next` of the page before' }),
});

export const actList = z
  .strictObject({
    acts: z
      .array(
        z.strictObject({
          at: timestamp,
          caller: z.string(),
          action: z.string(),
          detail: z.string(),
          outcome: z.string(),
          statement: entryHash,
        }),
      )
      .meta({ description: 'Newest first' }),
    next: z.string().nullable().meta({ description: 'null at the end' }),
  })
  .meta({ id: 'ActList' });
