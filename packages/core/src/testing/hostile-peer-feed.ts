/** Entries as a hostile writer makes them: whole and honest where nothing is said, and with any part replaced where it is. */

import { batchKey } from '../batch.js';
import { concatBytes, toHex } from '../bytes.js';
import { writeChange, type Change } from '../change.js';
import type { Stamp } from '../clock.js';
import { decodeHeader, encodeHeader, joinEntry, readHeader, splitEntry, type Header } from '../entry.js';
import { feedKey, type FeedKey } from '../feed.js';
import type { FeedHoldings } from '../holdings.js';
import type { Scope } from '../identity.js';
import { createTools } from '../node/system.js';
import type { KeyPair } from '../ports.js';
import { sealStatements, type Statement } from '../statement.js';

const TOOLS = createTools();
const SIGNED = TOOLS.text.encode('logline-federation/entry/1\0');
const PLAIN = Uint8Array.of(0);

/** What an entry is made of. What is not given follows from the feed, as an honest writer would have it. */
export interface ForgedParts {
  /** Spans as JSON text, or as objects to be written as such. By default one new span. */
  readonly spans?: readonly (string | object)[];
  /** Members of the header to replace, `doc` (where the segment begins) and `stamp` among them. */
  readonly header?: Partial<Header>;
  /** Members of the change to replace. */
  readonly change?: Partial<Change>;
  /** Instead of spans, in a scope of statements such as `trust`. */
  readonly statements?: readonly Statement[];
  /** Replaces the value of the change: by default a byte 0 and the spans, a line each. */
  readonly value?: Uint8Array;
  /** Makes other bytes of the header. The signature covers the new ones. */
  readonly headerBytes?: (honest: Uint8Array) => Uint8Array;
  /** Makes other bytes of the change. The signature covers the new ones. */
  readonly changeBytes?: (honest: Uint8Array) => Uint8Array;
  /** Who signs, if not the origin. */
  readonly signer?: KeyPair;
  /** Makes another signature. */
  readonly signature?: (honest: Uint8Array) => Uint8Array;
}

/** An entry as it was made, with what the next one of its feed needs to know. */
export interface ForgedEntry {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly changeHash: Uint8Array;
  readonly header: Header;
  /** As they stand in the batch. */
  readonly lines: readonly string[];
}

export interface HostileFeedOptions {
  readonly keyPair: KeyPair;
  /** Such as `timeline/acme`. */
  readonly scope: string;
  /** 8 bytes that stand for one process start; random by default. */
  readonly epoch?: Uint8Array;
  /** Entries that the feed begins with: another history may follow on the same ones. */
  readonly history?: readonly ForgedEntry[];
}

/** A feed in its writer's hands. `draft` makes the entry that would be next, `write` goes on from it as well. */
export class HostileFeed {
  readonly keyPair: KeyPair;
  readonly scope: Scope;
  readonly epoch: Uint8Array;
  readonly key: FeedKey;
  readonly written: ForgedEntry[];

  constructor(options: HostileFeedOptions) {
    this.keyPair = options.keyPair;
    this.scope = options.scope as Scope;
    this.epoch = options.epoch ?? crypto.getRandomValues(new Uint8Array(8));
    this.key = feedKey(this.scope, this.keyPair.publicKey, this.epoch);
    this.written = [...(options.history ?? [])];
  }

  /** The next entry, and the feed goes on from it. */
  write(parts: ForgedParts = {}): ForgedEntry {
    const entry = this.draft(parts);
    this.written.push(entry);
    return entry;
  }

  /** So many honest entries of one span each. */
  writeMany(count: number): readonly ForgedEntry[] {
    return Array.from({ length: count }, () => this.write());
  }

  /** The next entry as it would be; the feed stays as it is. */
  draft(parts: ForgedParts = {}): ForgedEntry {
    const last = this.written.at(-1);
    const lines = (parts.spans ?? [newSpan()]).map(lineOf);
    const stamp: Stamp = { ms: Date.now(), count: 0 };
    const header: Header = {
      scope: this.scope,
      origin: this.keyPair.publicKey,
      epoch: this.epoch,
      seq: (last?.header.seq ?? 0) + 1,
      prev: last?.hash,
      heads: [],
      stamp,
      // A segment of its own, so that no entry depends on the change of another.
      doc: (last?.header.seq ?? 0) + 1,
      count: parts.statements?.length ?? lines.length,
      ...parts.header,
    };
    const number = header.seq - header.doc + 1;
    const change: Change = {
      actor: concatBytes([header.origin, header.epoch]),
      seq: number,
      startOp: number,
      dep: number === 1 ? undefined : last?.changeHash,
      key: batchKey(header.origin, header.epoch, header.seq),
      value: parts.value ?? valueOf(lines, parts.statements),
      replaces: undefined,
      ...parts.change,
    };
    const written = writeChange(change, TOOLS);
    const changeBytes = parts.changeBytes?.(written.bytes) ?? written.bytes;
    const headerBytes = parts.headerBytes?.(encodeHeader(header)) ?? encodeHeader(header);
    const hash = TOOLS.crypto.sha256(headerBytes, TOOLS.crypto.sha256(changeBytes));
    const { secretKey } = parts.signer ?? this.keyPair;
    const honest = TOOLS.crypto.sign(concatBytes([SIGNED, hash]), secretKey);
    const bytes = joinEntry(headerBytes, changeBytes, parts.signature?.(honest) ?? honest);
    return { bytes, hash, changeHash: written.hash, header, lines };
  }

  /** The same feed, cut after entry `seq`: what is written on it is another history. */
  branch(seq: number): HostileFeed {
    const { keyPair, scope, epoch } = this;
    return new HostileFeed({ keyPair, scope, epoch, history: this.written.slice(0, seq) });
  }

  /** What one who holds all of it says; with `seq`, a claim to hold more or less than there is. */
  holdings(claim: { readonly seq?: number; readonly hash?: Uint8Array } = {}): FeedHoldings {
    const last = this.written.at(-1);
    const to = claim.seq ?? last?.header.seq ?? 1;
    const entry = this.written.find(({ header }) => header.seq === to);
    const hash = claim.hash ?? entry?.hash ?? TOOLS.crypto.sha256(this.epoch);
    return { key: this.key, ranges: [{ from: 1, to, hash }] };
  }
}

/** The header of an entry that an honest node sent. */
export function headerOf(entry: Uint8Array): Header {
  const parts = splitEntry(entry);
  const map = parts === undefined ? undefined : decodeHeader(parts.header);
  const header = map === undefined ? undefined : readHeader(map);
  if (header === undefined) throw new Error(`no entry: ${entry.length} bytes`);
  return header;
}

/** A change with the checksum that its bytes call for: as far as Automerge looks, it is whole. */
export function withChecksum(change: Uint8Array): Uint8Array {
  const mended = change.slice();
  mended.set(TOOLS.crypto.sha256(mended.subarray(8)).subarray(0, 4), 4);
  return mended;
}

/** A span with all that a span needs. */
export function newSpan(members: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    logline_id: 'logline-id://person/mallory',
    title: `hostile ${toHex(crypto.getRandomValues(new Uint8Array(4)))}`,
    ...members,
  };
}

function valueOf(lines: readonly string[], statements: readonly Statement[] | undefined): Uint8Array {
  if (statements !== undefined) return sealStatements(statements);
  return concatBytes([PLAIN, TOOLS.text.encode(lines.join('\n'))]);
}

function lineOf(span: string | object): string {
  return typeof span === 'string' ? span : JSON.stringify(span);
}
