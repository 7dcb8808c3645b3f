/** The client: one method for each thing that the federation service can do. */

import createClient, { type Client } from 'openapi-fetch';
import { answered } from './api.js';
import { LoglineFederationError } from './errors.js';
import { jsonOf, type UploadSource } from './lines.js';
import { splitPage, type RawPage } from './raw-page.js';
import { ConflictCalls } from './conflicts.js';
import { QuarantineCalls } from './quarantine.js';
import { pause, type RetryOptions } from './retry.js';
import type { paths } from './routes.js';
import type {
  AppendResult,
  DiscoverResult,
  Health,
  Node as PeerNode,
  Span,
  SpanPage,
  SpanStory,
} from './schema.js';
import type { SyncRequest, SyncResult, SyncStatus } from './schema-sync.js';
import type { EstablishRequest, EstablishResult, Relationship } from './schema-trust.js';
import { TimelineCalls } from './timeline.js';
import { tailEvents, type TailEvent, type TailOptions } from './tail.js';
import { TenantCalls } from './tenants.js';
import { Transport, type CallOptions, type SendOptions } from './transport.js';
import { TrustCalls } from './trust.js';
import type { NewSpan, SpanQuery } from './types.js';
import { uploadSpans, type UploadOptions } from './upload.js';

export interface ClientOptions {
  /** Where the service is, such as `http://localhost:8080`, or its place behind a gateway. */
  readonly baseUrl: string;
  /** A bearer token, or a function that is asked for one before each call. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** In place of the platform's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The tenant of calls that name none. */
  readonly tenant?: string | undefined;
  readonly retry?: RetryOptions | undefined;
  /** For one call with all its tries. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** A call on a tenant's timeline. */
export interface SpanCallOptions extends CallOptions {
  readonly tenant?: string | undefined;
  /** For an append that may be made again later, such as by another run: spans without an id get the same one each time. Default: a new key for each call. */
  readonly idempotencyKey?: string | undefined;
}

const TAIL_SILENCE_MS = 60_000;
const JOB_POLL = { firstMs: 100, mostMs: 2_000 };

/**
 * Talks to one LogLine federation service. Every call rejects with a `LoglineFederationError` that says what to do,
 * or with the reason of its signal where that aborts. Calls are tried again with backoff after 429, 502, 503, 504 and
 * lost connections; POSTs and PATCHes carry an `Idempotency-Key`, so that none of them acts twice.
 */
export class LoglineFederationClient {
  readonly baseUrl: string;
  /** The trust graph, revocations, and what administrators did. */
  readonly trust: TrustCalls;
  /** What is held and does not count. */
  readonly quarantine: QuarantineCalls;
  /** Who may read and write which tenant. */
  readonly tenants: TenantCalls;
  /** What is said about spans after the fact. */
  readonly timeline: TimelineCalls;
  /** What nodes are at odds about, and deciding it. */
  readonly conflicts: ConflictCalls;
  readonly #tenant: string | undefined;
  readonly #timeoutMs: number | undefined;
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.baseUrl = checkedBaseUrl(options.baseUrl);
    this.#tenant = options.tenant;
    this.#timeoutMs = options.timeoutMs;
    this.#transport = new Transport(options);
    const api = (call: SendOptions): Client<paths> => this.#api(call);
    this.trust = new TrustCalls(api);
    this.quarantine = new QuarantineCalls(api);
    this.tenants = new TenantCalls(api);
    this.timeline = new TimelineCalls(api, options.tenant);
    this.conflicts = new ConflictCalls(api, options.tenant);
  }

