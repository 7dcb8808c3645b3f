/** Why the transport itself closes a link, and how a WebSocket is closed within a bounded time. */

import type { WebSocket } from 'ws';

/**
 * WebSocket close codes of the transport; the session brings its own. They are not encrypted, so they are hints for
 * people: what matters between peers is said inside the link.
 */
export const CLOSE_CODES = {
  /** The Noise handshake failed, or proved a key that nobody may use. */
  handshake_failed: 4400,
  /** A piece does not decrypt, or is not one whole piece: altered, replayed or out of order. */
  damaged: 4401,
  /** A text frame, where everything is binary. */
  not_binary: 4403,
  handshake_timeout: 4408,
  /** This side is going away. */
  closing: 4410,
  frame_too_large: 4413,
  /** The other side does not read, and what is meant for it no longer fits. */
  send_overflow: 4414,
  too_many_links: 4429,
  internal_error: 4500,
} as const;

export type CloseReason = keyof typeof CLOSE_CODES;

/** The code that stands for a socket which vanished without a close frame (RFC 6455 §7.4.1). */
export const VANISHED = 1006;

/** A link that the transport has to end. */
export class LinkFault extends Error {
  readonly reason: CloseReason;

  constructor(reason: CloseReason, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'LinkFault';
    this.reason = reason;
  }

  get closeCode(): number {
    return CLOSE_CODES[this.reason];
  }
}

/** How long the other side may take to answer a close frame, in milliseconds. */
export const CLOSE_WAIT_MS = 1_000;
const REASON_BYTES_MAX = 123;

/** Codes that a close frame may carry and that we use. */
export function isCloseCode(code: number): boolean {
  return Number.isInteger(code) && (code === 1000 || (code >= 3000 && code <= 4999));
}

/** The longest beginning of `reason` that fits a close frame, never splitting a character. */
export function fitReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= REASON_BYTES_MAX) return bytes.toString();
  return new TextDecoder().decode(bytes.subarray(0, REASON_BYTES_MAX), { stream: true });
}

/** Sends a close frame and cuts the connection if no answer comes in time. The caller sees to it that the socket is read. */
export function closeSocket(
  socket: WebSocket,
  why: { readonly code: number; readonly reason: string },
): void {
  if (socket.readyState === socket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), CLOSE_WAIT_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.close(why.code, fitReason(why.reason));
}

/** Wraps an event handler: what it throws goes to `onThrow`, never to the process. */
export function guarded<A extends readonly unknown[]>(
  run: (...args: A) => void,
  onThrow: (error: unknown) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      onThrow(error);
    }
  };
}
