/** Every event that the log may tell of, with its level: a line with another name or level does not compile. */

export type EventLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** `docs/operations.md` says what each means and what to do about it. */
export const LOG_EVENTS = {
  // The process.
  unknown_variable: 'warn',
  start_failed: 'fatal',
  node_started: 'info',
  no_callers_configured: 'warn',
  callers_configured: 'info',
  forwarded_tokens_unverified: 'warn',
  certificate_expiring: 'warn',
  stopping: 'info',
  requests_cut: 'warn',
  stopped: 'info',
  stopped_unfinished: 'error',
  stopped_at_once: 'warn',
  fault: 'fatal',
  second_fault: 'fatal',
  // Requests.
  http_request: 'debug',
  request_abandoned: 'debug',
  request_failed: 'error',
  response_failed: 'debug',
  server_fault: 'error',
  caller_refused: 'debug',
  caller_limited: 'warn',
  admin_act: 'info',
  sync_failed: 'warn',
  // The node: these are the kinds of its own events.
  peer_connected: 'info',
  peer_disconnected: 'info',
  link_refused: 'info',
  link_fault: 'info',
  dial_failed: 'warn',
  key_pinned: 'warn',
  first_contact_unconfirmed: 'warn',
  entry_refused: 'warn',
  feed_forked: 'error',
  primary_accepted: 'warn',
  primary_refused: 'error',
  node_found: 'info',
  discovery_failed: 'warn',
  synced: 'info',
  spans_stored: 'trace',
} as const satisfies Readonly<Record<string, EventLevel>>;

export type LogEventName = keyof typeof LOG_EVENTS;

type NamesOf<L extends EventLevel> = {
  readonly [Name in LogEventName]: (typeof LOG_EVENTS)[Name] extends L ? Name : never;
}[LogEventName];

/** A line: an event that has this level, and whatever members say more about it. */
export type LogLine<L extends EventLevel> = {
  readonly event: NamesOf<L>;
  readonly [member: string]: unknown;
};

/** What the service writes its log to; a pino logger is one. */
export type Log = { readonly [L in EventLevel]: (line: LogLine<L>) => void };
