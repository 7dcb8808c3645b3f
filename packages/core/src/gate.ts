/** R5: the gate. Every entry from a peer passes all of these checks, cheapest first, or changes nothing. */

import { batchKey } from './batch.js';
import { concatBytes, equalBytes } from './bytes.js';
import { readChange, type Change } from './change.js';
import { countOf, openContent, type Content } from './content.js';
import {
  decodeHeader,
  hashOfEntry,
  hasKnownKeys,
  isSignedBy,
  readHeader,
  splitEntry,
  type EntryParts,
  type Header,
} from './entry.js';
import {
  contradictsNext,
  feedKeyOf,
  fitsSegment,
  positionOf,
  type Feed,
  type FeedKey,
  type OpenSegment,
  type Range,
} from './feed.js';
import { ACTS_SCOPE, statementsOfScope, tenantOfContent, tenantOfTimeline, type Scope } from './identity.js';
import { LIMITS } from './limits.js';
import type { Tools } from './ports.js';
import type { AcceptedEntry } from './storage.js';

/** What became of an entry. Only a `fault` closes the session. */
export type GateOutcome =
  | { readonly kind: 'accepted'; readonly entry: AcceptedEntry }
  /** Held already at this place: the shell compares `hash` with the stored one, for only a difference is a fork. */
  | {
      readonly kind: 'held';
      readonly key: FeedKey;
      readonly seq: number;
      readonly hash: Uint8Array;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'gap'; readonly key: FeedKey; readonly seq: number; readonly hash: Uint8Array }
  | { readonly kind: 'not_yet'; readonly reason: string }
  /** `bytes`, with what is held at `seq` or named by the next entry, shows that the origin signed two entries there. */
  | { readonly kind: 'fork'; readonly key: FeedKey; readonly seq: number; readonly bytes: Uint8Array }
  | { readonly kind: 'fault'; readonly check: GateCheck; readonly reason: string };

/** What the gate needs to know of the node. */
export interface GateWorld {
  readonly tools: Tools;
  /** Whether the sender may bring entries of a scope here. */
  readonly mayReceive: (scope: Scope) => boolean;
  /** Why an entry must stay out for now, whoever brings it: its origin's right, its feed's cut, or the room there is. */
  readonly refuses: (header: Header, feed: Feed) => string | undefined;
  readonly feed: (key: FeedKey) => Feed;
}

export type GateCheck = (typeof GATE_CHECKS)[number]['name'];

/** An entry on its way through the gate: each step adds what the next ones need. */
interface Candidate {
  readonly bytes: Uint8Array;
  readonly world: GateWorld;
  parts: EntryParts;
  map: NonNullable<ReturnType<typeof decodeHeader>>;
  header: Header;
  key: FeedKey;
  feed: Feed;
  range: Range | undefined;
  hash: Uint8Array;
  change: Change & { readonly hash: Uint8Array };
  content: Content;
}

type Step = (candidate: Candidate) => GateOutcome | string | undefined;

/**
 * The checks, in order. One answers nothing to let the entry pass, a reason to fault it, or another outcome.
 * Exported so that each can be removed in a test and its own test seen to fail.
 */
export const GATE_CHECKS = [
  { name: 'size', step: checkSize },
  { name: 'framing', step: readParts },
  { name: 'header_size', step: checkHeaderSize },
  { name: 'header_encoding', step: readHeaderMap },
  { name: 'header_keys', step: checkHeaderKeys },
  { name: 'scope', step: checkScope },
  { name: 'right', step: checkRight },
  { name: 'standing', step: checkStanding },
  { name: 'position', step: findPosition },
  { name: 'chain', step: checkChain },
  { name: 'segment', step: checkSegment },
  { name: 'key', step: checkKey },
  { name: 'signature', step: checkSignature },
  { name: 'junction', step: checkJunction },
  { name: 'change_shape', step: readCanonicalChange },
  { name: 'change_place', step: checkChangePlace },
  { name: 'content', step: readContent },
  { name: 'content_count', step: checkContentCount },
  { name: 'content_tenant', step: checkContentTenant },
] as const satisfies readonly { readonly name: string; readonly step: Step }[];

/** Checks one entry. Nothing is changed: the caller commits what was accepted. */
export function passGate(bytes: Uint8Array, world: GateWorld): GateOutcome {
  const candidate = { bytes, world } as Candidate;
  for (const { name, step } of GATE_CHECKS) {
    const answer = (step satisfies Step)(candidate);
    if (answer === undefined) continue;
    return typeof answer === 'string' ? { kind: 'fault', check: name, reason: answer } : answer;
  }
  const { header, key, hash, change, parts, content } = candidate;
  const entry = {
    key,
    header,
    hash,
    changeHash: change.hash,
    changeBytes: parts.change.length,
    bytes,
    spans: content.spans,
    statements: content.statements,
    assertions: content.assertions,
  };
  return { kind: 'accepted', entry };
}

function checkSize({ bytes }: Candidate): string | undefined {
  return bytes.length > LIMITS.entryBytes
    ? `entry of ${bytes.length} bytes, at most ${LIMITS.entryBytes}`
    : undefined;
}

function readParts(candidate: Candidate): string | undefined {
  const parts = splitEntry(candidate.bytes);
  if (parts === undefined) return 'the lengths of header and change do not add up to the entry';
  candidate.parts = parts;
  return undefined;
}

function checkHeaderSize({ parts }: Candidate): string | undefined {
  return parts.header.length > LIMITS.headerBytes ? `header of ${parts.header.length} bytes` : undefined;
}

