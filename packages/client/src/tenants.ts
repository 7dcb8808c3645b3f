/** Calls about who may read and write which tenant. */

import { answered, type Api } from './api.js';
import type { TenantAccess } from './schema-trust.js';
import type { CallOptions } from './transport.js';

/** Peers are named by id, name, address or fingerprint. All of it needs a caller with `federation:admin`. */
export class TenantCalls {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Every tenant that the node shares, and with whom. */
  async list(options: CallOptions = {}): Promise<readonly TenantAccess[]> {
    return answered(await this.#api(options).GET('/v1/tenants')).tenants;
  }

  async access(tenant: string, options: CallOptions = {}): Promise<TenantAccess> {
    const params = { path: { id: tenant } };
    return answered(await this.#api(options).GET('/v1/tenants/{id}/access', { params }));
  }

  /** Says what a peer may do with a tenant from now on; what was said before no longer counts. */
  async grant(
    tenant: string,
    peerId: string,
    rights: { readonly read: boolean; readonly write: boolean },
    options: CallOptions = {},
  ): Promise<TenantAccess> {
    const params = { path: { id: tenant } };
    const body = { peer_id: peerId, ...rights };
    return answered(await this.#api(options).POST('/v1/tenants/{id}/grant', { params, body }));
  }

  async ungrant(tenant: string, peerId: string, options: CallOptions = {}): Promise<TenantAccess> {
    const params = { path: { id: tenant } };
    const body = { peer_id: peerId };
    return answered(await this.#api(options).POST('/v1/tenants/{id}/ungrant', { params, body }));
  }

  /** Names a tenant's primary: from then on only its grants count. */
  async designate(tenant: string, peerId: string, options: CallOptions = {}): Promise<TenantAccess> {
    const params = { path: { id: tenant } };
    const body = { peer_id: peerId };
    return answered(await this.#api(options).POST('/v1/tenants/{id}/designate', { params, body }));
  }

  /** Says how conflicts of a field are settled: `status`, `metadata.cost`, `identity` …, `metadata.*` or `*`. */
  async setPolicy(
    tenant: string,
    field: string,
    policy: 'timestamp' | 'priority' | 'manual',
    options: CallOptions = {},
  ): Promise<TenantAccess> {
    const params = { path: { id: tenant } };
    const body = { field, policy };
    return answered(await this.#api(options).POST('/v1/tenants/{id}/policy', { params, body }));
  }

  /** Says whose word counts under the policy `priority`, highest first. */
  async prioritise(
    tenant: string,
    peerIds: readonly string[],
    options: CallOptions = {},
  ): Promise<TenantAccess> {
    const params = { path: { id: tenant } };
    const body = { peer_ids: [...peerIds] };
    return answered(await this.#api(options).POST('/v1/tenants/{id}/prioritise', { params, body }));
  }
}
