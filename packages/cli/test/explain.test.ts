// Where a span is, as an operator asks for it.
import test from 'ava';
import { parseTenant } from '@logline/federation-core';
import { eventually } from '@logline/federation-core/testing';
import { answering, KEY } from './answering.js';
import { lineOf, logline, startNode } from './harness.js';

const SPAN = '00000000-0000-4000-8000-000000000001';

test('a span is told to be there as soon as the peer has it for good', async (t) => {
  const tenants = ['acme'].flatMap((name) => parseTenant(name) ?? []);
  const [alice, bob] = await Promise.all([
    startNode(t, { name: 'alice', tenants }),
    startNode(t, { name: 'bob', tenants }),
  ]);
  await logline(bob, ['trust', 'add', '--peer', alice.url]);
  await logline(alice, ['trust', 'add', '--peer', bob.url, '--wait']);
  await logline(alice, ['trust', 'add', '--peer', '127.0.0.1:9']);
  await logline(alice, ['spans', 'import', '--tenant', 'acme'], { stdin: [Buffer.from(lineOf(1))] });
  const explain = ['explain', SPAN, '--tenant', 'acme'];
  await eventually('bob has said that he holds it', async () => {
    const { out } = await logline(alice, [...explain, '--peer', 'bob', '--json']);
    return /"state": "there"/.test(out);
  });
  const { code, out } = await logline(alice, explain);
  t.is(code, 0);
  t.regex(out, /^written by +logline-id:\/\/node\/alice /m);
  t.regex(out, /^logline-id:\/\/node\/bob +there/m);
  t.regex(out, /^ws:\/\/127\.0\.0\.1:9\S+ +not trusted/m);
  const one = await logline(alice, [...explain, '--peer', 'bob']);
  t.notRegex(one.out, /127\.0\.0\.1:9/);
  const unknown = await logline(alice, [...explain, '--peer', 'eve']);
  t.is(unknown.code, 1);
  t.regex(unknown.err, /knows no peer "eve": it knows logline-id:\/\/node\/bob, ws:/);
  const elsewhere = await logline(alice, ['explain', SPAN, '--tenant', 'other']);
  t.is(elsewhere.code, 1);
  t.regex(elsewhere.err, /not_found/);
});

test('a peer that reads a tenant otherwise is named in the status, with what to do', async (t) => {
  const row = { tenant_id: 'acme', fingerprint: KEY, differs: ['rules'], detail: 'follows other rules' };
  const { url } = await answering(t, {
    node_id: 'logline-id://node/alpha',
    status: 'healthy',
    reasons: [],
    peers_connected: 2,
    peers: [],
    last_sync: null,
    pending_syncs: 0,
    peers_in_sync: [],
    spans_total: 0,
    readings: [
      { ...row, peer_id: 'logline-id://node/beta', status: 'differs' },
      { ...row, peer_id: 'logline-id://node/gamma', status: 'agrees', differs: [], detail: null },
      { ...row, peer_id: null, status: 'differs', detail: 'one\u001b[2J' },
    ],
  });
  const { code, out } = await logline({ url }, ['status']);
  t.is(code, 0);
  t.regex(out, /^acme: logline-id:\/\/node\/beta follows other rules$/m);
  t.false(out.includes('gamma') || out.includes(String.fromCodePoint(27)));
  t.true(out.includes(`acme: ${KEY} one`));
});

test('each state has words of its own, and the detail says what to do', async (t) => {
  const states = ['there', 'sending', 'away', 'not_granted', 'not_taken', 'refused', 'not_trusted'];
  const { url, asked } = await answering(t, {
    span_id: SPAN,
    tenant_id: 'acme',
    origin: { fingerprint: KEY, node_id: null },
    written_at: '2025-01-01T00:00:00Z',
    epoch: '00a1',
    seq: 3,
    spans_of_entry: 1,
    bodies: 2,
    peers: states.map((state) => ({
      peer_id: `logline-id://node/${state}`,
      address: 'ws://x',
      fingerprint: KEY,
      state,
      as_of: null,
      detail: `do this about ${state}`,
    })),
  });
  const { out } = await logline({ url }, ['explain', SPAN]);
  for (const state of states) {
    t.true(out.includes(state.replace('_', ' ')), state);
    t.true(out.includes(`do this about ${state}`));
  }
  t.regex(out, /2 contents under this id/);
  t.is(asked[0]?.url, `/v1/timeline/spans/${SPAN}/explain`);
});

test('status lists what is not durably at a peer yet, the oldest first, and nothing that is', async (t) => {
  const row = (name: string, missing: number, ageMs: number): unknown => ({
    tenant_id: name,
    peer_id: 'logline-id://node/bob',
    address: 'ws://bob',
    fingerprint: KEY,
    connected: true,
    status: missing > 0 ? 'behind' : 'complete',
    as_of: null,
    entries: 9,
    entries_confirmed: 9 - missing,
    entries_missing: missing,
    oldest_missing: missing > 0 ? { span_id: SPAN, written_at: '2025-01-01T00:00:00Z', age_ms: ageMs } : null,
  });
  const peer = {
    id: 'bob',
    address: 'ws://bob',
    status: 'connected',
    trust_level: 'verified',
    latency_ms: null,
  };
  const { url } = await answering(t, {
    status: 'healthy',
    node_id: 'logline-id://node/alice',
    peers_connected: 1,
    last_sync: null,
    reasons: [],
    pending_syncs: 0,
    peers_in_sync: [],
    spans_total: 0,
    peers: [{ ...peer, last_error: null, last_seen: null, in_sync: true }],
    replication: [row('young', 1, 10), row('old', 2, 1000), row('whole', 0, 0)],
  });
  const { out } = await logline({ url }, ['status']);
  t.regex(out, /NOT YET AT[^]*old +2 of 9 [^]*young +1 of 9 /);
  t.notRegex(out, /whole/);
});
