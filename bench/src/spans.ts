/** The workload: spans of some 630 bytes as JSON, of which 112 are random and cannot be compressed. */

import { randomBytes } from 'node:crypto';
import type { BenchSpan, Role } from './driver.js';

export const TENANT = 'acme';
const START_MS = Date.UTC(2025, 9, 9);
const STEP_MS = 137;
const POOL_BYTES = 64 * 1024;
/** Coprime to every power of ten, so that it visits each place of a history of such a length once. */
const STRIDE = 618_033_989;

let pool: Buffer = Buffer.alloc(0);
let taken = 0;

function random(count: number): Buffer {
  if (taken + count > pool.length) {
    pool = randomBytes(POOL_BYTES);
    taken = 0;
  }
  taken += count;
  return pool.subarray(taken - count, taken);
}

/** When the span at a place of the history says that it happened. */
export function timestampAt(place: number): string {
  return new Date(START_MS + place * STEP_MS).toISOString();
}

/** Ids are random UUIDs, as callers make them: the worst case for an index. */
export function makeSpan(role: Role, place: number): BenchSpan {
  return {
    id: uuidOf(random(16)),
    timestamp: timestampAt(place),
    logline_id: `logline-id://person/user-${place % 97}`,
    title: 'order updated',
    author: 'logline-id://app/ledger',
    did: 'update',
    this: `order/${(place * 7919) % 100_003}`,
    confirmed_by: 'logline-id://app/svc-ledger',
    if_ok: 'notify:customer',
    if_doubt: 'escalate:ops',
    if_not: 'rollback:order',
    status: 'executed',
    contract_id: 'tl-orders',
    seq: place,
    lamport: place * 2 + 1,
    data: { amount: ((place * 31) % 99_991) / 100, currency: 'EUR', note: `line ${place % 13}` },
    prev: random(32).toString('hex'),
    key: `ed25519:${role}-${'k'.repeat(24)}`,
    sig: random(64).toString('base64'),
  };
}

export function makeSpans(role: Role, from: number, count: number): readonly BenchSpan[] {
  return Array.from({ length: count }, (_, i) => makeSpan(role, from + i));
}

/** Spans of a history of `length`, in an order in which neighbours in time are far apart. */
export function makeShuffledSpans(
  role: Role,
  from: number,
  count: number,
  length: number,
): readonly BenchSpan[] {
  return Array.from({ length: count }, (_, i) => makeSpan(role, ((from + i) * STRIDE) % length));
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
