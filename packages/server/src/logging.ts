/** The log: one JSON object a line, in the shape that the specification shows. */

import type { NodeEvent } from '@logline/federation-core';
import { destination, pino } from 'pino';
import type { ServerConfig } from './config.js';
import type { LogLevel } from './config-telemetry.js';
import type { Log } from './log-events.js';
import { createLineFilter, UNSHOWN, type LogFormat } from './log-format.js';
import { SERVER_LIMITS } from './limits.js';

export interface LogOptions {
  readonly level: LogLevel;
  /** `json` unless given. */
  readonly format?: LogFormat | undefined;
  /** What must never be in a line, wherever it comes from. */
  readonly secrets?: readonly string[] | undefined;
  /** Takes each line; the standard output unless given. */
  readonly write?: ((line: string) => void) | undefined;
}

/** How a service with this configuration logs: nothing that it was given as a secret comes out. */
export function logOptions(config: ServerConfig): LogOptions {
  const { networkKey, logLevel: level, logFormat: format } = config;
  const { adminToken, serviceToken, jwtSecret } = config.access;
  const text =
    jwtSecret === undefined ? [] : [Buffer.from(jwtSecret), Buffer.from(jwtSecret).toString('base64')];
  const secrets = [networkKey, adminToken, serviceToken, ...text].flatMap((one) => one?.toString() ?? []);
  return { level, format, secrets };
}

export function createLog(options: LogOptions): Log {
  const { level, format = 'json', secrets = [] } = options;
  const filter = createLineFilter(format, secrets);
  // Written before the call returns: a line about a fault is no use in a buffer of a process that is gone.
  const out = options.write === undefined ? destination({ dest: 1, sync: true }) : undefined;
  const write = options.write ?? ((line: string) => void out?.write(line));
  const shape = {
    level,
    base: null,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label.toUpperCase() }) },
  };
  return pino(shape, { write: (line) => write(filter(line)) });
}

/** Writes an event of the node. What happens for every entry is left to the metrics. */
export function logEvent(log: Log, event: NodeEvent): void {
  switch (event.kind) {
    case 'peer_connected':
      return log.info({
        event: event.kind,
        peer_id: event.peerId,
        fingerprint: event.fingerprint,
        address: event.address,
        latency_ms: event.latencyMs === undefined ? null : Math.round(event.latencyMs),
        skew_ms: Math.round(event.skewMs),
      });
    case 'peer_disconnected':
    case 'link_refused':
      return log.info({
        event: event.kind,
        peer_id: event.peerId,
        fingerprint: event.fingerprint,
        address: event.address,
        code: event.code,
        reason: short(event.reason),
        by_peer: event.byPeer,
      });
    case 'key_pinned':
      return log.warn({
        event: event.kind,
        address: event.address,
        fingerprint: event.fingerprint,
        detail: `the first key seen at this address is trusted from now on: compare it with what the peer prints at its start, and list the peer as address#${event.fingerprint}`,
      });
    case 'first_contact_unconfirmed':
      return log.warn({
        event: event.kind,
        address: event.address,
        fingerprint: event.fingerprint,
        detail: `this key is not trusted before it is confirmed: compare it with what the peer prints at its start, then type: logline federation trust confirm ${event.address} ${event.fingerprint}`,
      });
    case 'link_fault':
      return log.info({
        event: event.kind,
        address: event.address,
        code: event.code,
        reason: short(event.reason),
      });
    case 'dial_failed':
      return log.warn({ event: event.kind, address: event.address, reason: short(event.reason) });
    case 'node_found':
      return log.info({
        event: event.kind,
        peer_id: event.peerId,
        fingerprint: event.fingerprint,
        address: event.address,
      });
    case 'discovery_failed':
      return log.warn({ event: event.kind, method: event.method, reason: short(event.reason) });
    case 'entry_refused':
      return log.warn({
        event: event.kind,
        fingerprint: event.fingerprint,
        check: event.check,
        reason: short(event.reason),
      });
    case 'feed_forked':
      return log.error({
        event: event.kind,
        feed: short(Buffer.from(event.key, 'latin1').toString('base64url')),
        seq: event.seq,
      });
    case 'primary_accepted':
      return log.warn({
        event: event.kind,
        tenant_id: event.tenant,
        primary: event.primary,
        detail: `the first claim to be the primary of this tenant decides from now on who has rights in it: if it is right, list the tenant as ${event.tenant}@${event.primary}, else as the key that is`,
      });
    case 'primary_refused':
      return log.error({
        event: event.kind,
        tenant_id: event.tenant,
        claimed: event.claimed,
        claimed_by: event.by,
        primary: event.primary,
        detail: 'a second key claims to be the primary of this tenant: it changes nothing here',
      });
    case 'synced':
      return log.info({
        event: event.kind,
        peer_id: event.peerId,
        duration_ms: Math.round(event.ms),
        entries_received: event.entriesIn,
        entries_sent: event.entriesOut,
      });
    case 'spans_stored':
      return log.trace({ event: event.kind, tenant_id: event.tenant, count: event.count, jobs: event.jobs });
    case 'entry_gated':
      return undefined;
    default:
      return event satisfies never;
  }
}

/** What others wrote, bounded and fit to be shown; quotes and the other control characters are escaped in the line. */
export function short(text: string): string {
  return text.slice(0, SERVER_LIMITS.loggedChars).replaceAll(UNSHOWN, '\ufffd');
}
