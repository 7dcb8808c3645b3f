/** The messages of a session: deterministic CBOR in frames, compressed when that pays. PROTOCOL.md is the same in words. */

import { concatBytes, fromKey, toKey } from './bytes.js';
import { readPeers, writePeers, type Peers } from './acquaintance.js';
import {
  decodeCanonicalCbor,
  encodeCbor,
  isBytes,
  isCborList,
  isCborMap,
  isCount,
  type Cbor,
} from './cbor.js';
import { EPOCH_BYTES, HASH_BYTES, SIGNATURE_BYTES } from './entry.js';
import type { FeedKey } from './feed.js';
import {
  readFeedHoldings,
  readFeedKey,
  writeFeedHoldings,
  type FeedHoldings,
  type SeqRange,
} from './holdings.js';
import { isNodeName } from './identity.js';
import { LIMITS } from './limits.js';
import { readScopes, writeScopes, type Scopes } from './offer.js';
import type { Compression } from './ports.js';
import { readReadings, writeReadings, type Readings } from './reading-claim.js';

export const PROTOCOL_VERSION = '0.3.0';

/** Why a session ended, and the WebSocket close code that says so; 4400 and up are the link's own. Only the `bye` before it is believed. */
export const CLOSE_CODES = {
  going_away: 4000,
  fault: 4300,
  refused: 4301,
  revoked: 4302,
  pending: 4303,
  silent: 4308,
  name_taken: 4309,
  replaced: 4310,
  flow: 4313,
  self: 4321,
  version: 4326,
} as const;

export type ByeCode = keyof typeof CLOSE_CODES;

export interface Hello {
  readonly kind: 'hello';
  readonly version: string;
  /** The sender's node name: a label until the receiver has bound it to the key. */
  readonly name: string;
  /** "I trust your key": a session opens when both say so. */
  readonly verify: boolean;
  /** HMAC under the network key; see `networkProof`. */
  readonly proof: Uint8Array;
  /** The sender's wall clock, for its operator to compare. */
  readonly atMs: number;
  /** X.509 certificates in DER, the sender's own first; none where it goes by its key alone. */
  readonly certificates: readonly Uint8Array[];
  /** The entries by which earlier keys of the sender led to this one, oldest first; none where it has always had it. */
  readonly rotations: readonly Uint8Array[];
  /** Over the handshake hash, the role and the members above. */
  readonly signature: Uint8Array;
}

/** Holdings of all feeds with `lower <= key < upper`; an empty `upper` has no bound. `feeds` only where few enough to list. */
export interface ComparedRange {
  readonly lower: string;
  readonly upper: string;
  readonly digest: Uint8Array;
  readonly feeds: readonly FeedHoldings[] | undefined;
  /** Whether the sender waits for the receiver's own holdings of this range. */
  readonly reply: boolean;
}

export interface Holdings {
  readonly kind: 'holdings';
  /** What the receiver may do at the sender; `undefined` where it said so before and nothing changed. */
  readonly scopes: Scopes | undefined;
  /** Ascending and apart. */
  readonly ranges: readonly ComparedRange[];
  /** Names the comparison, so that its answer is known as such. */
  readonly round: number;
}

export interface WantedRange extends SeqRange {
  readonly key: FeedKey;
  /** The asker does not hold what comes before: begin at the first entry of a segment. */
  readonly aligned: boolean;
}

export interface Want {
  readonly kind: 'want';
  readonly ranges: readonly WantedRange[];
  /** Further bytes of entries that the sender of this has room for. */
  readonly creditBytes: number;
}

export interface Entries {
  readonly kind: 'entries';
  readonly entries: readonly Uint8Array[];
}

export interface Receipt {
  readonly kind: 'receipt';
  /** What the sender now holds durably of each feed. */
  readonly feeds: readonly FeedHoldings[];
  /** The process start that says so. */
  readonly run: Uint8Array;
  readonly atMs: number;
  readonly signature: Uint8Array;
}

export interface Ping {
  readonly kind: 'ping' | 'pong';
  readonly nonce: number;
}

export interface Bye {
  readonly kind: 'bye';
  readonly code: ByeCode;
  readonly reason: string;
}

export type Message = Hello | Holdings | Want | Entries | Receipt | Peers | Readings | Ping | Bye;

const PLAIN = 0;
const BROTLI = 1;
const REASON_CHARS = 500;
const VERSION = /^\d{1,4}\.\d{1,4}\.\d{1,4}$/;

/** Coding byte, then the message. */
export function encodeMessage(message: Message, compression: Compression): Uint8Array {
  const bytes = encodeCbor(toCbor(message));
  if (bytes.length >= LIMITS.compressFrameFromBytes) {
    const compressed = compression.compress(bytes);
    if (compressed.length < bytes.length) return concatBytes([Uint8Array.of(BROTLI), compressed]);
  }
  return concatBytes([Uint8Array.of(PLAIN), bytes]);
}

