/** Tenants as this node shares them: who may read and write which, and whose word on it counts. */

import { fingerprintOf, parseTenant } from '@logline/federation-core';
import type { AccessInfo, Rights, TenantId } from '@logline/federation-core';
import type { z } from 'zod';
import { summarise } from '../acts.js';
import { keyFor } from '../known-peers.js';
import { json, jsonBody, problems } from '../operations.js';
import { HttpProblem } from '../problem.js';
import { readJson, readQuery, shown } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { noQuery } from '../schemas.js';
import { policyRequest, prioritiseRequest } from '../schemas-settling.js';
import { grantRequest, peerRequest, tenantAccess, tenantAccessList, tenantPath } from '../schemas-trust.js';

const requestParams = { path: tenantPath };
const responses = { 200: json('Who may do what now', tenantAccess), ...problems };

export const tenantRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/tenants',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Every tenant that is shared, and with whom',
      responses: { 200: json('The tenants', tenantAccessList), ...problems },
    },
    handle(ctx, { node }) {
      readQuery(ctx, noQuery);
      ctx.body = { tenants: node.operator.access().map(describeAccess) };
    },
  },
  {
    method: 'GET',
    path: '/v1/tenants/:id/access',
    need: 'admin',
    reach: 'node',
    operation: { summary: 'Who may read and write a tenant', requestParams, responses },
    handle(ctx, { node }) {
      readQuery(ctx, noQuery);
      ctx.body = describeAccess(node.operator.accessOf(tenantIn(ctx)));
    },
  },
  {
    method: 'POST',
    path: '/v1/tenants/:id/grant',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Say what a node may do with a tenant',
      description:
        'Data flows only where both sides grant it to each other. A tenant with a primary is granted by that node alone. The same again changes nothing.',
      requestParams,
      requestBody: jsonBody(grantRequest, { required: true }),
      responses,
    },
    async handle(ctx, service) {
      const { peer_id: peer, read, write } = await readJson(ctx, grantRequest);
      await setRights(ctx, service, { peer, rights: { read, write } });
    },
  },
  {
    method: 'POST',
    path: '/v1/tenants/:id/ungrant',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Take back what a node may do with a tenant',
      requestParams,
      requestBody: jsonBody(peerRequest, { required: true }),
      responses,
    },
    async handle(ctx, service) {
      const { peer_id: peer } = await readJson(ctx, peerRequest);
      await setRights(ctx, service, { peer, rights: { read: false, write: false } });
    },
  },
  {
    method: 'POST',
    path: '/v1/tenants/:id/designate',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: "Name a tenant's primary: from then on only its grants count",
      requestParams,
      requestBody: jsonBody(peerRequest, { required: true }),
      responses,
    },
    handle: designate,
  },
  {
    method: 'POST',
    path: '/v1/tenants/:id/policy',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: "Say how conflicts of a field of a tenant's spans are settled",
      description: 'Of a tenant with a primary that node alone says it, else each for itself.',
      requestParams,
      requestBody: jsonBody(policyRequest, { required: true }),
      responses,
    },
    handle: setPolicy,
  },
  {
    method: 'POST',
    path: '/v1/tenants/:id/prioritise',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: "Say whose word on a tenant's spans counts under the policy `priority`",
      description: 'Of a tenant with a primary that node alone says it, else each for itself.',
      requestParams,
      requestBody: jsonBody(prioritiseRequest, { required: true }),
      responses,
    },
    handle: prioritise,
  },
];

async function setPolicy(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const { field, policy } = await readJson(ctx, policyRequest);
  const tenant = tenantIn(ctx);
  summarise(ctx, `conflicts of ${field} in ${tenant} are settled by ${policy}`);
  ctx.body = await repeats.once(ctx, [field, policy], async () =>
    describeAccess(await node.operator.setPolicy(tenant, field, policy)),
  );
}

async function prioritise(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const { peer_ids: peers } = await readJson(ctx, prioritiseRequest);
  const tenant = tenantIn(ctx);
  const keys = peers.map((peer) => keyFor(node, peer));
  const names = keys.map(fingerprintOf);
  summarise(ctx, `in ${tenant} goes first: ${names.join(', ') || 'nobody'}`);
  ctx.body = await repeats.once(ctx, names, async () =>
    describeAccess(await node.operator.prioritise(tenant, keys)),
  );
}

async function setRights(
  ctx: RouteContext,
  { node, repeats }: Service,
  { peer, rights }: { readonly peer: string; readonly rights: Rights },
): Promise<void> {
  const tenant = tenantIn(ctx);
  const key = keyFor(node, peer);
  const words = [rights.read && 'read', rights.write && 'write'].filter((word) => word !== false);
  summarise(ctx, `${fingerprintOf(key)} may ${words.join(' and ') || 'do nothing'} in ${tenant}`);
  ctx.body = await repeats.once(ctx, [fingerprintOf(key), rights], async () =>
    describeAccess(await node.operator.grant(tenant, key, rights)),
  );
}

async function designate(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const { peer_id: peer } = await readJson(ctx, peerRequest);
  const tenant = tenantIn(ctx);
  const key = keyFor(node, peer);
  summarise(ctx, `${fingerprintOf(key)} is the primary of ${tenant}`);
  ctx.body = await repeats.once(ctx, fingerprintOf(key), async () =>
    describeAccess(await node.operator.designate(tenant, key)),
  );
}

function tenantIn(ctx: RouteContext): TenantId {
  const text = ctx.params['id'] ?? '';
  const tenant = parseTenant(text);
  if (tenant === undefined)
    throw new HttpProblem('bad_request', `${shown(text)} in the path is no tenant name`);
  return tenant;
}

function describeAccess(access: AccessInfo): z.output<typeof tenantAccess> {
  const { tenant, isFederated, primary, rivals, grants, policies, priorities } = access;
  return {
    tenant_id: tenant,
    federated: isFederated,
    primary:
      primary === undefined
        ? null
        : { fingerprint: primary.fingerprint, peer_id: primary.id ?? null, by: primary.by },
    rivals: [...rivals],
    grants: grants.map(({ fingerprint, id, read, write, by }) => ({
      fingerprint,
      peer_id: id ?? null,
      read,
      write,
      by,
    })),
    policies: Object.fromEntries(policies),
    priorities: [...priorities],
  };
}
