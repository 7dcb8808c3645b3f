/** What discovery finds is bounded, counts for as long as it says, and is dialled ever more seldom where it leads to nothing. */

import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { Candidates, FINDING_METHODS, type Found, type Moment } from '../dist/discovery.js';
import { LIMITS } from '../dist/limits.js';
import { alice, bob } from './forge.js';

const MINUTE = 60_000;
const nobodyIsKept = (): boolean => false;

function moment(ms: number): Moment {
  return { monotonicMs: ms, wallMs: ms + 1_000_000_000_000 };
}

function found(n: number, more: Partial<Found> = {}): Found {
  const address = `ws://10.0.${n >> 8}.${n & 255}:8080/v1/federation`;
  return { method: 'broadcast', address, name: `node-${n}`, hint: undefined, ttlMs: 2 * MINUTE, ...more };
}

function addressesOf(candidates: Candidates): readonly string[] {
  return [...candidates].map(({ address }) => address);
}

test('a finding counts for as long as it says, by every method that tells of it', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  const { address } = found(1);
  t.true(candidates.take(found(1), 'ours', moment(0)));
  t.true(candidates.take(found(1, { method: 'dns', ttlMs: 10 * MINUTE }), 'unsaid', moment(0)));
  t.is(candidates.size, 1, 'one address is one candidate');
  t.is(candidates.at(address)?.kinship, 'ours', 'what is known of it stays');
  candidates.expire(moment(2 * MINUTE));
  t.deepEqual([...(candidates.at(address)?.found.keys() ?? [])], ['dns']);
  candidates.expire(moment(10 * MINUTE - 1));
  t.is(candidates.size, 1);
  candidates.expire(moment(10 * MINUTE));
  t.is(candidates.size, 0);
});

test('what is taken back is gone, but not where a key has proven itself', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  for (const n of [1, 2]) candidates.take(found(n), 'ours', moment(0));
  const proven = candidates.at(found(2).address);
  if (proven === undefined) return t.fail('it is in the table');
  candidates.proven(proven, { key: bob.publicKey, name: 'bob' }, moment(0).wallMs);
  for (const n of [1, 2]) candidates.take(found(n, { ttlMs: 0 }), 'ours', moment(1));
  t.deepEqual(addressesOf(candidates), [found(2).address]);
  candidates.take(found(2, { name: 'mallory' }), 'ours', moment(2));
  t.is(proven.name, 'bob', 'a claim does not rename it');
  candidates.take(found(2, { ttlMs: 0 }), 'ours', moment(3));
  candidates.expire(moment(LIMITS.provenMs));
  t.deepEqual(addressesOf(candidates), [], 'nobody has met it there for too long');
});

test('another network’s announcements leave nothing behind', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  t.false(candidates.take(found(1), 'other', moment(0)));
  t.is(candidates.size, 0);
});

test('who refuses us is dialled ever more seldom, however often it is announced', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  const dials: number[] = [];
  // Announced every second of a day, by somebody who goes away and comes back at each minute.
  for (let ms = 0; ms < 24 * 60 * MINUTE; ms += 1_000) {
    candidates.take(found(1, { ttlMs: ms % MINUTE === 0 ? 0 : MINUTE }), 'ours', moment(ms));
    for (const candidate of candidates.due(ms)) {
      dials.push(ms);
      candidates.failed(candidate, 'stranger', { reason: 'refused', ...moment(ms) });
    }
  }
  t.true(dials.length > 4 && dials.length <= 10, `${dials.length} dials`);
});

test('the hint of our network is worth another look, once', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  candidates.take(found(1), 'unsaid', moment(0));
  const [candidate] = candidates.due(0);
  if (candidate === undefined) return t.fail('it is due');
  candidates.failed(candidate, 'stranger', { reason: 'refused', ...moment(0) });
  t.is(candidates.due(1).length, 0);
  candidates.take(found(1), 'ours', moment(1));
  t.is(candidates.due(1).length, 1);
  candidates.failed(candidate, 'stranger', { reason: 'refused', ...moment(1) });
  for (const kinship of ['unsaid', 'other', 'ours'] as const) candidates.take(found(1), kinship, moment(2));
  t.is(candidates.due(2).length, 0, 'to go back and forth gains nothing');
});

