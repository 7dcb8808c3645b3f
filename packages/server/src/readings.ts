/** Whether peers read tenants alike, in the shape of the interface. */

import type { FederationNode, PeerReading } from '@logline/federation-core';
import type { z } from 'zod';
import { seesAllTenants, type Caller } from './caller.js';
import { SERVER_LIMITS } from './limits.js';
import type { readingRow } from './schemas-replication.js';

type Row = z.output<typeof readingRow>;

const TO_DO = {
  rules:
    'follows other rules: compare FEDERATION_CONFLICT_POLICY and FEDERATION_PRIMARY_NODES of both nodes, or designate a primary for the tenant',
  accepted:
    'accepts other entries: compare what both nodes trust, revoke and quarantine (logline federation quarantine)',
} as const;

/** Rows of the tenants that the caller may see; `undefined` for who may see none. */
export function readingsFor(
  caller: Caller,
  node: Pick<FederationNode, 'readings'>,
): readonly Row[] | undefined {
  if (caller.tenant === undefined && !seesAllTenants(caller)) return undefined;
  const tenants = caller.tenant === undefined ? undefined : [caller.tenant];
  return node.readings({ tenants, rowsMost: SERVER_LIMITS.readingRows }).map(describeReading);
}

function describeReading({ tenant, peerId, fingerprint, state, differs }: PeerReading): Row {
  return {
    tenant_id: tenant,
    peer_id: peerId ?? null,
    fingerprint,
    status: state,
    differs: [...differs],
    detail: differs.length === 0 ? null : differs.map((what) => TO_DO[what]).join('; '),
  };
}