function readHeaderMap(candidate: Candidate): string | undefined {
  const map = decodeHeader(candidate.parts.header);
  const header = map === undefined ? undefined : readHeader(map);
  if (map === undefined || header === undefined)
    return 'the header is not deterministic CBOR, or a member is out of its bounds';
  candidate.map = map;
  candidate.header = header;
  return undefined;
}

function checkHeaderKeys({ map }: Candidate): string | undefined {
  return hasKnownKeys(map) ? undefined : 'the header has members that this version does not know';
}

function checkScope({ header }: Candidate): string | undefined {
  const { scope } = header;
  if (scope === ACTS_SCOPE) return "a node's acts are its own: they are sent to nobody";
  return tenantOfContent(scope) === undefined && statementsOfScope(scope) === undefined
    ? 'the scope is none that this version knows'
    : undefined;
}

function checkRight({ header, world }: Candidate): GateOutcome | undefined {
  if (world.mayReceive(header.scope)) return undefined;
  return { kind: 'not_yet', reason: 'the tenant is not federated with this peer' };
}

function checkStanding({ header, world }: Candidate): GateOutcome | undefined {
  const reason = world.refuses(header, world.feed(feedKeyOf(header)));
  return reason === undefined ? undefined : { kind: 'not_yet', reason };
}

function findPosition(candidate: Candidate): GateOutcome | undefined {
  const { header, world, bytes } = candidate;
  const key = feedKeyOf(header);
  const feed = world.feed(key);
  const hash = hashOfEntry(candidate.parts, world.tools.crypto);
  candidate.key = key;
  candidate.feed = feed;
  candidate.hash = hash;
  const position = positionOf(feed, header);
  switch (position.kind) {
    case 'held':
      return { kind: 'held', key, seq: header.seq, hash, bytes };
    case 'barred':
      return { kind: 'not_yet', reason: `the feed is quarantined before this entry: ${position.reason}` };
    case 'gap':
      return { kind: 'gap', key, seq: header.seq, hash };
    case 'next':
      candidate.range = position.range;
      return undefined;
    case 'detached':
      return undefined;
    default:
      return position satisfies never;
  }
}

/** A signed entry that names another predecessor than the one held proves a fork there; an unsigned one proves nothing. */
function checkChain(candidate: Candidate): GateOutcome | string | undefined {
  const { header, range, key, bytes } = candidate;
  if (range === undefined || (header.prev !== undefined && equalBytes(header.prev, range.head.hash)))
    return undefined;
  return (
    checkKey(candidate) ?? checkSignature(candidate) ?? { kind: 'fork', key, seq: header.seq - 1, bytes }
  );
}

function checkSegment({ header, range, parts }: Candidate): string | undefined {
  if (header.doc === header.seq) return undefined;
  const open: OpenSegment | undefined = range?.head.segment;
  if (open === undefined || open.doc !== header.doc)
    return 'the entry goes on in a segment that is not the one open';
  const fits = fitsSegment(open, { ...header, changeBytes: parts.change.length });
  return fits ? undefined : 'the segment is full: the entry had to start another';
}

function checkKey({ header, world }: Candidate): string | undefined {
  return world.tools.crypto.isSafePublicKey(header.origin) ? undefined : 'the origin is no usable key';
}

function checkSignature({ header, hash, parts, world }: Candidate): string | undefined {
  if (isSignedBy(header.origin, hash, parts.signature, world.tools.crypto)) return undefined;
  return 'the signature does not verify';
}

/** A gap closes only if hashes meet. */
function checkJunction({ feed, header, hash, key, bytes }: Candidate): GateOutcome | undefined {
  return contradictsNext(feed, header.seq, hash) ? { kind: 'fork', key, seq: header.seq, bytes } : undefined;
}

function readCanonicalChange(candidate: Candidate): string | undefined {
  const change = readChange(candidate.parts.change, candidate.world.tools);
  if (change === undefined) return 'the change is not byte for byte what its canonical writer makes';
  candidate.change = change;
  return undefined;
}

/** R3 and R4: actor, numbers and dependency of the change follow from the entry's place, and from nothing else. */
function checkChangePlace({ header, range, change }: Candidate): string | undefined {
  const number = header.seq - header.doc + 1;
  const dep = number === 1 ? undefined : range?.head.changeHash;
  const sameDep =
    dep === undefined ? change.dep === undefined : change.dep !== undefined && equalBytes(dep, change.dep);
  const placed =
    equalBytes(change.actor, concatBytes([header.origin, header.epoch])) &&
    change.seq === number &&
    change.startOp === number &&
    change.key === batchKey(header.origin, header.epoch, header.seq) &&
    change.replaces === undefined;
  return placed && sameDep
    ? undefined
    : 'actor, numbers, key or dependency of the change are not those of its place';
}

function readContent(candidate: Candidate): string | undefined {
  const opened = openContent(candidate.change.value, candidate.header.scope, candidate.world.tools);
  if (!opened.ok) return opened.reason;
  candidate.content = opened;
  return undefined;
}

function checkContentCount({ header, content }: Candidate): string | undefined {
  const count = countOf(content);
  return count === header.count ? undefined : `${count} in it where the header says ${header.count}`;
}

/** A span that names a tenant names the one whose timeline this is. */
function checkContentTenant({ header, content }: Candidate): string | undefined {
  const tenant = tenantOfTimeline(header.scope);
  const stray = content.spans.find((span) => (span.tenant ?? tenant) !== tenant);
  return stray === undefined ? undefined : 'a span names another tenant than its timeline';
}
