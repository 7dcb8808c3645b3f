/** How a link ends that a node does not want: in time, and with a code. */

import { LIMITS } from '@logline/federation-core';
import type { HostileLink } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { within } from './strangers.js';

/** Close codes of a link, as PROTOCOL.md names them. */
export const CODES = {
  goingAway: 4000,
  fault: 4300,
  refused: 4301,
  pending: 4303,
  silent: 4308,
  nameTaken: 4309,
  flow: 4313,
  self: 4321,
  version: 4326,
  handshakeFailed: 4400,
  damaged: 4401,
  notBinary: 4403,
  handshakeTimeout: 4408,
  frameTooLarge: 4413,
  sendOverflow: 4414,
  tooManyLinks: 4429,
  /** RFC 6455: a message larger than any of ours. */
  tooBig: 1009,
} as const;

/** Twice the time that a node gives a stranger. */
export const CLOSE_MS = 2 * LIMITS.handshakeMs;

/** The link ends in time and with a code. */
export async function endsWith(
  t: ExecutionContext,
  link: HostileLink,
  code: number,
  what: string,
): Promise<void> {
  const end = await within(CLOSE_MS, what, link.closed);
  t.is(end.code, code, what);
}
