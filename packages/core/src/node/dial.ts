/** Opens a WebSocket to a peer within a deadline, and only to addresses that the node's policy allows. */

import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { WebSocket } from 'ws';
import type { Address } from '../address.js';
import { LoglineError, messageOf } from '../errors.js';
import { isPublicAddress } from './address-policy.js';
import { MESSAGE_BYTES_MAX } from './websocket-stream.js';

export const SUBPROTOCOL = 'logline-federation.v1';

/** An IP address that a name stands for. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export interface DialPolicy {
  /** False refuses whatever is not on the public internet: loopback, private, link-local and the like. By default they are allowed. */
  readonly allowPrivatePeers?: boolean;
  /** Whether to connect to this IP address, beside `allowPrivatePeers`. Without it, to any. */
  readonly mayConnect?: (ip: string) => boolean;
  /** The IP addresses of a name; the system's resolver unless given. Asked once for each dial. */
  readonly resolve?: (name: string) => Promise<readonly ResolvedAddress[]>;
  /** Certificates and such for `wss://`; Node's defaults otherwise. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'>;
}

/** Of more addresses of one name, the rest is not tried. */
const ADDRESSES_TRIED = 8;
/** Everything before the end of the answer's headers. */
const ANSWER_HEADER_BYTES_MAX = 16 * 1024;

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
  const mayConnect = ruleOf(policy);
  const unreachable = (why: string, cause?: unknown): LoglineError =>
    new LoglineError('unreachable', `${address.display} could not be reached: ${why}`, { cause });
  // An address that is no name is never looked up, so it is checked here.
  if (isIP(address.host) !== 0 && !mayConnect(address.host)) {
    return Promise.reject(unreachable(forbidden(address.host, policy)));
  }
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address.url, [SUBPROTOCOL], {
      ...SOCKET_OPTIONS,
      ...policy.tls,
      // A redirect would lead past the policy.
      followRedirects: false,
      maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
      // Masking keeps a caller from choosing the bytes on the wire; ours are ciphertext, which nobody chooses. Zeros are skipped.
      generateMask: (mask) => mask.fill(0),
      lookup: checkedLookup(policy),
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

function ruleOf(policy: DialPolicy): (ip: string) => boolean {
  const { allowPrivatePeers = true, mayConnect = () => true } = policy;
  return (ip) => mayConnect(ip) && (allowPrivatePeers || isPublicAddress(ip));
}

/** Resolves a name to those of its addresses that may be connected to: the very ones that are then used. */
function checkedLookup(policy: DialPolicy): LookupFunction {
  const { resolve = resolveBySystem } = policy;
  const mayConnect = ruleOf(policy);
  return (name, options, done) => {
    const answer = (found: readonly ResolvedAddress[]): void => {
      const usable = found.filter(({ address, family }) => isIP(address) === family);
      const allowed = usable.filter(({ address }) => mayConnect(address)).slice(0, ADDRESSES_TRIED);
      const [first] = allowed;
      if (first === undefined) return done(new Error(forbidden(listed(usable), policy)), '');
      if (options.all === true) return done(null, [...allowed]);
      return done(null, first.address, first.family);
    };
    const fail = (error: unknown): void => {
      done(error instanceof Error ? error : new Error(messageOf(error)), '');
    };
    resolve(name).then(answer, fail);
  };
}

function resolveBySystem(name: string): Promise<readonly ResolvedAddress[]> {
  return lookup(name, { all: true });
}

function forbidden(target: string, { allowPrivatePeers = true }: DialPolicy): string {
  const why = `this node may not connect to ${target}`;
  return allowPrivatePeers ? why : `${why}: only addresses of the public internet are allowed`;
}

function listed(found: readonly ResolvedAddress[]): string {
  const [...addresses] = found.slice(0, ADDRESSES_TRIED).map(({ address }) => address);
  return addresses.join(', ') || 'a name without addresses';
}
