/** The shapes of how far synchronisation is, and of where spans durably are. */

import { z } from 'zod';
import 'zod-openapi';
import { count, fingerprint, nodeId, ofAll, peerNode, timestamp } from './schemas.js';

const spanId = z.string().meta({ description: 'The UUID of a span' });
const asOf = timestamp
  .nullable()
  .meta({ description: 'When that was last known; null where the peer was not heard since the start' });

export const replicationRow = z
  .strictObject({
    tenant_id: z.string(),
    peer_id: nodeId.nullable(),
    address: z.string(),
    fingerprint,
    connected: z.boolean(),
    status: z.enum(['complete', 'behind', 'unknown']).meta({
      description:
        '`complete`: the peer durably holds all that is here; `behind`: not yet; `unknown`: not heard yet',
    }),
    as_of: asOf,
    entries: count.meta({ description: "Entries (signed batches of spans) of the tenant's timeline here" }),
    entries_confirmed: count.meta({ description: 'Those that the peer has said to hold durably' }),
    entries_missing: count.meta({ description: 'Those that it has not, and would take' }),
    oldest_missing: z
      .strictObject({
        span_id: spanId.nullable(),
        written_at: timestamp.meta({ description: "By its origin's clock" }),
        age_ms: z.number().min(0),
      })
      .nullable()
      .meta({ description: 'The oldest span that is not there, and since when it could be' }),
  })
  .meta({ id: 'Replication', description: 'What of one tenant is durably at one peer' });

export const readingRow = z
  .strictObject({
    tenant_id: z.string(),
    peer_id: nodeId.nullable(),
    fingerprint,
    status: z.enum(['agrees', 'differs', 'syncing', 'unknown']).meta({
      description:
        '`agrees`: both read every span alike; `differs`: see there; `syncing`: entries, or the word of the peer, are on their way; `unknown`: its version does not tell',
    }),
    differs: z.array(z.enum(['rules', 'accepted'])).meta({
      description:
        '`rules`: policies and priorities; `accepted`: which entries count, by what each node trusts',
    }),
    detail: z.string().nullable().meta({ description: 'What to do where something differs' }),
  })
  .meta({ id: 'Reading', description: 'Whether a connected peer says to read a tenant as this node does' });

export const syncStatus = z
  .strictObject({
    last_sync: timestamp.nullable(),
    pending_syncs: count,
    sync_conflicts: count.meta({ description: 'Conflicts that wait for a decision: see /v1/conflicts' }),
    peers_in_sync: z.array(nodeId),
    spans_total: count.meta({ description: "Of all tenants, or of the caller's own" }),
    spans: z
      .record(z.string(), count)
      .optional()
      .meta({ description: 'By tenant: those that the caller may see' }),
    entries: ofAll('Entries held'),
    log_bytes: ofAll('Size of the log'),
    read_only: z.string().nullable().meta({ description: 'Why nothing more is stored, if so' }),
    peers: z.array(peerNode),
    replication: z.array(replicationRow).max(1000).optional().meta({
      description:
        'What is durably where, by tenant and peer: of the tenants that the caller may see, the first 1,000',
    }),
    readings: z.array(readingRow).max(1000).optional().meta({
      description:
        'Whether connected peers read tenants alike: of the tenants that the caller may see, the first 1,000',
    }),
  })
  .meta({ id: 'SyncStatus' });

export const spanStory = z
  .strictObject({
    span_id: spanId,
    tenant_id: z.string(),
    origin: z.strictObject({ fingerprint, node_id: nodeId.nullable() }),
    written_at: timestamp.meta({ description: "When its origin wrote it, by the origin's clock" }),
    epoch: z.string().meta({ description: "The origin's process start that wrote it" }),
    seq: count.meta({ description: "The number of its entry in the origin's feed" }),
    spans_of_entry: count,
    bodies: count.meta({ description: 'Contents stored under this id; more than one is a conflict' }),
    peers: z.array(
      z.strictObject({
        peer_id: nodeId.nullable(),
        address: z.string(),
        fingerprint: fingerprint.nullable(),
        state: z
          .enum(['there', 'sending', 'away', 'not_granted', 'not_taken', 'refused', 'not_trusted'])
          .meta({
            description:
              '`there`: durably held, by its own word; `sending`: connected, on its way; `away`: it waits until the peer is back; `not_granted`: this node does not let the peer read the tenant; `not_taken`: the peer does not take it; `refused`: it accepts nothing of this feed from there on; `not_trusted`: trust is not mutual, or revoked',
          }),
        as_of: asOf,
        detail: z.string().meta({ description: 'What is in the way, and what to do' }),
      }),
    ),
  })
  .meta({
    id: 'SpanStory',
    description: 'Where a span came from, and why it is or is not at each listed peer',
  });
