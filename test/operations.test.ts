/** What operators are given, held to what a node really says: the page of figures, the dashboard and the alerts. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@logline/federation-server';
import test from 'ava';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** Of nodes that have a certificate, and of Prometheus itself. */
const ELSEWHERE = ['federation_certificate_expiry_timestamp_seconds', 'federation_certificate_expires_soon'];

let families: ReadonlySet<string> = new Set();

test.before(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'logline-operations-'));
  const server = await startServer({ dataDir, bindHost: '127.0.0.1', bindPort: 0, logLevel: 'silent' });
  try {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    families = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].flatMap(([, name]) => name ?? []));
  } finally {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** The figures that a text names, without what Prometheus makes of histograms. */
function named(text: string): readonly string[] {
  const names = text.match(/\b(?:federation|process)_[a-z0-9_]+/g) ?? [];
  return [
    ...new Set(names.map((name) => (families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')))),
  ];
}

function unknownIn(text: string): readonly string[] {
  return named(text).filter((name) => !families.has(name) && !ELSEWHERE.includes(name));
}

test('docs/operations.md explains exactly the figures that a node shows', (t) => {
  const [, table = ''] =
    /<!-- metrics -->\n([^]*?)<!-- end of metrics -->/.exec(read('docs/operations.md')) ?? [];
  t.deepEqual(unknownIn(table), []);
  const told = new Set(named(table));
  t.deepEqual(
    [...families].filter((name) => !told.has(name)),
    [],
  );
});

for (const path of ['deploy/grafana-dashboard.json', 'deploy/alerts.yml'])
  test(`every figure that ${path} asks for is one that a node shows`, (t) => {
    t.true(named(read(path)).length > 10);
    t.deepEqual(unknownIn(read(path)), []);
    t.deepEqual(unknownIn('federation_nonsense_total + federation_entries'), ['federation_nonsense_total']);
  });

test('the figures that the specification names are among them, and on the dashboard', (t) => {
  const shown = new Set(named(read('deploy/grafana-dashboard.json')));
  for (const name of [
    'federation_peers_connected',
    'federation_sync_duration_seconds',
    'federation_trust_relationships_total',
    'federation_network_latency_seconds',
  ])
    t.true(families.has(name) && shown.has(name), name);
});

test('the dashboard is one that Grafana can load: each panel has a place, a question and a name of its own', (t) => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
  }
  const { panels } = JSON.parse(read('deploy/grafana-dashboard.json')) as {
    readonly panels: readonly Panel[];
  };
  t.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  t.is(new Set(panels.map(({ title }) => title)).size, panels.length);
  for (const { type, title, gridPos, targets = [] } of panels) {
    t.true(gridPos.x + gridPos.w <= 24 && gridPos.h > 0, title);
    t.is(targets.length > 0, type !== 'row', title);
    t.is(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
  }
});

test('every alert says what is wrong and what to do', (t) => {
  const alerts = read('deploy/alerts.yml').split('- alert: ').slice(1);
  t.true(alerts.length > 10);
  for (const alert of alerts) {
    for (const part of ['expr: ', 'severity: ', 'summary: ', 'description: '])
      t.true(alert.includes(part), alert);
  }
});
