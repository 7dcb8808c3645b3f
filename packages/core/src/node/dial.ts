/** Opens a WebSocket to a peer within a deadline, and only to addresses that the node's policy allows. */

import { lookup as resolveName, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket } from 'ws';
import type { Address } from '../address.js';
import { LoglineError, messageOf } from '../errors.js';
import { MESSAGE_BYTES_MAX } from './websocket-stream.js';

export const SUBPROTOCOL = 'logline-federation.v1';

export interface DialPolicy {
  /** Whether to connect to this IP address, asked after names are resolved. Without it, to any. */
  readonly mayConnect?: (ip: string) => boolean;
  /** Certificates and such for `wss://`; Node's defaults otherwise. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'>;
}

/** Options of every WebSocket of ours, either side. */
export const SOCKET_OPTIONS = {
  // Everything is encrypted, so nothing gets smaller; and an inflating peer could not be bounded as well.
  perMessageDeflate: false,
  maxPayload: MESSAGE_BYTES_MAX,
  // Nothing of ours is fragmented; a proxy may, a little.
  maxFragments: 64,
} as const;

/** Resolves once the socket has opened and been handed over; rejects with `unreachable`. */
export function openSocket(
  address: Address,
  policy: DialPolicy,
  options: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    /** Called within the turn in which the socket opens, so that no message of it is missed. */
    readonly onSocket: (socket: WebSocket) => void;
  },
): Promise<void> {
  const { mayConnect = () => true } = policy;
  const unreachable = (why: string, cause?: unknown): LoglineError =>
    new LoglineError('unreachable', `${address.display} could not be reached: ${why}`, { cause });
  // An address that is no name is never looked up, so it is checked here.
  if (isIP(address.host) !== 0 && !mayConnect(address.host)) {
    return Promise.reject(unreachable('this node may not connect there'));
  }
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address.url, [SUBPROTOCOL], {
      ...SOCKET_OPTIONS,
      ...policy.tls,
      followRedirects: false,
      // Masking keeps a caller from choosing the bytes on the wire; ours are ciphertext, which nobody chooses. Zeros are skipped.
      generateMask: (mask) => mask.fill(0),
      lookup: checkedLookup(mayConnect),
    });
    const giveUp = (why: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(unreachable(why, cause));
      socket.terminate();
    };
    const timer = setTimeout(() => giveUp(`no answer within ${options.timeoutMs} ms`), options.timeoutMs);
    const onAbort = (): void => giveUp('the attempt was given up');
    options.signal.addEventListener('abort', onAbort);
    // Stays for good: a socket without a listener for its errors would end the process.
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(unreachable(messageOf(error), error));
    });
    socket.once('open', () => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
      options.onSocket(socket);
      resolve();
    });
  });
}

/** Resolves a name to those of its addresses that may be connected to: the very ones that are then used. */
function checkedLookup(mayConnect: (ip: string) => boolean): LookupFunction {
  return (name, options, done) => {
    resolveName(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, '');
      const allowed = found.filter(({ address }) => mayConnect(address));
      const [first] = allowed;
      if (first === undefined) return done(new Error(`this node may not connect to ${listed(found)}`), '');
      if (options.all === true) return done(null, allowed);
      return done(null, first.address, first.family);
    });
  };
}

function listed(found: readonly LookupAddress[]): string {
  return found.map(({ address }) => address).join(', ') || 'a name without addresses';
}
