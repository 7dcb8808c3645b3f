/** What stands in the log: entries as they are, and this node's own facts, forks and process starts. */

import { decodeCbor, encodeCbor, isBytes, isCborList, isCount, type Cbor } from '../cbor.js';
import { HASH_BYTES } from '../entry.js';
import { LoglineError } from '../errors.js';
import type { Bar, FeedKey } from '../feed.js';
import type { Tools } from '../ports.js';
import type { StoreRecord, Withheld } from '../storage.js';
import { describeEntry } from './describe.js';
import type { LogRecord } from './log.js';

export const RECORD_KIND = { entry: 1, fact: 2, fork: 3, run: 4, bar: 5 } as const;

export function encodeRecord(
  record: StoreRecord,
  tools: Tools,
): { readonly kind: number; readonly payload: Uint8Array } {
  switch (record.kind) {
    case 'entry':
      return { kind: RECORD_KIND.entry, payload: record.entry.bytes };
    case 'fact':
      return { kind: RECORD_KIND.fact, payload: encodeCbor([record.name, record.value]) };
    case 'fork': {
      const { seq, proof, withheld } = record;
      const key = tools.text.encode(record.key);
      return { kind: RECORD_KIND.fork, payload: encodeCbor([key, seq, proof, writeWithheld(withheld)]) };
    }
    case 'bar': {
      const { bar, withheld } = record;
      const key = tools.text.encode(record.key);
      return {
        kind: RECORD_KIND.bar,
        payload: encodeCbor([key, bar === undefined ? null : writeBar(bar), writeWithheld(withheld)]),
      };
    }
    default:
      return record satisfies never;
  }
}

/** A fork of which nobody has noted what it withholds: there were no bars when it was written. */
export type OldFork = Omit<Extract<StoreRecord, { kind: 'fork' }>, 'withheld'> & {
  readonly withheld: undefined;
};

/** `undefined` where a whole record makes no sense: the log is damaged in a way that its checksum missed. */
export function decodeRecord(record: LogRecord, tools: Tools): StoreRecord | OldFork | undefined {
  if (record.kind === RECORD_KIND.entry) {
    const entry = describeEntry(record.payload, tools);
    return entry === undefined ? undefined : { kind: 'entry', entry };
  }
  const list = decodeCbor(record.payload);
  if (!isCborList(list)) return undefined;
  const [first, second, third, fourth] = list;
  if (record.kind === RECORD_KIND.fact && typeof first === 'string' && second instanceof Uint8Array) {
    return { kind: 'fact', name: first, value: second };
  }
  const key = first instanceof Uint8Array ? (tools.text.decode(first) as FeedKey | undefined) : undefined;
  if (key === undefined) return undefined;
  if (record.kind === RECORD_KIND.fork) {
    if (!isCount(second) || !isCborList(third)) return undefined;
    const proof = third.filter((item) => item instanceof Uint8Array);
    if (list.length === 3) return { kind: 'fork', key, seq: second, proof, withheld: undefined };
    const withheld = readWithheld(fourth);
    if (withheld === undefined) return undefined;
    return { kind: 'fork', key, seq: second, proof, withheld };
  }
  if (record.kind === RECORD_KIND.bar) {
    const bar = readBar(second ?? null);
    const withheld = readWithheld(third);
    if (bar === null || withheld === undefined) return undefined;
    return { kind: 'bar', key, bar, withheld };
  }
  return undefined;
}

export function writeBar(bar: Bar): Cbor {
  return [bar.from, bar.reason, bar.provisional];
}

/** `undefined` stands for no bar, `null` for what is none. */
export function readBar(value: Cbor): Bar | undefined | null {
  if (value === null) return undefined;
  if (!isCborList(value)) return null;
  const [from, reason, provisional] = value;
  const isReason = reason === 'forked' || reason === 'revoked' || reason === 'rotated';
  if (!isCount(from) || !isReason || typeof provisional !== 'boolean') return null;
  return { from, reason, provisional };
}

function writeWithheld({ clip, entries, spans }: Withheld): Cbor {
  return [clip ?? null, entries, spans];
}

function readWithheld(value: Cbor | undefined): Withheld | undefined {
  if (!isCborList(value)) return undefined;
  const [clip, entries, spans] = value;
  if (!isCount(entries) || !isCount(spans)) return undefined;
  return { clip: isBytes(clip, HASH_BYTES) ? clip : undefined, entries, spans };
}

/** Why a whole record is not understood: damage, or a kind that only a later version writes. */
export function notUnderstood({ kind, position }: Pick<LogRecord, 'kind' | 'position'>): LoglineError {
  if (kind <= Math.max(...Object.values(RECORD_KIND))) return damagedAt(position);
  return new LoglineError(
    'bad_configuration',
    `the log holds a record of kind ${kind} at byte ${position}, which a newer version wrote: start that version again; the data is whole, so remove nothing`,
  );
}

export function damagedAt(position: number): LoglineError {
  return new LoglineError(
    'damaged',
    `the log does not hold a whole record at byte ${position}: check the disk, then restore the data directory from a copy or let the peers fill a new one`,
  );
}