/** `undefined` for every frame that is not one message within its bounds. */
export function decodeMessage(frame: Uint8Array, compression: Compression): Message | undefined {
  if (frame.length > LIMITS.frameBytes) return undefined;
  const coded = frame.subarray(1);
  let bytes: Uint8Array | undefined;
  if (frame[0] === PLAIN) bytes = coded;
  else if (frame[0] === BROTLI) bytes = compression.decompress(coded, LIMITS.frameBytes);
  const value = bytes === undefined ? undefined : decodeCanonicalCbor(bytes);
  return isCborMap(value) ? fromCbor(value) : undefined;
}

/** What a hello's signature covers, beside the handshake hash and the role. */
export function helloBody(hello: Omit<Hello, 'signature' | 'kind'>): Uint8Array {
  const { version, name, verify, proof, atMs, certificates, rotations } = hello;
  return encodeCbor([version, name, verify, proof, atMs, certificates, rotations]);
}

/** What a receipt's signature covers. */
export function receiptBody(receipt: Omit<Receipt, 'signature' | 'kind'>): Uint8Array {
  return encodeCbor([receipt.feeds.map(writeFeedHoldings), receipt.run, receipt.atMs]);
}

function toCbor(message: Message): Cbor {
  switch (message.kind) {
    case 'hello': {
      const { version, name, verify, proof, atMs: at, certificates: certs, rotations, signature } = message;
      return { t: 'hello', version, name, verify, proof, at, certs, rotations, sig: signature };
    }
    case 'holdings':
      return {
        t: 'holdings',
        scopes: writeScopes(message.scopes),
        ranges: message.ranges.map((range) => [
          fromKey(range.lower),
          fromKey(range.upper),
          range.digest,
          range.feeds?.map(writeFeedHoldings) ?? null,
          range.reply,
        ]),
        round: message.round,
      };
    case 'want':
      return {
        t: 'want',
        ranges: message.ranges.map((range) => [fromKey(range.key), range.from, range.to, range.aligned]),
        credit: message.creditBytes,
      };
    case 'entries':
      return { t: 'entries', entries: message.entries };
    case 'receipt': {
      const { run, atMs, signature } = message;
      return { t: 'receipt', feeds: message.feeds.map(writeFeedHoldings), run, at: atMs, sig: signature };
    }
    case 'peers':
      return writePeers(message);
    case 'readings':
      return writeReadings(message);
    case 'ping':
    case 'pong':
      return { t: message.kind, n: message.nonce };
    case 'bye':
      return { t: 'bye', code: message.code, reason: message.reason.slice(0, REASON_CHARS) };
    default:
      return message satisfies never;
  }
}

function fromCbor(map: { readonly [key: string]: Cbor }): Message | undefined {
  switch (map['t']) {
    case 'hello':
      return readHello(map);
    case 'holdings':
      return readHoldings(map);
    case 'want':
      return readWant(map);
    case 'entries':
      return readEntries(map);
    case 'receipt':
      return readReceipt(map);
    case 'peers':
      return readPeers(map);
    case 'readings':
      return readReadings(map);
    case 'ping':
    case 'pong':
      return hasMembers(map, 2) && isCount(map['n']) ? { kind: map['t'], nonce: map['n'] } : undefined;
    case 'bye':
      return readBye(map);
    default:
      return undefined;
  }
}

function readHello(map: { readonly [key: string]: Cbor }): Hello | undefined {
  const { version, name, verify, proof, at: atMs, certs, rotations: keys, sig } = map;
  const certificates = readByteStrings(certs, LIMITS.certificates, LIMITS.certificateBytes);
  const rotations = readByteStrings(keys, LIMITS.rotations, LIMITS.rotationBytes);
  if (!hasMembers(map, 9) || certificates === undefined || rotations === undefined) return undefined;
  if (typeof version !== 'string' || !VERSION.test(version)) return undefined;
  if (typeof name !== 'string' || !isNodeName(name) || typeof verify !== 'boolean') return undefined;
  if (!isBytes(proof, HASH_BYTES) || !isCount(atMs) || !isBytes(sig, SIGNATURE_BYTES)) return undefined;
  return { kind: 'hello', version, name, verify, proof, atMs, certificates, rotations, signature: sig };
}

/** So many at most, and so many bytes of them together. */
function readByteStrings(
  value: Cbor | undefined,
  countMost: number,
  bytesMost: number,
): readonly Uint8Array[] | undefined {
  if (!isCborList(value) || value.length > countMost) return undefined;
  const strings = value.filter((item) => item instanceof Uint8Array);
  const bytes = strings.reduce((sum, { length }) => sum + length, 0);
  return strings.length === value.length && bytes <= bytesMost ? strings : undefined;
}

