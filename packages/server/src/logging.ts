/** The log: one JSON object a line, in the shape that the specification shows. */

import type { NodeEvent } from '@logline/federation-core';
import { pino, type Logger } from 'pino';
import type { LogLevel } from './config.js';
import { SERVER_LIMITS } from './limits.js';

export function createLog(level: LogLevel): Logger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label.toUpperCase() }) },
  });
}

/** Writes an event of the node. What happens for every entry is left to the metrics. */
export function logEvent(log: Logger, event: NodeEvent): void {
  switch (event.kind) {
    case 'peer_connected':
      return log.info({
        event: event.kind,
        peer_id: event.peerId,
        fingerprint: event.fingerprint,
        address: event.address,
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

/** What pino leaves as it is and a terminal acts on: C1 controls, DEL, line separators, and marks of writing direction. */
const UNSHOWN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** What others wrote, bounded; pino escapes quotes and the other control characters. */
export function short(text: string): string {
  return text.slice(0, SERVER_LIMITS.loggedChars).replaceAll(UNSHOWN, '\ufffd');
}
