/** The closed list of what can go wrong by someone else's doing, and the error that carries it. Bugs are asserts instead. */

export const ERROR_CODES = [
  'aborted',
  'bad_address',
  'bad_configuration',
  'bad_cursor',
  'bad_request',
  'closed',
  'conflict_closed',
  'conflict_open',
  'damaged',
  'disk_failed',
  'handshake_failed',
  'key_mismatch',
  'name_taken',
  'overloaded',
  'read_only',
  'revoked',
  'tenant_not_allowed',
  'timeout',
  'too_large',
  'unknown_conflict',
  'unknown_peer',
  'unreachable',
  'version_mismatch',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error that a user or a peer can cause. The message says what was expected, what came, and what to do. */
export class LoglineError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'LoglineError';
    this.code = code;
  }
}

/** Crashes on a broken invariant: never a way to report what an outsider sent. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whatever was thrown as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
