/** Calls about conflicts: what nodes are at odds about, and deciding it. */

import { answered, type Api } from './api.js';
import type { Conflict, ConflictPage, ResolveRequest } from './schema-conflicts.js';
import type { ReadOptions } from './timeline.js';

export interface ConflictQuery {
  readonly state?: 'open' | 'resolved' | undefined;
  /** Such as `status`, `metadata.cost`, or `identity`. */
  readonly field?: string | undefined;
  readonly span_id?: string | undefined;
  readonly limit?: number | undefined;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** By a candidate, as its `ref` names it, or by another value. */
export type Decision = ({ readonly choose: string } | { readonly value: unknown }) & {
  readonly note?: string | undefined;
};

export class ConflictCalls {
  readonly #api: Api;
  readonly #tenant: string | undefined;

  constructor(api: Api, tenant: string | undefined) {
    this.#api = api;
    this.#tenant = tenant;
  }

  /** A page; a short one need not be the last. */
  async list(query: ConflictQuery = {}, options: ReadOptions = {}): Promise<ConflictPage> {
    const params = { query: { ...query, ...this.#tenantParam(options) } };
    return answered(await this.#api(options).GET('/v1/conflicts', { params }));
  }

  /** Every conflict that the query fits, page after page. */
  async *all(query: ConflictQuery = {}, options: ReadOptions = {}): AsyncGenerator<Conflict, void, void> {
    let { cursor } = query;
    do {
      const page = await this.list({ ...query, cursor }, options);
      yield* page.conflicts;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  async get(id: string, options: ReadOptions = {}): Promise<Conflict> {
    const params = { path: { id }, query: this.#tenantParam(options) };
    return answered(await this.#api(options).GET('/v1/conflicts/{id}', { params }));
  }

  /**
   * Decides a conflict; `undefined` for who may not read it. The same decision again changes nothing; another one rejects
   * with `conflict_closed`.
   */
  async resolve(id: string, decision: Decision, options: ReadOptions = {}): Promise<Conflict | undefined> {
    const params = { path: { id }, query: this.#tenantParam(options) };
    const body: ResolveRequest = decision;
    const result = await this.#api(options).POST('/v1/conflicts/{id}/resolve', { params, body });
    return result.response.status === 204 ? undefined : (answered(result) as Conflict);
  }

  #tenantParam({ tenant = this.#tenant }: ReadOptions): { readonly tenant_id?: string } {
    return tenant === undefined ? {} : { tenant_id: tenant };
  }
}
