/** The sections of `/health`. */

import { z } from 'zod';
import 'zod-openapi';

const count = z.int().min(0);
const timestamp = z.string().meta({ description: 'RFC 3339, in UTC' });
const ms = z.number().nullable().meta({ description: 'null while no peer is connected' });

export const healthSections = z.strictObject({
  connectivity: z.strictObject({
    status: z.enum(['ok', 'degraded']),
    peers_listed: count,
    peers_connected: count,
    peers_away: count,
  }),
  sync: z.strictObject({
    status: z.enum(['ok', 'behind']),
    pending_syncs: count.meta({
      description: 'Connected peers that lack something, or have something we lack',
    }),
    peers_in_sync: count,
    last_sync: timestamp.nullable(),
  }),
  trust: z.strictObject({
    status: z.enum(['ok', 'waiting']),
    verified: count,
    pending: count,
    revoked: count,
    unconfirmed_keys: count.meta({ description: "Keys that wait for the operator's word" }),
  }),
  latency: z.strictObject({
    status: z.enum(['ok', 'slow', 'unknown']),
    median_ms: ms,
    max_ms: ms,
    peers_skewed: count.meta({ description: 'Peers whose clock differs from ours by more than a minute' }),
  }),
  disk: z.strictObject({
    status: z.enum(['ok', 'low', 'read_only', 'unknown']),
    free_bytes: count.nullable(),
    total_bytes: count.nullable(),
  }),
  certificate: z.strictObject({
    status: z.enum(['none', 'ok', 'expiring', 'expired']),
    expires_at: timestamp.nullable(),
  }),
});
