/** Who may ask for what where no secret is configured: the address of the socket decides, and never a header. */

import { hostname } from 'node:os';
import { BlockList, isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { HttpProblem } from './problem.js';

/** `open`: anyone, the route protects itself. `private`: the local network. `loopback`: this machine. */
export type Access = 'open' | 'private' | 'loopback';

/** As much of a request as the rule looks at. */
export interface Connection {
  readonly address: string;
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Whether a proxy says that it forwarded the request. */
  readonly forwarded: boolean;
}

/** What proxies add, each its own selection; one that adds none of them cannot be told from a program of this machine. */
const FORWARDING = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
];
const OWN_NAME = hostname().toLowerCase();
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

const LOOPBACK = listOf([
  ['127.0.0.0', 8],
  ['::1', 128],
]);
/** RFC 1918, link-local and unique local (RFC 4193), beside loopback. Carrier-grade NAT is shared with strangers, so it is not here. */
const PRIVATE = listOf([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 10],
]);

export function connectionOf(request: IncomingMessage): Connection {
  const { headers } = request;
  return {
    address: request.socket.remoteAddress ?? '',
    method: request.method ?? 'GET',
    host: headers.host,
    origin: headers.origin,
    forwarded: FORWARDING.some((name) => headers[name] !== undefined),
  };
}

export function isLoopback(address: string): boolean {
  // The usual callers, without a search.
  return address === '127.0.0.1' || address === '::1' || isIn(LOOPBACK, address);
}

export function isPrivate(address: string): boolean {
  return isLoopback(address) || isIn(PRIVATE, address);
}

/** Throws `forbidden` where nobody at that address may use a route. */
export function checkAddress(access: Access, caller: Connection): void {
  switch (access) {
    case 'open':
      break;
    case 'private':
      if (!isPrivate(caller.address)) {
        throw refusal(
          `this answers only to private network addresses, and the request came from ${caller.address}: ask from the node's own network`,
        );
      }
      break;
    case 'loopback':
      checkLoopback(caller);
      break;
    default:
      access satisfies never;
  }
  if (!SAFE_METHODS.has(caller.method)) checkOrigin(caller);
}

function checkLoopback(caller: Connection): void {
  if (!isLoopback(caller.address)) {
    throw refusal(
      `this answers only to programs on the node's own machine while no caller is configured, and the request came from ${caller.address}: ask there, for example through ssh -L, or set FEDERATION_ADMIN_TOKEN`,
    );
  }
  if (caller.forwarded) {
    throw refusal(
      'a proxy forwarded this request, so the real caller may be anywhere: ask the node directly, or do not expose this path in the proxy',
    );
  }
  if (caller.host !== undefined && !isOwnName(caller.host)) {
    throw refusal(
      `the Host header names ${JSON.stringify(caller.host.slice(0, 100))}, which is not this machine: use localhost or an IP address`,
    );
  }
}

/** A page of another site may send requests here, but its browser names the page's origin. */
function checkOrigin(caller: Connection): void {
  if (caller.origin === undefined) return;
  const host = hostOfOrigin(caller.origin);
  if (host === undefined || host !== caller.host?.toLowerCase()) {
    throw refusal(
      `the request came from a web page of ${JSON.stringify(caller.origin.slice(0, 100))}: web pages of other origins may not write here`,
    );
  }
}

/** A name that an attacker's DNS could point here is refused (DNS rebinding): literal addresses and our own names are not such. */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (name === 'localhost' || name === OWN_NAME) return true;
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

function hostOfOrigin(origin: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/@]+)$/i.exec(origin)?.[1]?.toLowerCase();
}

function refusal(detail: string): HttpProblem {
  return new HttpProblem('forbidden', detail);
}

function listOf(subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return list;
}

/** IPv4 addresses that IPv6 wraps (`::ffff:127.0.0.1`) are looked up as what they are. */
function isIn(list: BlockList, address: string): boolean {
  // Zone ids (fe80::1%eth0) name an interface and say nothing about whose address it is.
  const plain = address.split('%')[0] ?? '';
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}
