/** The shapes of how a tenant's conflicts are settled: what its primary, or else this node, says of it. */

import { LIMITS } from '@logline/federation-core';
import { z } from 'zod';
import 'zod-openapi';
import { fingerprint } from './schemas.js';

export const policy = z
  .enum(['timestamp', 'priority', 'manual'], { error: 'expected timestamp, priority or manual' })
  .meta({ description: 'The later one, the one of the higher node, or a person' });

/** Beside who may read and write the tenant. */
export const settling = z.strictObject({
  policies: z.record(z.string(), policy).meta({
    description: 'By field, `metadata.*` or `*`; a field without one has that of the configuration',
  }),
  priorities: z.array(fingerprint).meta({ description: 'Whose word counts under `priority`, highest first' }),
});

export const policyRequest = z
  .strictObject({
    field: z.string().min(1).max(LIMITS.fieldChars).meta({
      description: 'Such as `status`, `metadata.cost`, `identity`; `metadata.*` or `*` for all others',
    }),
    policy,
  })
  .meta({ id: 'PolicyRequest' });

export const prioritiseRequest = z
  .strictObject({
    peer_ids: z
      .array(z.string().min(1).max(2048))
      .max(LIMITS.prioritisedNodes)
      .meta({ description: 'Nodes by id, name, address or fingerprint, highest first' }),
  })
  .meta({ id: 'PrioritiseRequest' });
