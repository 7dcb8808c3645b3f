/** Hosts as doctor looks at them. */

import { isIP } from 'node:net';

export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '').toLowerCase();
  return plain === 'localhost' || plain.endsWith('.localhost') || plain === '::1' || plain.startsWith('127.');
}

/** The host of a peer's address, if it is a name that has to be resolved. */
export function nameIn(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const host = url?.hostname ?? '';
  return host === '' || host.startsWith('[') || isIP(host) !== 0 ? undefined : host;
}