test('a flood displaces neither who has proven itself nor what shows the hint', (t) => {
  const candidates = new Candidates((key) => key === bob.publicKey);
  candidates.take(found(1), 'unsaid', moment(0));
  const kept = candidates.at(found(1).address);
  if (kept === undefined) return t.fail('it is in the table');
  candidates.proven(kept, { key: bob.publicKey, name: 'bob' }, moment(0).wallMs);
  candidates.failed(kept, 'unreachable', { reason: 'it sleeps', ...moment(0) });
  candidates.take(found(2), 'ours', moment(0));
  for (let n = 3; n < 2_000; n++) candidates.take(found(n), 'unsaid', moment(n));
  t.is(candidates.size, LIMITS.candidatesPerMethod);
  t.deepEqual(addressesOf(candidates).slice(0, 2), [found(1).address, found(2).address]);
  t.true(candidates.take(found(5_000), 'ours', moment(3_000)), 'there is room for one of ours');
});

test('members of the network who are not trusted cannot fill the table for good', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  for (let n = 0; n < LIMITS.candidatesPerMethod; n++) {
    candidates.take(found(n), 'ours', moment(0));
    const candidate = candidates.at(found(n).address);
    if (candidate === undefined) return t.fail('it is in the table');
    candidates.proven(candidate, { key: alice.publicKey, name: 'alice' }, moment(0).wallMs);
    candidates.failed(candidate, 'stranger', { reason: 'pending', ...moment(0) });
  }
  t.true(candidates.take(found(5_000), 'ours', moment(1)));
});

test('what was proven before a restart is there after it', (t) => {
  const candidates = new Candidates(nobodyIsKept);
  const { wallMs } = moment(0);
  candidates.restore(found(1).address, { key: bob.publicKey, name: 'bob', atMs: wallMs });
  candidates.expire(moment(MINUTE));
  t.is(candidates.due(0)[0]?.name, 'bob');
});

const step = fc.record({
  n: fc.nat(400),
  method: fc.constantFrom(...FINDING_METHODS),
  kinship: fc.constantFrom('ours', 'unsaid', 'other'),
  ttlMs: fc.constantFrom(0, 1_000, MINUTE, Number.MAX_SAFE_INTEGER),
  outcome: fc.constantFrom('nothing', 'unreachable', 'stranger', 'proven', 'reached'),
  afterMs: fc.nat(20_000),
});

testProp(
  'whatever is told, the table stays within its bounds and nobody is dialled sooner than a failure allows',
  [fc.array(step, { maxLength: 600 })],
  (t, steps) => {
    const candidates = new Candidates(nobodyIsKept);
    const failedAt = new Map<string, number>();
    let now = 0;
    for (const { n, method, kinship, ttlMs, outcome, afterMs } of steps) {
      now += afterMs;
      candidates.take(found(n, { method, ttlMs }), kinship, moment(now));
      t.true(candidates.size <= LIMITS.candidates);
      for (const candidate of candidates.due(now).slice(0, 2)) {
        const place = `${candidate.kinship} ${candidate.address}`;
        const last = failedAt.get(place);
        t.true(last === undefined || now - last >= LIMITS.scoutFirstMs, 'not again and again');
        if (outcome === 'proven')
          candidates.proven(candidate, { key: bob.publicKey, name: 'bob' }, moment(now).wallMs);
        if (outcome === 'reached') {
          candidates.reached(candidate);
          failedAt.delete(place);
        }
        if (outcome !== 'unreachable' && outcome !== 'stranger') continue;
        candidates.failed(candidate, outcome, { reason: 'no', ...moment(now) });
        failedAt.set(place, now);
      }
    }
    for (const method of FINDING_METHODS) {
      const told = [...candidates].filter((one) => one.foundBy === method);
      t.true(told.length <= LIMITS.candidatesPerMethod);
    }
  },
);
