/** Requests on the wire: the headers every one carries, its deadline, and its retries. */

import { refusal, timedOut, unreachable, type FailedRequest, type LoglineFederationError } from './errors.js';
import { delayAfter, mayPass, pause, retryPolicy, type RetryOptions, type RetryPolicy } from './retry.js';

export interface TransportOptions {
  readonly token?: string | (() => string | Promise<string>) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly retry?: RetryOptions | undefined;
  /** For one call with all its tries. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** What a single call may say about itself. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface SendOptions extends CallOptions {
  /** Whether a refusal that would be tried again is the answer to this very call. */
  readonly isFinal?: ((error: LoglineFederationError) => boolean) | undefined;
}

const TIMEOUT_MS = 30_000;

const ACTING: ReadonlySet<string> = new Set(['POST', 'PATCH']);

export class Transport {
  readonly policy: RetryPolicy;
  readonly #options: TransportOptions;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.policy = retryPolicy(options.retry);
    // Looked up at each call, so that whoever replaces the global one is heard; and never called as a method.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /**
   * Sends a request whose body can be sent again, until it is answered with something that does not pass by itself.
   * Every POST and PATCH carries an `Idempotency-Key`, the same at each try. The answer's body is read within the tries, so
   * that a broken connection is one more failed try. Resolves to any answer that is 2xx; rejects with the rest.
   */
  async send(request: Request, options: SendOptions = {}): Promise<Response> {
    const failed: FailedRequest = { method: request.method, url: request.url };
    await this.#sign(request.headers);
    if (ACTING.has(request.method) && !request.headers.has('idempotency-key')) {
      request.headers.set('idempotency-key', crypto.randomUUID());
    }
    return this.#withDeadline(failed, options, async (signal) => {
      for (let tries = 1; ; tries++) {
        const result = await this.#tryOnce(request.clone(), failed, signal);
        if (result instanceof Response) return result;
        const isPassing = result.status === undefined || mayPass(result.status);
        const mayTryAgain = isPassing && options.isFinal?.(result) !== true;
        const delayMs = mayTryAgain ? delayAfter(tries, this.policy, result.retryAfterMs) : undefined;
        if (delayMs === undefined) throw result;
        await pause(delayMs, signal).catch((reason: unknown) => {
          // Where time ran out between tries, the last answer says more than the clock does.
          throw options.signal?.aborted === true ? reason : result;
        });
      }
    });
  }

  /** Sends a request once, with a body that is consumed by it. Rejects with an answer that is not 2xx. */
  async sendOnce(url: string, init: RequestInit, options: CallOptions = {}): Promise<Response> {
    const failed: FailedRequest = { method: init.method ?? 'GET', url };
    const headers = new Headers(init.headers);
    await this.#sign(headers);
    return this.#withDeadline(failed, { timeoutMs: Infinity, ...options }, async (signal) => {
      const result = await this.#answer(failed, signal, () =>
        this.#fetch(url, { ...init, headers, ...(signal && { signal }) }),
      );
      if (result instanceof Response) return result;
      throw result;
    });
  }

  async #sign(headers: Headers): Promise<void> {
    const { token } = this.#options;
    const text = typeof token === 'function' ? await token() : token;
    if (text !== undefined && text !== '') headers.set('authorization', `Bearer ${text}`);
  }

  async #tryOnce(
    request: Request,
    failed: FailedRequest,
    signal: AbortSignal | undefined,
  ): Promise<Response | LoglineFederationError> {
    return this.#answer(failed, signal, async () => {
      const response = await this.#fetch(request, signal && { signal });
      if (!response.ok) return response;
      const { status, statusText, headers } = response;
      const body = await response.arrayBuffer();
      return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
    });
  }

  /** A 2xx answer, or the error to throw or to try again after. An abort is thrown at once, as what the caller gave. */
  async #answer(
    failed: FailedRequest,
    signal: AbortSignal | undefined,
    ask: () => Promise<Response>,
  ): Promise<Response | LoglineFederationError> {
    try {
      const response = await ask();
      return response.ok ? response : refusal(failed, response, await response.text());
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      return unreachable(failed, error);
    }
  }

  /** Runs a call under its signal and its deadline, and tells the two apart. */
  async #withDeadline<T>(
    failed: FailedRequest,
    options: CallOptions,
    call: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
    options.signal?.throwIfAborted();
    if (timeoutMs === Infinity) return call(options.signal);
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(timedOut(failed, timeoutMs)), timeoutMs);
    try {
      return await call(
        options.signal ? AbortSignal.any([options.signal, deadline.signal]) : deadline.signal,
      );
    } finally {
      clearTimeout(timer);
    }
  }
}
