/** Names in a Host header that no stranger's DNS can point at this node: a page that was rebound to it shows its own. */

import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { isLoopback, isPrivate } from './addresses.js';

const OWN_NAME = hostname().toLowerCase();
/** Ends of names that the public DNS does not serve (RFC 6761, 6762, 8375, and ICANN's `internal`), and two that routers use. */
const INNER_ENDS = ['.local', '.localhost', '.internal', '.home.arpa', '.lan', '.localdomain'];

/** A name by which programs of this machine reach it through loopback. One with dots may be public, even if it is ours. */
export function isNameOfLoopback(host: string): boolean {
  const name = nameOf(host);
  if (isIP(name) !== 0) return isLoopback(name);
  return name === 'localhost' || (name === OWN_NAME && isLone(name));
}

/** A name by which programs of the local network reach it: a private address, or a name that means something there only. */
export function isNameOfNetwork(host: string): boolean {
  const name = nameOf(host);
  if (isIP(name) !== 0) return isPrivate(name);
  return isLone(name) || name === OWN_NAME || INNER_ENDS.some((end) => name.endsWith(end));
}

function nameOf(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/** A name without dots, such as a container's: nobody can register one. */
function isLone(name: string): boolean {
  return /^[a-z0-9_-]+$/.test(name);
}
