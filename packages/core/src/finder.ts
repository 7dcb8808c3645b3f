/** What a node needs of the world to be found and to find others, and the file in which it remembers whom it met where. */

import { parseAddress } from './address.js';
import { decodeCbor, encodeCbor, isBytes, isCborList, isCount } from './cbor.js';
import type { Candidate, Found } from './discovery.js';
import { KEY_BYTES } from './entry.js';
import { isNodeName } from './identity.js';
import { LIMITS } from './limits.js';

/** What a node announces of itself. */
export interface Advert {
  /** Tells two nodes of one name apart; lower-case letters, digits and dashes, fit for a DNS label. */
  readonly label: string;
  /** `logline-id://node/<name>`. */
  readonly id: string;
  /** Of the protocol. */
  readonly version: string;
  readonly hint: string;
  readonly port: number;
}

export interface FindReport {
  readonly found: readonly Found[];
  /** What was in the way, and what to check. */
  readonly errors: readonly string[];
}

/** A way to find nodes without an operator. */
export interface Finder {
  readonly method: 'broadcast' | 'dns';
  /** Names the one who is told of what is seen between the searches. */
  watch(onFound: (found: readonly Found[]) => void): void;
  /** Looks now, for so long at most. What it still remembers may do unless `fresh`. Never rejects. */
  find(options: { readonly timeoutMs: number; readonly fresh: boolean }): Promise<FindReport>;
  /** Says where this node is, from now on and in place of what it said before. Rejects with what to check. */
  announce(advert: Advert): Promise<void>;
  /** Takes the announcement back, in its own time but not for long. */
  close(): Promise<void>;
}

/** A small durable file. */
export interface Notebook {
  /** `undefined` where there is none yet. */
  read(): Promise<Uint8Array | undefined>;
  /** Replaces the content as a whole. */
  write(bytes: Uint8Array): Promise<void>;
}

/** How a node finds others, and where it remembers whom it met. */
export interface DiscoveryOptions {
  readonly finders: readonly Finder[];
  readonly notebook?: Notebook | undefined;
  /** Whether verified peers are told of each other, and listened to when they tell. */
  readonly exchange?: boolean | undefined;
}

/** An address at which a key has proven itself. */
export interface ProvenPlace {
  readonly address: string;
  readonly key: Uint8Array;
  readonly name: string;
  readonly atMs: number;
}

const NOTEBOOK_VERSION = 1;
const LABEL_CHARS = 40;

/** The name as far as DNS allows, and the beginning of the key: two nodes of one name do not get in each other's way. */
export function labelOf(name: string, key: Uint8Array): string {
  const words = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LABEL_CHARS);
  const mark = [...key.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${words.replaceAll(/^-+|-+$/g, '')}-${mark}`;
}

/** Addresses where somebody has proven to be of our network: what was only claimed is not worth remembering. */
export function writeNotebook(candidates: Iterable<Candidate>): Uint8Array {
  const places = [...candidates].flatMap(({ address, key, name, provenAtMs }) =>
    key === undefined || name === undefined || provenAtMs === undefined
      ? []
      : [[address, key, name, Math.max(0, Math.floor(provenAtMs))]],
  );
  return encodeCbor([NOTEBOOK_VERSION, places]);
}

/** `undefined` for what no version of this wrote; single places that are none are left out. */
export function readNotebook(bytes: Uint8Array): readonly ProvenPlace[] | undefined {
  const value = decodeCbor(bytes);
  if (!isCborList(value) || value[0] !== NOTEBOOK_VERSION || !isCborList(value[1])) return undefined;
  return value[1].slice(0, LIMITS.candidates).flatMap((item) => {
    if (!isCborList(item)) return [];
    const [address, key, name, atMs] = item;
    if (typeof address !== 'string' || parseAddress(address)?.url !== address) return [];
    if (!isBytes(key, KEY_BYTES) || typeof name !== 'string' || !isNodeName(name)) return [];
    return isCount(atMs) ? [{ address, key, name, atMs }] : [];
  });
}
