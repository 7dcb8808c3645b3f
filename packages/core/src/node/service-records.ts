/** Services as DNS tells them (RFC 6763): what we say of ourselves in records, and what records say of others. */

import type { Answer, StringAnswer, SrvAnswer, TxtAnswer } from 'dns-packet';
import { parseAddress } from '../address.js';
import type { Found, FindingMethod } from '../discovery.js';
import type { Advert } from '../finder.js';
import { nodeIdOf, parseNodeId } from '../identity.js';

export const SERVICE = '_logline-fed._tcp';
const TXT_VERSION = '1';
/** Of one node; more are not looked at. */
const ADDRESSES_MAX = 4;
const PORT_MAX = 65_535;
const HINT = /^[\w-]{1,64}$/;

/** What a TXT record says of a node: each member once, unknown ones left out. */
export interface ServiceText {
  readonly name: string | undefined;
  readonly hint: string | undefined;
}

/** Where a node is, by records that may say anything. */
export interface ServicePlace {
  readonly method: FindingMethod;
  readonly port: number;
  /** IP addresses. */
  readonly addresses: readonly string[];
  readonly text: ServiceText | undefined;
  readonly ttlMs: number;
}

/** The strings of our TXT record. */
export function serviceText({ id, version, hint }: Advert): readonly string[] {
  return [`txtvers=${TXT_VERSION}`, `id=${id}`, `v=${version}`, `net=${hint}`];
}

/** `undefined` where the record is of another version of this format. */
export function readServiceText(strings: TxtAnswer['data']): ServiceText | undefined {
  const list = Array.isArray(strings) ? strings : [strings];
  const members = new Map<string, string>();
  for (const item of list) {
    const text = typeof item === 'string' ? item : item.toString('utf8');
    const at = text.indexOf('=');
    const key = text.slice(0, at).toLowerCase();
    // Of a member that comes twice the first one counts (RFC 6763 §6.4).
    if (at > 0 && !members.has(key)) members.set(key, text.slice(at + 1));
  }
  if ((members.get('txtvers') ?? TXT_VERSION) !== TXT_VERSION) return undefined;
  const id = parseNodeId(members.get('id') ?? '');
  const hint = members.get('net');
  // A hint that no node writes is another network's: to leave it out would make it nobody's.
  return { name: id?.slice(nodeIdOf('').length), hint: hint !== undefined && !HINT.test(hint) ? '' : hint };
}

/** The findings of a place: one for each address that could be dialled. */
export function findingsOf({ method, port, addresses, text, ttlMs }: ServicePlace): readonly Found[] {
  if (!Number.isInteger(port) || port < 1 || port > PORT_MAX) return [];
  const usable = addresses.filter((address) => !address.toLowerCase().startsWith('fe80:'));
  return [...new Set(usable)].slice(0, ADDRESSES_MAX).flatMap((ip) => {
    const address = parseAddress(`${ip.includes(':') ? `[${ip}]` : ip}:${port}`)?.url;
    return address === undefined ? [] : [{ method, address, name: text?.name, hint: text?.hint, ttlMs }];
  });
}

export function isSrv(answer: Answer): answer is SrvAnswer {
  return answer.type === 'SRV';
}

export function isTxt(answer: Answer): answer is TxtAnswer {
  return answer.type === 'TXT';
}

export function isAddress(answer: Answer): answer is StringAnswer {
  return answer.type === 'A' || answer.type === 'AAAA';
}

export function isPtr(answer: Answer): answer is StringAnswer {
  return answer.type === 'PTR';
}

/** DNS names are compared without regard to case. */
export function isSameName(a: string, b: string): boolean {
  return a.length === b.length && a.toLowerCase() === b.toLowerCase();
}
