/** What verified peers tell each other of verified peers: a key, its name, and where it was reached. Hearsay, and no more. */

import { FEDERATION_PATH, parseAddress } from './address.js';
import { isBytes, isCborList, type Cbor } from './cbor.js';
import { KEY_BYTES } from './entry.js';
import { isNodeName } from './identity.js';
import { LIMITS } from './limits.js';

export interface Acquaintance {
  readonly key: Uint8Array;
  readonly name: string;
  /** In canonical form, and without a prefix before the path. */
  readonly address: string;
}

export interface Peers {
  readonly kind: 'peers';
  readonly peers: readonly Acquaintance[];
}

/** Nodes of earlier versions take the message for a fault. */
export function understandsPeers(version: string): boolean {
  return isSince(version, [0, 2, 0]);
}

/** Whether a version, three numbers with dots, is `since` or later. */
export function isSince(version: string, since: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const differs = since.findIndex((number, i) => number !== parts[i]);
  return differs < 0 || (parts[differs] ?? 0) > (since[differs] ?? 0);
}

/** Whether an address may be told on: who hears of it asks there for nothing but a node. */
export function isTellable(address: string): boolean {
  if (address.length > LIMITS.addressChars) return false;
  const parsed = parseAddress(address);
  const scheme = parsed?.secure === true ? 'wss' : 'ws';
  return parsed !== undefined && address === `${scheme}://${parsed.display}${FEDERATION_PATH}`;
}

export function writePeers({ peers }: Peers): Cbor {
  return { t: 'peers', peers: peers.map(({ key, name, address }) => [key, name, address]) };
}

/** `undefined` for whatever is no list of at most `acquaintances` of them, and nothing else. */
export function readPeers(map: { readonly [member: string]: Cbor }): Peers | undefined {
  const value = map['peers'];
  if (Object.keys(map).length !== 2 || !isCborList(value) || value.length > LIMITS.acquaintances)
    return undefined;
  const peers: Acquaintance[] = [];
  for (const item of value) {
    if (!isCborList(item) || item.length !== 3) return undefined;
    const [key, name, address] = item;
    if (!isBytes(key, KEY_BYTES) || typeof name !== 'string' || !isNodeName(name)) return undefined;
    if (typeof address !== 'string' || !isTellable(address)) return undefined;
    peers.push({ key, name, address });
  }
  return { kind: 'peers', peers };
}
