/** Answers to WebSocket upgrades that are refused, written by hand because there is no response object at that point. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { SUBPROTOCOL } from './dial.js';

/** Time for the answer to leave, in milliseconds. */
const ANSWER_MS = 1_000;

interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly headers: readonly string[];
  readonly error: string;
  readonly detail: string;
}

export const REFUSALS = {
  not_found: {
    status: 404,
    title: 'Not Found',
    headers: [],
    error: 'not_found',
    detail: 'There is no WebSocket here.',
  },
  subprotocol_required: {
    status: 426,
    title: 'Upgrade Required',
    headers: ['Upgrade: websocket', `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`],
    error: 'subprotocol_required',
    detail: `This is a federation link: offer the WebSocket subprotocol ${SUBPROTOCOL}.`,
  },
  overloaded: {
    status: 503,
    title: 'Service Unavailable',
    headers: ['Retry-After: 1'],
    error: 'overloaded',
    detail: 'Too many handshakes at once, or the node is closing: try again.',
  },
} as const satisfies Record<string, Refusal>;

/** Whether the request offers our subprotocol, whatever else it offers. */
export function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((name) => name.trim() === SUBPROTOCOL);
}

/** Answers with one line of problem details (RFC 9457) and closes the connection. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const { status, title, headers, error, detail } = refusal;
  const body = `${JSON.stringify({ type: 'about:blank', title, status, error, detail })}\n`;
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    ...headers,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