function readHoldings(map: { readonly [key: string]: Cbor }): Holdings | undefined {
  const { scopes, ranges, round } = map;
  if (!hasMembers(map, 4) || !isCount(round) || !isCborList(ranges)) return undefined;
  const offered = readScopes(scopes);
  if (offered === null || ranges.length > LIMITS.rangesPerComparison) return undefined;
  const compared: ComparedRange[] = [];
  for (const range of ranges) {
    const read = readComparedRange(range);
    const last = compared.at(-1);
    // Apart, so that a message never makes us look at anything twice.
    const isApart =
      last === undefined || (last.upper !== '' && read !== undefined && last.upper <= read.lower);
    if (read === undefined || !isApart) return undefined;
    compared.push(read);
  }
  return { kind: 'holdings', scopes: offered, ranges: compared, round };
}

function readComparedRange(value: Cbor): ComparedRange | undefined {
  if (!isCborList(value) || value.length !== 5) return undefined;
  const [lower, upper, digest, list, reply] = value;
  if (!(lower instanceof Uint8Array) || !(upper instanceof Uint8Array)) return undefined;
  if (lower.length > 512 || upper.length > 512 || !isBytes(digest, HASH_BYTES)) return undefined;
  if (typeof reply !== 'boolean') return undefined;
  const bounds = { lower: toKey(lower), upper: toKey(upper), digest, reply };
  if (bounds.upper !== '' && bounds.lower >= bounds.upper) return undefined;
  if (list === null) return { ...bounds, feeds: undefined };
  const feeds = readFeedList(list);
  if (feeds === undefined) return undefined;
  const inside = feeds.every(({ key }) => key >= bounds.lower && (bounds.upper === '' || key < bounds.upper));
  return inside ? { ...bounds, feeds } : undefined;
}

/** Ascending, each feed once. */
function readFeedList(value: Cbor | undefined): readonly FeedHoldings[] | undefined {
  if (!isCborList(value) || value.length > LIMITS.feedsPerMessage) return undefined;
  const feeds: FeedHoldings[] = [];
  for (const item of value) {
    const feed = readFeedHoldings(item);
    const last = feeds.at(-1);
    if (feed === undefined || (last !== undefined && feed.key <= last.key)) return undefined;
    feeds.push(feed);
  }
  return feeds;
}

function readWant(map: { readonly [key: string]: Cbor }): Want | undefined {
  const { ranges, credit } = map;
  if (!hasMembers(map, 3) || !isCborList(ranges) || ranges.length > LIMITS.rangesPerWant) return undefined;
  if (!isCount(credit) || credit > LIMITS.creditBytes) return undefined;
  const wanted: WantedRange[] = [];
  for (const item of ranges) {
    if (!isCborList(item) || item.length !== 4) return undefined;
    const key = readFeedKey(item[0]);
    const [, from, to, aligned] = item;
    if (key === undefined || !isCount(from) || from < 1 || !isCount(to) || to < from) return undefined;
    if (typeof aligned !== 'boolean') return undefined;
    wanted.push({ key, from, to, aligned });
  }
  return { kind: 'want', ranges: wanted, creditBytes: credit };
}

function readEntries(map: { readonly [key: string]: Cbor }): Entries | undefined {
  const { entries } = map;
  if (!hasMembers(map, 2) || !isCborList(entries) || entries.length === 0) return undefined;
  const list: Uint8Array[] = [];
  for (const entry of entries) {
    if (!(entry instanceof Uint8Array)) return undefined;
    list.push(entry);
  }
  return { kind: 'entries', entries: list };
}

function readReceipt(map: { readonly [key: string]: Cbor }): Receipt | undefined {
  const { feeds, run, at, sig } = map;
  const list = readFeedList(feeds);
  if (!hasMembers(map, 5) || list === undefined) return undefined;
  if (!isBytes(run, EPOCH_BYTES) || !isCount(at) || !isBytes(sig, SIGNATURE_BYTES)) return undefined;
  return { kind: 'receipt', feeds: list, run, atMs: at, signature: sig };
}

function readBye(map: { readonly [key: string]: Cbor }): Bye | undefined {
  const { code, reason } = map;
  if (!hasMembers(map, 3) || typeof code !== 'string' || !Object.hasOwn(CLOSE_CODES, code)) return undefined;
  if (typeof reason !== 'string' || reason.length > REASON_CHARS) return undefined;
  return { kind: 'bye', code: code as ByeCode, reason };
}

function hasMembers(map: { readonly [key: string]: Cbor }, count: number): boolean {
  return Object.keys(map).length === count;
}
