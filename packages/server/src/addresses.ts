/** Whose an address of a caller is: this machine's, or the local network's. */

import { BlockList, isIP } from 'node:net';

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

export function isLoopback(address: string): boolean {
  // The usual callers, without a search.
  return address === '127.0.0.1' || address === '::1' || isIn(LOOPBACK, address);
}

export function isPrivate(address: string): boolean {
  return isLoopback(address) || isIn(PRIVATE, address);
}

/** Whether a server that is bound there can be reached from this machine only. */
export function bindsLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || isLoopback(host);
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
