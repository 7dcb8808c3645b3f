/** Calls about single spans: reading them with what is said about them, and saying something. */

import { answered, type Api } from './api.js';
import type { Annotation, Span, SpanHistory } from './schema.js';
import type { CallOptions } from './transport.js';

/** A span as it is read, and the version of that reading. */
export interface SpanReading {
  readonly span: Span;
  /** Equal on nodes that know the same; hand it back as `ifVersion`. */
  readonly version: string;
}

/** `span` is `undefined` for who may write and not read. */
export interface Annotated {
  readonly span: Span | undefined;
  readonly version: string;
}

export interface ReadOptions extends CallOptions {
  readonly tenant?: string | undefined;
}

export interface AnnotateOptions extends ReadOptions {
  /** Only if this is still what is read: rejects with `version_mismatch` otherwise. */
  readonly ifVersion?: string | undefined;
}

export class TimelineCalls {
  readonly #api: Api;
  readonly #tenant: string | undefined;

  constructor(api: Api, tenant: string | undefined) {
    this.#api = api;
    this.#tenant = tenant;
  }

  /** The span with what is said about it. One that is not there, and another tenant's, reject alike with `404`. */
  async read(id: string, options: ReadOptions = {}): Promise<SpanReading> {
    const params = { path: { id }, query: this.#tenantParam(options) };
    const result = await this.#api(options).GET('/v1/timeline/spans/{id}', { params });
    return { span: answered(result) as Span, version: versionOf(result.response) };
  }

  /** The span as it was appended, byte for byte. */
  async raw(id: string, options: ReadOptions = {}): Promise<string> {
    const params = { path: { id }, query: { ...this.#tenantParam(options), raw: 'true' as const } };
    return answered(await this.#api(options).GET('/v1/timeline/spans/{id}', { params, parseAs: 'text' }));
  }

  /** Everything that is said about a span, by whom, and why it counts or does not. */
  async history(id: string, options: ReadOptions = {}): Promise<SpanHistory> {
    const params = { path: { id }, query: { ...this.#tenantParam(options), history: 'true' as const } };
    return answered(await this.#api(options).GET('/v1/timeline/spans/{id}', { params })) as SpanHistory;
  }

  /**
   * Says what a JSON merge patch changes: `status`, `processed`, `verification_status`, `visibility`, members of
   * `metadata`, `tags` as the whole new list, `notes` to add. Rejects with `conflict_open` where people have to decide
   * first. Resolves when it is durable at the node.
   */
  async annotate(id: string, patch: Annotation, options: AnnotateOptions = {}): Promise<Annotated> {
    const { ifVersion } = options;
    const params = {
      path: { id },
      query: this.#tenantParam(options),
      ...(ifVersion !== undefined && { header: { 'If-Match': `"${ifVersion}"` } }),
    };
    const result = await this.#api(options).PATCH('/v1/timeline/spans/{id}', { params, body: patch });
    const version = versionOf(result.response);
    return { span: result.response.status === 204 ? undefined : (answered(result) as Span), version };
  }

  #tenantParam({ tenant = this.#tenant }: ReadOptions): { readonly tenant_id?: string } {
    return tenant === undefined ? {} : { tenant_id: tenant };
  }
}

function versionOf(response: Response): string {
  return (response.headers.get('etag') ?? '').replaceAll('"', '');
}
