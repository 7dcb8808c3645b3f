/** Which IP addresses belong to the public internet: what a node may dial when private peers are not allowed. */

import { isIP, isIPv4 } from 'node:net';

/** First bytes and how many bits of them count, with what people call the range. */
type Range = readonly [first: readonly number[], bits: number, name: string];

/** IANA's registry of special IPv4 addresses, all but those that anyone on the internet may be reached at. */
const SPECIAL_V4: readonly Range[] = [
  [[0], 8, 'unspecified'],
  [[10], 8, 'private'],
  [[100, 64], 10, 'shared by a carrier'],
  [[127], 8, 'loopback'],
  [[169, 254], 16, 'link-local'],
  [[172, 16], 12, 'private'],
  [[192, 0, 0], 24, 'reserved'],
  [[192, 0, 2], 24, 'documentation'],
  [[192, 88, 99], 24, 'a 6to4 relay'],
  [[192, 168], 16, 'private'],
  [[198, 18], 15, 'benchmarking'],
  [[198, 51, 100], 24, 'documentation'],
  [[203, 0, 113], 24, 'documentation'],
  [[224], 4, 'multicast'],
  [[240], 4, 'reserved'],
];

/** Named for people; whatever else is outside 2000::/3 is refused as reserved. */
const SPECIAL_V6: readonly Range[] = [
  [Array.from({ length: 16 }, () => 0), 128, 'unspecified'],
  [[...Array.from({ length: 15 }, () => 0), 1], 128, 'loopback'],
  [[0xfc], 7, 'unique-local'],
  [[0xfe, 0x80], 10, 'link-local'],
  [[0xfe, 0xc0], 10, 'site-local'],
  [[0xff], 8, 'multicast'],
  [[0x20, 0x01, 0x00, 0x02, 0x00, 0x00], 48, 'benchmarking'],
  [[0x20, 0x01, 0x00, 0x10], 28, 'an overlay identifier'],
  [[0x20, 0x01, 0x00, 0x20], 28, 'an overlay identifier'],
  [[0x20, 0x01, 0x0d, 0xb8], 32, 'documentation'],
  [[0x3f, 0xff, 0x00], 20, 'documentation'],
];
const GLOBAL_V6: Range = [[0x20], 3, ''];

/** Where an IPv6 address carries an IPv4 address that the packet, or a copy of it, ends up at. */
const EMBEDDING: readonly (readonly [range: Range, v4At: number, inverted: boolean])[] = [
  [[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96, 'mapped'], 12, false],
  [[[0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96, 'NAT64'], 12, false],
  [[[0x20, 0x02], 16, '6to4'], 2, false],
  // Teredo: the server as it is, the client inverted.
  [[[0x20, 0x01, 0, 0], 32, 'Teredo'], 4, false],
  [[[0x20, 0x01, 0, 0], 32, 'Teredo'], 12, true],
];
/** ISATAP: these four bytes stand before the IPv4 address, with the local or the global bit. */
const ISATAP = [
  [0x00, 0x00, 0x5e, 0xfe],
  [0x02, 0x00, 0x5e, 0xfe],
];

/** Whether an IP address (no name, no brackets) is one of the public internet. What cannot be read is not. */
export function isPublicAddress(ip: string): boolean {
  return reasonAgainst(ip) === undefined;
}

/** What keeps an address from being public, such as `loopback`; `undefined` for a public one. */
export function reasonAgainst(ip: string): string | undefined {
  // A zone (`%eth0`) says that the address means something here only.
  if (isIP(ip) === 0 || ip.includes('%')) return 'not an address';
  return isIPv4(ip) ? reasonAgainstV4(ip.split('.').map(Number)) : reasonAgainstV6(bytesOfV6(ip));
}

function reasonAgainstV4(bytes: readonly number[]): string | undefined {
  return SPECIAL_V4.find((range) => isWithin(bytes, range))?.[2];
}

function reasonAgainstV6(bytes: readonly number[]): string | undefined {
  const special = SPECIAL_V6.find((range) => isWithin(bytes, range));
  if (special !== undefined) return special[2];
  const carried = EMBEDDING.filter(([range]) => isWithin(bytes, range));
  for (const [[, , name], at, inverted] of carried) {
    const quad = bytes.slice(at, at + 4).map((byte) => (inverted ? byte ^ 0xff : byte));
    const reason = reasonAgainstV4(quad);
    if (reason !== undefined) return `${name} of ${quad.join('.')}, which is ${reason}`;
  }
  if (carried.length > 0) return undefined;
  if (!isWithin(bytes, GLOBAL_V6)) return 'reserved';
  const isIsatap = ISATAP.some((mark) => mark.every((byte, index) => bytes[8 + index] === byte));
  return isIsatap ? reasonAgainstV4(bytes.slice(12)) : undefined;
}

function isWithin(bytes: readonly number[], [first, bits]: Range): boolean {
  for (let at = 0; at * 8 < bits; at++) {
    const rest = 8 * (at + 1) - bits;
    const mask = rest > 0 ? (0xff << rest) & 0xff : 0xff;
    if (((bytes[at] ?? 0) & mask) !== ((first[at] ?? 0) & mask)) return false;
  }
  return true;
}

/** The 16 bytes of an IPv6 address in any spelling that `isIP` takes. */
function bytesOfV6(ip: string): readonly number[] {
  const quadAt = ip.includes('.') ? ip.lastIndexOf(':') + 1 : ip.length;
  const quad = ip.slice(quadAt);
  const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number);
  const text =
    quad === '' ? ip : `${ip.slice(0, quadAt)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const [left = [], right = []] = text
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  const missing = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return [...left, ...missing, ...right].flatMap((group) => [group >> 8, group & 0xff]);
}