  /** Whether the service is well, which node it is and how many peers it has. An unhealthy one says so and is no error. */
  async health(options: CallOptions = {}): Promise<Health> {
    const isFinal = (error: LoglineFederationError): boolean => 'node_id' in error.problem;
    try {
      return answered(await this.#api({ ...options, isFinal }).GET('/health'));
    } catch (error) {
      if (error instanceof LoglineFederationError && isFinal(error)) return error.problem as Health;
      throw error;
    }
  }

  /** Every peer that the node knows. */
  async nodes(options: CallOptions = {}): Promise<readonly PeerNode[]> {
    return answered(await this.#api(options).GET('/v1/nodes')).nodes;
  }

  /** Lets the node look for others now: for its listed peers unless another method is given. Whoever is found is trusted for nothing. */
  async discover(
    options: CallOptions & { readonly method?: DiscoverResult['method']; readonly networkKey?: string } = {},
  ): Promise<DiscoverResult> {
    const { method = 'manual', networkKey, ...call } = options;
    const key = networkKey === undefined ? {} : { network_key: networkKey };
    const body = { discovery_method: method, ...key };
    return answered(await this.#api(call).POST('/v1/nodes/discover', { body }));
  }

  /** Lets the node dial a known node now instead of when its backoff ends; resolves to what came of it. */
  async resetNode(node: string, options: CallOptions = {}): Promise<PeerNode> {
    const path = { id: node };
    return answered(await this.#api(options).POST('/v1/nodes/{id}/reset', { params: { path } }));
  }

  /**
   * Lists a peer as trusted. `trust_level` is `pending` in the result until the peer lists this node too. Rejects with
   * `revoked` for a node that this one has stopped trusting, unless the request says `readmit`.
   */
  async establishTrust(request: EstablishRequest, options: CallOptions = {}): Promise<EstablishResult> {
    return answered(await this.#api(options).POST('/v1/trust/establish', { body: request }));
  }

  /** Every key that the node has to do with, how far it trusts it, and why. */
  async trustRelationships(options: CallOptions = {}): Promise<readonly Relationship[]> {
    return answered(await this.#api(options).GET('/v1/trust/relationships')).relationships;
  }

  /**
   * Synchronizes with peers now and resolves when that has ended, for each peer in its own way. Longer work becomes a
   * job of the service, which is followed to its end: `timeoutMs` bounds each request, the signal bounds the whole.
   */
  async sync(request: SyncRequest = {}, options: CallOptions = {}): Promise<SyncResult> {
    const first = answered(await this.#api(options).POST('/v1/sync/timeline', { body: request }));
    if (!('job_id' in first)) return first;
    for (let delayMs = JOB_POLL.firstMs; ; delayMs = Math.min(delayMs * 2, JOB_POLL.mostMs)) {
      const path = { id: first.job_id };
      const job = answered(await this.#api(options).GET('/v1/sync/jobs/{id}', { params: { path } }));
      const { status, detail, peers } = job;
      if (status !== 'running') return { status, detail, peers };
      await pause(delayMs, options.signal);
    }
  }

  async syncStatus(options: CallOptions = {}): Promise<SyncStatus> {
    return answered(await this.#api(options).GET('/v1/sync/status'));
  }

  /**
   * Appends a span, or some; resolves when they are durable at the node. A lone span that is not valid rejects; of
   * several, look at `rejected_total`. For more than a few thousand, `upload` needs no memory for all of them.
   */
  async append(span: NewSpan | readonly NewSpan[], options: SpanCallOptions = {}): Promise<AppendResult> {
    const isMany = (value: NewSpan | readonly NewSpan[]): value is readonly NewSpan[] => Array.isArray(value);
    const body = isMany(span) ? `[${span.map(jsonOf).join(',')}]` : jsonOf(span);
    return this.#post(body, 'application/json', options);
  }

  /**
   * Appends spans from anything that can be iterated over, or a stream, as they come, without holding them all.
   * One request, so that a failure leaves open how far it came: with spans that carry ids, upload them again.
   */
  upload(source: UploadSource, options: UploadOptions = {}): Promise<AppendResult> {
    const { signal, timeoutMs } = options;
    const type = 'application/x-ndjson';
    return uploadSpans(source, options, {
      post: async (body) => {
        const url = `${this.baseUrl}/v1/timeline/spans${this.#tenantQuery(options.tenant)}`;
        const headers = {
          'content-type': type,
          'idempotency-key': options.idempotencyKey ?? crypto.randomUUID(),
        };
        const init: RequestInit & { readonly duplex: 'half' } = {
          method: 'POST',
          body,
          headers,
          duplex: 'half',
        };
        const response = await this.#transport.sendOnce(url, init, {
          signal,
          timeoutMs: timeoutMs ?? Infinity,
        });
        return (await response.json()) as AppendResult;
      },
      postAgain: (body, number) => {
        const { idempotencyKey: key } = options;
        const own = key === undefined ? {} : { idempotencyKey: number === 0 ? key : `${key}-${number}` };
        return this.#post(body, type, { ...options, ...own });
      },
    });
  }

  /** The span with an id and what is said about it, parsed, so that its numbers are those of JavaScript. Another tenant's span, and one that is not there, reject alike with `404`. */
  async get(id: string, options: SpanCallOptions = {}): Promise<Span> {
    return (await this.timeline.read(id, options)).span;
  }

  /** Where a span came from, and why it is or is not at each peer. Rejects with `404` as `get` does. */
  async explain(id: string, options: SpanCallOptions = {}): Promise<SpanStory> {
    const params = { path: { id }, query: this.#tenantParam(options.tenant) };
    return answered(await this.#api(options).GET('/v1/timeline/spans/{id}/explain', { params }));
  }

  /** One page, in ascending order of `timestamp`, then id. */
  async query(params: SpanQuery = {}, options: CallOptions = {}): Promise<SpanPage> {
    return JSON.parse(await this.#page(params, options)) as SpanPage;
  }

  /** Every span that the query fits, page after page, in the order of `query`. */
  async *spans(params: SpanQuery = {}, options: CallOptions = {}): AsyncGenerator<Span, void, void> {
    let { cursor } = params;
    do {
      const page = await this.query({ ...params, cursor }, options);
      yield* page.spans;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** As `spans`, but each as the JSON that was appended, byte for byte and without what is said about it: for exports, hashes and signatures. */
  async *lines(params: SpanQuery = {}, options: CallOptions = {}): AsyncGenerator<string, void, void> {
    for await (const page of this.pages(params, options)) yield* page.spans;
  }

  /** As `lines`, page by page: whoever keeps `nextCursor` goes on from there later, with `cursor` in the query. */
  async *pages(params: SpanQuery = {}, options: CallOptions = {}): AsyncGenerator<RawPage, void, void> {
    let cursor = params.cursor;
    do {
      const page = splitPage(await this.#page({ ...params, cursor, raw: 'true' }, options));
      yield page;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  /**
   * Follows a tenant's timeline: `for await (const event of client.tail({ after, signal }))`. Lost connections are
   * made again, and nothing is missed or repeated behind the last event. Ends without an error when the signal aborts.
   */
  tail(options: TailOptions = {}): AsyncGenerator<TailEvent, void, void> {
    const url = new URL(`${this.baseUrl}/v1/timeline/stream${this.#tenantQuery(options.tenant)}`);
    if (options.after === 'start') url.searchParams.set('from', 'start');
    return tailEvents(options, {
      policy: this.#transport.policy,
      silenceMs: TAIL_SILENCE_MS,
      connect: (lastEventId, signal) => {
        const headers = {
          accept: 'text/event-stream',
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        };
        return this.#transport.sendOnce(url.href, { headers }, { signal, timeoutMs: this.#timeoutMs });
      },
    });
  }

  /** The service's own OpenAPI document. */
  async openapi(options: CallOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    return answered(await this.#api(options).GET('/openapi.json'));
  }

  /** The typed routes, each call under its own signal and deadline. */
  #api(options: SendOptions): Client<paths> {
    return createClient<paths>({
      baseUrl: this.baseUrl,
      fetch: (request) => this.#transport.send(request, options),
    });
  }

  async #page(params: SpanQuery, options: CallOptions): Promise<string> {
    const query = { ...this.#tenantParam(params.tenant_id), ...params };
    return answered(
      await this.#api(options).GET('/v1/timeline/spans', { params: { query }, parseAs: 'text' }),
    );
  }

  async #post(
    body: string | Uint8Array<ArrayBuffer>,
    type: string,
    options: SpanCallOptions,
  ): Promise<AppendResult> {
    const url = `${this.baseUrl}/v1/timeline/spans${this.#tenantQuery(options.tenant)}`;
    const key = options.idempotencyKey;
    const headers = { 'content-type': type, ...(key !== undefined && { 'idempotency-key': key }) };
    const request = new Request(url, { method: 'POST', body, headers });
    return (await (await this.#transport.send(request, options)).json()) as AppendResult;
  }

  #tenantParam(tenant: string | undefined): { readonly tenant_id?: string } {
    const named = tenant ?? this.#tenant;
    return named === undefined ? {} : { tenant_id: named };
  }

  #tenantQuery(tenant: string | undefined): string {
    const { tenant_id } = this.#tenantParam(tenant);
    return tenant_id === undefined ? '' : `?${new URLSearchParams({ tenant_id }).toString()}`;
  }
}

function checkedBaseUrl(baseUrl: string): string {
  const isHttp = URL.canParse(baseUrl) && /^https?:$/.test(new URL(baseUrl).protocol);
  if (!isHttp) {
    throw new TypeError(
      `baseUrl: expected an address such as http://localhost:8080, got ${JSON.stringify(baseUrl)}`,
    );
  }
  return baseUrl.replace(/\/+$/, '');
}
