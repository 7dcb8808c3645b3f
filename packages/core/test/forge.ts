/** People, spans and entries for tests: what honest nodes write, and ways to write it otherwise. */

import { sealAssertions, type Assertion } from '../dist/assertion.js';
import { batchKey, sealBatch } from '../dist/batch.js';
import { concatBytes } from '../dist/bytes.js';
import { writeChange, type Change } from '../dist/change.js';
import type { Stamp } from '../dist/clock.js';
import { encodeHeader, hashOfEntry, joinEntry, splitEntry, type Header } from '../dist/entry.js';
import { emptyFeed, extendFeed, feedKeyOf, type Feed, type FeedKey } from '../dist/feed.js';
import { passGate, type GateOutcome, type GateWorld } from '../dist/gate.js';
import { parseTenant, timelineScope, type Scope, type TenantId } from '../dist/identity.js';
import { createTools } from '../dist/node/system.js';
import type { KeyPair, Random } from '../dist/ports.js';
import { checkSpan, type Span } from '../dist/span.js';
import type { AcceptedEntry } from '../dist/storage.js';

export const tools = createTools();
export const DAY_MS = 86_400_000;
/** Noon of some day, so that a few hours more stay within it. */
export const NOON_MS = 20_000 * DAY_MS + DAY_MS / 2;

const DOMAIN = tools.text.encode('logline-federation/entry/1\0');

/** A person's key, the same in every run. */
export function person(name: string): KeyPair {
  return tools.crypto.keyPair(tools.crypto.sha256(tools.text.encode(name)));
}

export const alice = person('alice');
export const bob = person('bob');
export const carol = person('carol');

export const acme = tenant('acme');
export const ACME: Scope = timelineScope(acme);

export function tenant(name: string): TenantId {
  const parsed = parseTenant(name);
  if (parsed === undefined) throw new Error(`${name} is no name of a tenant`);
  return parsed;
}

/** Eight bytes that stand for one process start. */
export function epoch(n: number): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, i) => (n * 31 + i * 7 + 1) & 255);
}

/** Chance with a seed (xorshift32). */
export function seeded(seed: number): Random {
  let state = seed * 2_654_435_761 || 1;
  return {
    bytes: (length) =>
      Uint8Array.from({ length }, () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state & 255;
      }),
  };
}

/** The UUID of a number. */
export function uuid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** One span as JSON text; `more` adds members or replaces them. */
export function spanText(n: number, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    id: uuid(n),
    timestamp: `2025-10-03T22:00:00.${String(n).padStart(9, '0')}Z`,
    logline_id: 'logline-id://person/alice',
    title: `span ${n}`,
    ...more,
  });
}

export function span(n: number, more: Readonly<Record<string, unknown>> = {}): Span {
  const checked = checkSpan(tools.text.encode(spanText(n, more)), tools);
  if (!checked.ok) throw new Error(checked.reason);
  return checked.span;
}

/** What an entry is made of. Everything follows from the rest unless it is given. */
export interface Draft {
  readonly spans?: readonly Span[];
  /** Instead of spans, in a feed of annotations. */
  readonly assertions?: readonly Assertion[];
  readonly stamp?: Stamp;
  /** `seq` of the first entry of the segment; by default the segment goes on. */
  readonly doc?: number;
  readonly header?: Partial<Header>;
  readonly change?: Partial<Change>;
  /** Replaces the batch. */
  readonly value?: Uint8Array;
  /** Replaces the change's bytes, or makes others of them. */
  readonly changeBytes?: (canonical: Uint8Array) => Uint8Array;
  /** Replaces the header's bytes. The signature covers the new ones. */
  readonly headerBytes?: (canonical: Uint8Array) => Uint8Array;
  /** Who signs, if not the writer. */
  readonly signer?: KeyPair;
}

/** An entry as it was written, with what the next one needs of it. */
export interface Forged {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly header: Header;
  readonly changeHash: Uint8Array;
  readonly changeBytes: number;
  readonly spans: readonly Span[];
  readonly assertions: readonly Assertion[];
}

/** A feed under its writer's hands. `next` writes the entry after `last`; nothing is remembered but what was kept. */
export class Writer {
  readonly keyPair: KeyPair;
  readonly epoch: Uint8Array;
  readonly scope: Scope;
  /** Entries written with `write`, in order. */
  readonly written: Forged[] = [];

  constructor(
    keyPair: KeyPair,
    options: {
      readonly epoch?: Uint8Array;
      readonly scope?: Scope;
      readonly history?: readonly Forged[];
    } = {},
  ) {
    this.keyPair = keyPair;
    this.epoch = options.epoch ?? epoch(1);
    this.scope = options.scope ?? ACME;
    this.written.push(...(options.history ?? []));
  }

