// What a scrape says, against what is known to have happened; and how many series there can be.
import test from 'ava';
import { Registry } from 'prom-client';
import { eventually } from '@logline/federation-core/testing';
import { Buckets, fingerprintOf, parseTenant, type Replication } from '@logline/federation-core';
import { registerBuckets } from '../dist/metric-family.js';
import { ReplicationMetrics } from '../dist/replication-metrics.js';
import { SharedReport } from '../dist/shared-report.js';
import { ACCESS, operator, user } from './callers.js';
import { get, post, spanOf } from './helpers.js';
import { ACME, befriend, join, shows } from './meeting.js';
import { scrape, seriesIn } from './scrape.js';

test('a scrape after a known workload equals the known numbers, on both sides', async (t) => {
  const alice = await join(t, 'alice');
  const bob = await join(t, 'bob');
  await befriend(alice, bob);
  await post(alice.url + ACME, JSON.stringify([1, 2, 3].map((n) => spanOf(n))));
  await post(alice.url + ACME, spanOf(4));
  await post(bob.url + ACME, spanOf(5));
  await shows(alice, [1, 2, 3, 4, 5]);
  await shows(bob, [1, 2, 3, 4, 5]);
  const is = (series: ReadonlyMap<string, number>, expected: Record<string, number>): void => {
    for (const [name, value] of Object.entries(expected)) t.is(series.get(name), value, name);
  };
  const [a, b] = await eventually('both have confirmed everything', async () => {
    const both = [await scrape(alice.url), await scrape(bob.url)] as const;
    const peers = [bob.node.id, alice.node.id];
    return (
      both.every((one, i) => one.get(`federation_unreplicated_entries{peer="${peers[i]}"}`) === 0) && both
    );
  });
  is(a, {
    federation_spans_written_total: 4,
    'federation_entries_written_total{scope="timeline"}': 2,
    federation_spans_received_total: 1,
    'federation_entries_received_total{scope="timeline"}': 1,
    federation_spans_sent_total: 4,
    'federation_entries_sent_total{scope="timeline"}': 2,
    'federation_peers{status="connected"}': 1,
    'federation_peers{status="disconnected"}': 0,
    'federation_known_nodes{trust_level="verified"}': 1,
    federation_peers_connected: 1,
    federation_trust_relationships_total: 1,
    'federation_http_request_duration_seconds_count{method="POST",route="/v1/timeline/spans",status="2xx"}': 2,
    'federation_quarantined_entries{reason="revoked"}': 0,
    federation_store_read_only: 0,
    [`federation_oldest_unreplicated_seconds{peer="${bob.node.id}"}`]: 0,
    [`federation_tenant_unreplicated_entries{tenant="acme",peer="${bob.node.id}"}`]: 0,
    [`federation_peer_buffered_bytes{peer="${bob.node.id}"}`]: 0,
    federation_commit_spans_sum: 5,
  });
  is(b, {
    federation_spans_written_total: 1,
    federation_spans_received_total: 4,
    federation_spans_sent_total: 1,
    federation_commit_spans_sum: 5,
  });
  t.is(a.get('federation_log_bytes'), alice.node.status().logBytes);
  t.is(a.get('federation_entries'), alice.node.status().entries);
  // One sync for each commit, and what opening the log needed.
  t.true(
    (a.get('federation_disk_sync_seconds_count') ?? 0) >= (a.get('federation_commit_jobs_count') ?? Infinity),
  );
  t.is(
    a.get('federation_replication_lag_seconds_count'),
    ['timeline', 'trust', 'access', 'annotations', 'acts'].reduce(
      (sum, scope) => sum + (a.get(`federation_entries_received_total{scope="${scope}"}`) ?? 0),
      0,
    ),
  );
  t.true((b.get('federation_message_bytes_total{direction="in",form="packed"}') ?? 0) > 500);
  t.true((a.get('federation_disk_free_bytes') ?? 0) > 0 && (a.get('federation_index_bytes') ?? 0) > 0);

  await bob.close();
  await post(alice.url + ACME, spanOf(6));
  await post(alice.url + ACME, spanOf(7));
  const alone = await eventually('the peer is away', async () => {
    const series = await scrape(alice.url);
    return series.get('federation_peers{status="connected"}') === 0 && series;
  });
  t.is(alone.get(`federation_unreplicated_entries{peer="${bob.node.id}"}`), 2);
  t.true((alone.get(`federation_oldest_unreplicated_seconds{peer="${bob.node.id}"}`) ?? 0) > 0);
});

