/** What stands in the log: entries as they are, and this node's own facts, forks and process starts. */

import { decodeCbor, encodeCbor, isCborList } from '../cbor.js';
import { LoglineError } from '../errors.js';
import type { FeedKey } from '../feed.js';
import type { Tools } from '../ports.js';
import type { StoreRecord } from '../storage.js';
import { describeEntry } from './describe.js';
import type { LogRecord } from './log.js';

export const RECORD_KIND = { entry: 1, fact: 2, fork: 3, run: 4 } as const;

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
      const key = tools.text.encode(record.key);
      return { kind: RECORD_KIND.fork, payload: encodeCbor([key, record.seq, record.proof]) };
    }
    default:
      return record satisfies never;
  }
}

/** `undefined` where a whole record makes no sense: the log is damaged in a way that its checksum missed. */
export function decodeRecord(record: LogRecord, tools: Tools): StoreRecord | undefined {
  if (record.kind === RECORD_KIND.entry) {
    const entry = describeEntry(record.payload, tools);
    return entry === undefined ? undefined : { kind: 'entry', entry };
  }
  const list = decodeCbor(record.payload);
  if (!isCborList(list)) return undefined;
  const [first, second, third] = list;
  if (record.kind === RECORD_KIND.fact && typeof first === 'string' && second instanceof Uint8Array) {
    return { kind: 'fact', name: first, value: second };
  }
  const isFork =
    record.kind === RECORD_KIND.fork && first instanceof Uint8Array && typeof second === 'number';
  if (isFork && isCborList(third)) {
    const proof = third.filter((item) => item instanceof Uint8Array);
    const key = tools.text.decode(first);
    return key === undefined ? undefined : { kind: 'fork', key: key as FeedKey, seq: second, proof };
  }
  return undefined;
}

export function damagedAt(position: number): LoglineError {
  return new LoglineError(
    'damaged',
    `the log does not hold a whole record at byte ${position}: check the disk, then restore the data directory from a copy or let the peers fill a new one`,
  );
}