  /** Writes the next entry and goes on from it. */
  write(draft: Draft = {}): Forged {
    const forged = this.draft(draft);
    this.written.push(forged);
    return forged;
  }

  /** The next entry as it would be, without going on from it. */
  draft(draft: Draft = {}): Forged {
    const last = this.written.at(-1);
    const seq = (last?.header.seq ?? 0) + 1;
    const { assertions = [] } = draft;
    const spans = draft.spans ?? (draft.assertions === undefined ? [span(seq)] : []);
    const doc = draft.doc ?? last?.header.doc ?? 1;
    const origin = this.keyPair.publicKey;
    const number = seq - doc + 1;
    const header: Header = {
      scope: this.scope,
      origin,
      epoch: this.epoch,
      seq,
      prev: last?.hash,
      heads: [],
      stamp: draft.stamp ?? { ms: NOON_MS + seq, count: 0 },
      doc,
      count: spans.length + assertions.length,
      ...draft.header,
    };
    const change: Change = {
      actor: concatBytes([origin, this.epoch]),
      seq: number,
      startOp: number,
      dep: number === 1 ? undefined : last?.changeHash,
      key: batchKey(origin, this.epoch, seq),
      value: draft.value ?? (assertions.length > 0 ? sealAssertions(assertions) : sealBatch(spans, tools)),
      replaces: undefined,
      ...draft.change,
    };
    const canonical = writeChange(change, tools);
    const changeBytes = draft.changeBytes?.(canonical.bytes) ?? canonical.bytes;
    const headerBytes = encodeHeader(header);
    const signed = signEntry(
      draft.headerBytes?.(headerBytes) ?? headerBytes,
      changeBytes,
      draft.signer ?? this.keyPair,
    );
    const sizes = { changeHash: canonical.hash, changeBytes: changeBytes.length };
    return { ...signed, header, ...sizes, spans, assertions };
  }
}

/** Signs a header and a change, whatever they are. */
export function signEntry(
  header: Uint8Array,
  change: Uint8Array,
  signer: KeyPair,
): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
  const hash = tools.crypto.sha256(header, tools.crypto.sha256(change));
  const signature = tools.crypto.sign(concatBytes([DOMAIN, hash]), signer.secretKey);
  return { bytes: joinEntry(header, change, signature), hash };
}

/** The same entry with another signature. */
export function withSignature(entry: Uint8Array, change: (signature: Uint8Array) => Uint8Array): Uint8Array {
  const parts = splitEntry(entry);
  if (parts === undefined) throw new Error('no entry');
  return joinEntry(parts.header, parts.change, change(parts.signature));
}

export function hashOf(entry: Uint8Array): Uint8Array {
  const parts = splitEntry(entry);
  if (parts === undefined) throw new Error('no entry');
  return hashOfEntry(parts, tools.crypto);
}

/** A change with the checksum that its bytes call for. */
export function withChecksum(change: Uint8Array): Uint8Array {
  const changed = change.slice();
  changed.set(tools.crypto.sha256(changed.subarray(8)).subarray(0, 4), 4);
  return changed;
}

/** A node's side of the gate: it keeps what was accepted. */
export class Keeper {
  readonly accepted: AcceptedEntry[] = [];
  readonly world: GateWorld;
  readonly #feeds = new Map<FeedKey, Feed>();

  constructor(
    mayReceive: (scope: Scope) => boolean = () => true,
    refuses: GateWorld['refuses'] = () => undefined,
  ) {
    this.world = {
      tools,
      mayReceive,
      refuses,
      feed: (key) => this.#feeds.get(key) ?? emptyFeed(key),
    };
  }

  /** What the gate says of an entry, which is then forgotten. */
  judge(bytes: Uint8Array): GateOutcome {
    return passGate(bytes, this.world);
  }

  /** What the gate says, and it is kept where accepted. */
  take(bytes: Uint8Array): GateOutcome {
    const outcome = this.judge(bytes);
    if (outcome.kind === 'accepted') this.keep(outcome.entry);
    return outcome;
  }

  /** Notes a fork in every feed that is held. */
  fork(seq: number): void {
    for (const [key, feed] of this.#feeds) this.#feeds.set(key, { ...feed, forkedAt: seq });
  }

  keep(entry: AcceptedEntry): void {
    const feed = this.world.feed(entry.key);
    this.#feeds.set(entry.key, extendFeed(feed, entry));
    this.accepted.push(entry);
  }
}

/** An entry as the store takes it, from one that was written honestly. */
export function acceptedEntry(forged: Forged): AcceptedEntry {
  return { key: feedKeyOf(forged.header), statements: [], ...forged };
}