test('tenants are named to those alone who may know of them', async (t) => {
  const alice = await join(t, 'alice', { access: ACCESS });
  const bob = await join(t, 'bob');
  await post(`${alice.url}/v1/trust/establish`, { peer_address: bob.url }, operator);
  await post(`${bob.url}/v1/trust/establish`, { peer_address: alice.url });
  await post(`${alice.url}/v1/timeline/spans?tenant_id=quiet-tenant`, spanOf(1), operator);
  const textFor = async (headers = {}): Promise<string> => (await get(`${alice.url}/metrics`, headers)).text;
  await eventually('the operator sees it', async () => (await textFor(operator)).includes('quiet-tenant'));
  t.false((await textFor()).includes('quiet-tenant'));
  t.false((await textFor(user({ scope: 'federation:read' }))).includes('quiet-tenant'));
});

function rowOf(tenant: string, peer: number, missing: number, ageMs: number): Replication {
  const id = parseTenant(tenant);
  if (id === undefined) throw new Error(tenant);
  const oldest = { key: '' as never, seq: 1, writtenAtMs: 1_000_000 - ageMs, spanId: undefined };
  return {
    tenant: id,
    peerId: `logline-id://node/peer-${peer}` as never,
    address: `ws://peer-${peer}/`,
    fingerprint: fingerprintOf(new Uint8Array(32).fill(peer)),
    isConnected: true,
    asOfMs: 1_000_000,
    entries: 10,
    confirmed: 10 - missing,
    missing,
    oldest: missing === 0 ? undefined : oldest,
  };
}

test('however many tenants and peers there are, the series are bounded, and nothing that is missing is left out', async (t) => {
  const [all, tenants] = [new Registry(), new Registry()];
  const metrics = new ReplicationMetrics({ all, tenants });
  const rows = Array.from({ length: 200 }, (_, tenant) =>
    Array.from({ length: 120 }, (_, peer) => rowOf(`tenant-${tenant}`, peer, 1, peer * 1_000)),
  ).flat();
  for (const order of [rows, rows.toReversed()]) {
    metrics.take(order, 1_000_000);
    const byPeer = [...seriesIn(await all.metrics())].filter(([name]) =>
      name.includes('unreplicated_entries'),
    );
    const byTenant = [...seriesIn(await tenants.metrics())].filter(([name]) =>
      name.includes('unreplicated_entries'),
    );
    t.is(byPeer.length, 51);
    t.is(byTenant.length, 51 * 51);
    for (const series of [byPeer, byTenant])
      t.is(
        series.reduce((sum, [, value]) => sum + value, 0),
        rows.length,
      );
    const ages = [...seriesIn(await all.metrics())].filter(([name]) => name.includes('oldest'));
    t.is(Math.max(...ages.map(([, seconds]) => seconds)), 119, 'the oldest of those that count together');
  }
});

test('a histogram of plain numbers reads as Prometheus expects it', async (t) => {
  const registry = new Registry();
  const buckets = new Buckets([5, 10]);
  for (const ms of [1, 5, 7, 100]) buckets.note(ms);
  registerBuckets(registry, { name: 'x_seconds', help: 'x', scale: 0.001 }, () => buckets);
  const series = seriesIn(await registry.metrics());
  t.deepEqual(Object.fromEntries(series), {
    'x_seconds_bucket{le="0.005"}': 2,
    'x_seconds_bucket{le="0.01"}': 3,
    'x_seconds_bucket{le="+Inf"}': 4,
    x_seconds_sum: 0.113,
    x_seconds_count: 4,
  });
});

test('a report that takes long is made once for all who ask, and seldom', async (t) => {
  let nowMs = 0;
  let made = 0;
  const waiting: (() => void)[] = [];
  const report = new SharedReport(
    async () => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      nowMs += 100;
      return ++made;
    },
    () => nowMs,
  );
  const asked = [report.get(), report.get(), report.get()];
  waiting[0]?.();
  t.deepEqual(await Promise.all(asked), [1, 1, 1]);
  nowMs += 1_999;
  t.is(await report.get(), 1, 'a hundred milliseconds of work last for two seconds');
  nowMs += 1;
  const again = report.get();
  waiting[1]?.();
  t.is(await again, 2);
});

test('a report that could not be made is tried again by whoever asks next', async (t) => {
  let isBroken = true;
  const report = new SharedReport(() =>
    isBroken ? Promise.reject(new Error('damaged')) : Promise.resolve(1),
  );
  await t.throwsAsync(() => report.get(), { message: 'damaged' });
  isBroken = false;
  t.is(await report.get(), 1);
});
