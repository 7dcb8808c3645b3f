/** The one error of this client: what was asked, what came back, and what to do about it. */

/** The request that failed, without headers or body: those may hold secrets. */
export interface FailedRequest {
  readonly method: string;
  readonly url: string;
}

export interface FederationErrorDetails {
  /** Absent where no answer came. */
  readonly status?: number | undefined;
  readonly code: string;
  readonly detail: string;
  readonly request: FailedRequest;
  readonly problem?: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Every failure of a call. `code` is the service's `error` member, such as `bad_cursor`; where no service
 * answered it is `unreachable` or `timeout`, and where something else answered, such as a proxy, `http_<status>`.
 */
export class LoglineFederationError extends Error {
  readonly status: number | undefined;
  readonly code: string;
  /** What happened and what to do next, without the request. */
  readonly detail: string;
  readonly request: FailedRequest;
  /** The whole answer, where it was an object; after a failed upload it counts what is stored. */
  readonly problem: Readonly<Record<string, unknown>>;
  /** How long the service asks to wait before the next try. */
  readonly retryAfterMs: number | undefined;

  constructor(details: FederationErrorDetails) {
    const { status, code, detail, request, problem = {}, retryAfterMs, cause } = details;
    const answer = status === undefined ? code : `${status} ${code}`;
    super(
      `${request.method} ${request.url}: ${answer}: ${detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'LoglineFederationError';
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.request = request;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The error of a try that got no answer, with the system's own word for it where there is one. */
export function unreachable(request: FailedRequest, cause: unknown): LoglineFederationError {
  const reason = systemReason(cause);
  const host = originOf(request.url);
  const detail = `no answer from ${host}${reason === '' ? '' : ` (${reason})`}: is the node running at ${host}?`;
  return new LoglineFederationError({ code: 'unreachable', detail, request, cause });
}

export function timedOut(request: FailedRequest, timeoutMs: number): LoglineFederationError {
  const detail = `no complete answer within ${timeoutMs} ms: the node may be overloaded; try again, or raise timeoutMs`;
  return new LoglineFederationError({ code: 'timeout', detail, request });
}

/** The error of an answer that is not 2xx: RFC 9457 problem details, or whatever a proxy in between sent. */
export function refusal(request: FailedRequest, response: Response, body: string): LoglineFederationError {
  const problem = parseProblem(body);
  const { status } = response;
  const code = textMember(problem, 'error') ?? `http_${status}`;
  const said = textMember(problem, 'detail') ?? textMember(problem, 'title');
  const words = said ?? withoutWords(status, response.statusText);
  const detail = status === 401 && said !== undefined ? `${said}: pass it as token` : words;
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'));
  return new LoglineFederationError({ status, code, detail, request, problem, retryAfterMs });
}

/** Milliseconds of a `Retry-After` header: seconds, or a date. */
export function parseRetryAfter(header: string | null): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now());
}

function withoutWords(status: number, statusText: string): string {
  const text = statusText === '' ? '' : ` (${statusText})`;
  if (status === 401)
    return `a token is needed or the one given is not valid${text}: pass a valid one as token`;
  if (status === 404) return `nothing is there${text}: does baseUrl lead to a LogLine federation service?`;
  if (status >= 500)
    return `the service or a proxy before it failed${text}: try again later, or look at its log`;
  return `the request was refused without a reason${text}: does baseUrl lead to a LogLine federation service?`;
}

function parseProblem(body: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(body) as unknown;
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

function textMember(problem: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const member = problem[name];
  return typeof member === 'string' && member !== '' ? member : undefined;
}

function originOf(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return url;
  }
}

/** `ECONNREFUSED` and the like, which platforms hide one or two causes deep. */
function systemReason(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const code = (at as { readonly code?: unknown }).code;
    if (typeof code === 'string') return code;
    if (at.cause === undefined && depth > 0) return at.message;
  }
  return '';
}
