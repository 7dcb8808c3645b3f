/** Who may ask for what where no secret is configured: the connection decides, and a header can only speak against a caller. */

import type { IncomingMessage } from 'node:http';
import { isLoopback, isPrivate } from './addresses.js';
import { isNameOfLoopback, isNameOfNetwork } from './host-names.js';
import { HttpProblem } from './problem.js';

/** `open`: anyone, the route protects itself. `private`: the local network. `loopback`: this machine. */
export type Access = 'open' | 'private' | 'loopback';

/** As much of a request as the rule looks at. */
export interface Connection {
  readonly address: string;
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** By what a proxy or a gateway gives itself away; `undefined` where nothing does. */
  readonly relay: string | undefined;
}

/** What proxies add, each its own selection, and what the gateway says of its users. */
const RELAYING = [
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
  'x-user-id',
  'x-user-roles',
  'x-service-token',
];
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function connectionOf(request: IncomingMessage): Connection {
  const { headers } = request;
  return {
    address: request.socket.remoteAddress ?? '',
    method: request.method ?? 'GET',
    host: headers.host,
    origin: headers.origin,
    relay: relayIn(request),
  };
}

/** A proxy that adds nothing may still speak the version that no other client speaks, as nginx does unless told otherwise. */
function relayIn({ headers, httpVersion }: IncomingMessage): string | undefined {
  const header = RELAYING.find((name) => headers[name] !== undefined);
  if (header !== undefined) return `the header ${header}`;
  return httpVersion === '1.1' ? undefined : `HTTP/${httpVersion}`;
}

/** Whether the request comes from the local network, by all that it shows. */
export function isOfNetwork({ address, host, relay }: Connection): boolean {
  return isPrivate(address) && relay === undefined && host !== undefined && isNameOfNetwork(host);
}

/** Throws `forbidden` where nobody who connects like that may use a route. */
export function checkConnection(access: Access, caller: Connection): void {
  switch (access) {
    case 'open':
      break;
    case 'private':
      if (!isOfNetwork(caller)) throw refusal(whyNotOfNetwork(caller));
      break;
    case 'loopback':
      checkLoopback(caller);
      break;
    default:
      access satisfies never;
  }
  if (!SAFE_METHODS.has(caller.method)) checkOrigin(caller);
}

function whyNotOfNetwork(caller: Connection): string {
  if (!isPrivate(caller.address))
    return `this answers only to private network addresses, and the request came from ${caller.address}: ask from the node's own network`;
  if (caller.relay !== undefined) return relayed(caller.relay);
  return `the Host header names ${nameIn(caller)}, which public DNS may serve: use an IP address or a name of this network, or set FEDERATION_ADMIN_TOKEN and show it`;
}

function checkLoopback(caller: Connection): void {
  if (!isLoopback(caller.address)) {
    throw refusal(
      `this answers only to programs on the node's own machine while no caller is configured, and the request came from ${caller.address}: ask there, for example through ssh -L, or set FEDERATION_ADMIN_TOKEN`,
    );
  }
  if (caller.relay !== undefined) throw refusal(relayed(caller.relay));
  if (caller.host === undefined || !isNameOfLoopback(caller.host)) {
    throw refusal(
      `the Host header names ${nameIn(caller)}, which is not this machine: use localhost or 127.0.0.1, or set FEDERATION_ADMIN_TOKEN and show it`,
    );
  }
}

function relayed(by: string): string {
  return `a proxy or a gateway passed this request on, as ${by} shows, so the real caller may be anywhere: ask the node directly, or set FEDERATION_ADMIN_TOKEN, FEDERATION_SERVICE_TOKEN or FEDERATION_JWT_SECRET, so that callers can show who they are`;
}

function nameIn({ host }: Connection): string {
  return host === undefined ? 'nothing' : JSON.stringify(host.slice(0, 100));
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

function hostOfOrigin(origin: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/@]+)$/i.exec(origin)?.[1]?.toLowerCase();
}

export function refusal(detail: string): HttpProblem {
  return new HttpProblem('forbidden', detail);
}
