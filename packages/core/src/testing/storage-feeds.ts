/** Entries of honest origins, for suites that test a storage: feeds are made entry by entry, spans by number. */

import { batchKey, sealBatch } from '../batch.js';
import { concatBytes } from '../bytes.js';
import { writeChange } from '../change.js';
import { sealEntry, type Header } from '../entry.js';
import { feedKey } from '../feed.js';
import { parseTenant, timelineScope, type TenantId } from '../identity.js';
import { createTools } from '../node/system.js';
import { checkSpan, parseSpanId, type Span, type SpanId } from '../span.js';
import type { AcceptedEntry, StoreRecord, Withheld } from '../storage.js';
import { bytes } from './disk-contract.js';

const tools = createTools();
export const DAY_MS = 86_400_000;
const LATEST = '\xff';

/** An honest origin's feed, made entry by entry. */
export class Feed {
  seq = 0;
  readonly #scope;
  readonly #keyPair;
  readonly #epoch = bytes('an epoch');
  #last: AcceptedEntry | undefined;

  constructor(name: string, origin: number) {
    this.#scope = timelineScope(tenant(name));
    this.#keyPair = tools.crypto.keyPair(new Uint8Array(32).fill(origin));
  }

  get key(): AcceptedEntry['key'] {
    return feedKey(this.#scope, this.#keyPair.publicKey, this.#epoch);
  }

  /** An entry with spans of these numbers; the stamp is so many milliseconds after the beginning of a day. */
  next(
    numbers: readonly number[],
    options: { readonly doc?: number; readonly ms?: number; readonly title?: string } = {},
  ): AcceptedEntry {
    const { publicKey: origin } = this.#keyPair;
    const seq = ++this.seq;
    const spans = numbers.map((n) => spanOf(n, options.title ?? 'a span'));
    const doc = options.doc ?? this.#last?.header.doc ?? 1;
    const stamp = { ms: 20_000 * DAY_MS + (options.ms ?? seq), count: 0 };
    const place = { scope: this.#scope, origin, epoch: this.#epoch, seq, prev: this.#last?.hash };
    const header: Header = { ...place, heads: [], stamp, doc, count: spans.length };
    const number = seq - doc + 1;
    const change = writeChange(
      {
        actor: concatBytes([origin, this.#epoch]),
        seq: number,
        startOp: number,
        dep: number === 1 ? undefined : this.#last?.changeHash,
        key: batchKey(origin, this.#epoch, seq),
        value: sealBatch(spans, tools),
        replaces: undefined,
      },
      tools,
    );
    const sealed = sealEntry(header, change.bytes, { keyPair: this.#keyPair, crypto: tools.crypto });
    const sizes = { changeHash: change.hash, changeBytes: change.bytes.length };
    this.#last = { key: this.key, header, spans, statements: [], assertions: [], ...sealed, ...sizes };
    return this.#last;
  }
}

export function asRecord(entry: AcceptedEntry): StoreRecord {
  return { kind: 'entry', entry };
}

/** A fork above which nothing is held. */
export function forkRecord(
  key: AcceptedEntry['key'],
  seq: number,
  proof: readonly Uint8Array[],
): StoreRecord {
  return { kind: 'fork', key, seq, proof, withheld: { clip: undefined, entries: 0, spans: 0 } };
}

/** A bar, or with no `from` the end of one, and what it makes of the feed. */
export function barRecord(
  key: AcceptedEntry['key'],
  from: number | undefined,
  withheld: Withheld,
): StoreRecord {
  const bar = from === undefined ? undefined : { from, reason: 'revoked' as const, provisional: false };
  return { kind: 'bar', key, bar, withheld };
}

export function tenant(name: string): TenantId {
  return parseTenant(name) ?? fail();
}

/** Spans of ascending numbers have ascending instants. */
function spanOf(n: number, title: string): Span {
  const id = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
  const timestamp = `2025-10-03T22:00:00.${String(n).padStart(9, '0')}Z`;
  const members = { id, timestamp, logline_id: 'logline-id://person/alice', title };
  const checked = checkSpan(tools.text.encode(JSON.stringify(members)), tools);
  return checked.ok ? checked.span : fail();
}

export function idOf(n: number): SpanId {
  return parseSpanId(`00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`) ?? fail();
}

export function numberOf(id: SpanId | undefined): number | undefined {
  return id === undefined ? undefined : id.charCodeAt(14) * 256 + id.charCodeAt(15);
}

export function rowKey(row: { readonly instant: string; readonly id: string } | undefined): string {
  return row === undefined ? LATEST : row.instant + row.id;
}

export function fail(): never {
  throw new Error('the contract itself is mistaken');
}
