/** Errors as HTTP answers: RFC 9457 problem details with a string `error` beside. */

import { STATUS_CODES } from 'node:http';
import { LoglineError, type ErrorCode } from '@logline/federation-core';

/** What can be wrong with a request before the library is asked. */
export type RequestFault =
  | 'bad_request'
  | 'forbidden'
  | 'id_required'
  | 'keys_unavailable'
  | 'method_not_allowed'
  | 'name_mismatch'
  | 'not_found'
  | 'not_supported'
  | 'rate_limited'
  | 'request_timeout'
  | 'tenant_mismatch'
  | 'tenant_required'
  | 'too_large'
  | 'unauthorized'
  | 'unsupported_encoding'
  | 'unsupported_media_type'
  | 'upgrade_required'
  | 'internal_error';

/** The HTTP status of each error of the library. A new code does not compile until it has one. */
export const STATUS_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  aborted: 503,
  bad_address: 400,
  bad_configuration: 500,
  bad_cursor: 400,
  bad_request: 400,
  closed: 503,
  conflict_closed: 409,
  conflict_open: 409,
  damaged: 500,
  disk_failed: 507,
  handshake_failed: 502,
  key_mismatch: 409,
  name_taken: 409,
  overloaded: 503,
  read_only: 503,
  revoked: 409,
  tenant_not_allowed: 403,
  timeout: 504,
  too_large: 413,
  unknown_conflict: 404,
  unknown_peer: 404,
  unreachable: 502,
  version_mismatch: 412,
};

const STATUS_OF_FAULT: Readonly<Record<RequestFault, number>> = {
  bad_request: 400,
  forbidden: 403,
  id_required: 400,
  keys_unavailable: 503,
  method_not_allowed: 405,
  name_mismatch: 409,
  not_found: 404,
  not_supported: 400,
  rate_limited: 429,
  request_timeout: 408,
  tenant_mismatch: 400,
  tenant_required: 400,
  too_large: 413,
  unauthorized: 401,
  unsupported_encoding: 415,
  unsupported_media_type: 415,
  upgrade_required: 426,
  internal_error: 500,
};

/** Errors that name files: their detail is for the log. */
const OF_THE_DISK: ReadonlySet<ErrorCode> = new Set(['damaged', 'disk_failed', 'read_only']);

/** Answers that a client may simply repeat after a moment. */
const RETRY_AFTER_SECONDS: Partial<Record<string, number>> = {
  overloaded: 1,
  closed: 5,
  aborted: 1,
  keys_unavailable: 5,
};

export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body, such as what an upload had stored before it failed. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A refusal with everything its answer needs. The detail says what was expected, what came, and what to do. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly code: RequestFault | ErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: RequestFault | ErrorCode, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause });
    this.name = 'HttpProblem';
    this.code = code;
    this.status = isFault(code) ? STATUS_OF_FAULT[code] : STATUS_OF_CODE[code];
    const retryAfter = RETRY_AFTER_SECONDS[code];
    this.headers = {
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      ...extras.headers,
    };
    this.members = extras.members ?? {};
  }

  /** The body of the answer. */
  toJSON(): Record<string, unknown> {
    return {
      ...this.members,
      type: 'about:blank',
      title: STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      error: this.code,
    };
  }
}

/** Any thrown thing as a problem. What is a bug of ours says nothing about itself to the outside. */
export function problemOf(error: unknown, members: Readonly<Record<string, unknown>> = {}): HttpProblem {
  if (error instanceof HttpProblem) {
    return Object.keys(members).length === 0
      ? error
      : new HttpProblem(error.code, error.message, { headers: error.headers, members, cause: error });
  }
  if (error instanceof LoglineError)
    return new HttpProblem(error.code, detailOf(error), { members, cause: error });
  if (isClientFault(error)) return new HttpProblem('bad_request', error.message, { members, cause: error });
  const detail = 'the service met a fault of its own, which its log describes: report it if it happens again';
  return new HttpProblem('internal_error', detail, { members, cause: error });
}

/** Where a node keeps its data is for those to know who read its log. */
export function withoutPaths(text: string): string {
  return text
    .replaceAll(/(["'])(?:\/|[A-Za-z]:\\)[^"']*\1/g, 'a file')
    .replaceAll(/(?<![\w:./-])(?:\/|[A-Za-z]:\\).*?(?=: |; |\)|$)/g, 'a file');
}

function detailOf({ code, message }: LoglineError): string {
  return OF_THE_DISK.has(code) ? withoutPaths(message) : message;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isFault(code: string): code is RequestFault {
  return Object.hasOwn(STATUS_OF_FAULT, code);
}

/** What Koa and its parts throw for a request that they cannot read. */
function isClientFault(error: unknown): error is Error & { readonly status: number } {
  if (!(error instanceof Error)) return false;
  const status = 'status' in error ? error.status : undefined;
  return (typeof status === 'number' && status >= 400 && status < 500) || error instanceof URIError;
}
