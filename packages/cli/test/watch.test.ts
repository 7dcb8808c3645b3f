// The live view: what it says changed, that it fits every screen, and that the terminal is given back.
import test from 'ava';
import type { Health, Node, SyncStatus } from 'logline-federation-client';
import picocolors from 'picocolors';
import { frameOf } from '../dist/watch/frame.js';
import { nextView, withTrouble, type Look } from '../dist/watch/view.js';
import { fakeNode, logline } from './harness.js';

const colors = picocolors.createColors(false);

function peer(name: string, members: Partial<Node> = {}): Node {
  return {
    id: `logline-id://node/${name}`,
    address: `ws://${name}`,
    status: 'connected',
    trust_level: 'verified',
    last_seen: null,
    latency_ms: 1,
    clock_skew_ms: 0,
    last_error: null,
    last_error_at: null,
    unconfirmed_fingerprint: null,
    next_dial_at: null,
    fingerprint: null,
    method: 'manual',
    in_sync: true,
    entries_received: 0,
    entries_sent: 0,
    ...members,
  };
}

function look(
  atMs: number,
  { health = {}, sync = {} }: { readonly health?: Partial<Health>; readonly sync?: Partial<SyncStatus> } = {},
): Look {
  return {
    atMs,
    health: {
      status: 'healthy',
      node_id: 'logline-id://node/alice',
      peers_connected: 1,
      last_sync: null,
      reasons: [],
      connectivity: { status: 'ok', peers_listed: 1, peers_connected: 1, peers_away: 0 },
      sync: { status: 'ok', pending_syncs: 0, peers_in_sync: 1, last_sync: null },
      trust: { status: 'ok', verified: 1, pending: 0, revoked: 0, unconfirmed_keys: 0 },
      latency: { status: 'ok', median_ms: 1, max_ms: 1, peers_skewed: 0 },
      disk: { status: 'ok', free_bytes: 1, total_bytes: 1 },
      certificate: { status: 'none', expires_at: null },
      ...health,
    },
    sync: {
      last_sync: null,
      pending_syncs: 0,
      sync_conflicts: 0,
      peers_in_sync: [],
      spans_total: 0,
      spans: {},
      read_only: null,
      peers: [],
      ...sync,
    },
  };
}

test('rates are what was added between two looks, and unknown after a new beginning', (t) => {
  const first = nextView(
    undefined,
    look(0, { sync: { spans_total: 10, spans: { acme: 10 }, peers: [peer('bob')] } }),
  );
  t.is(first.spansRate, undefined);
  const peers = [peer('bob', { entries_received: 8, entries_sent: 2 })];
  const second = nextView(
    first,
    look(2000, { sync: { spans_total: 30, spans: { acme: 20, new: 10 }, peers } }),
  );
  t.is(second.spansRate, 10);
  t.deepEqual(
    [...second.tenants],
    [
      ['acme', 5],
      ['new', 5],
    ],
  );
  t.deepEqual([...second.peers], [['ws://bob', { entriesIn: 4, entriesOut: 1 }]]);
  t.is(nextView(second, look(4000, { sync: { spans_total: 3 } })).spansRate, undefined);
});

test('what changed between two looks is said once', (t) => {
  const before = look(0, { sync: { peers: [peer('bob', { in_sync: false }), peer('carol'), peer('dora')] } });
  const after = look(1000, {
    health: { status: 'unhealthy', reasons: ['the disk is full'] },
    sync: {
      read_only: 'no space',
      sync_conflicts: 2,
      peers: [
        peer('bob'),
        peer('carol', { status: 'disconnected', last_error: 'gone', trust_level: 'revoked' }),
        peer('eve'),
      ],
    },
  });
  const view = nextView(nextView(undefined, before), after);
  const said = view.happened.map(
    ({ text, isBad }) => `${isBad ? 'bad' : 'good'}: ${text.replaceAll('logline-id://node/', '')}`,
  );
  t.deepEqual(said, [
    'bad: the node is unhealthy: the disk is full',
    'bad: the store is read-only: no space',
    'bad: 2 conflicts more are open',
    'good: bob is in sync',
    'bad: carol is gone: gone',
    'bad: carol is revoked',
    'good: eve is a new peer',
    'bad: dora is no peer any more',
  ]);
  t.is(nextView(view, { ...after, atMs: 2000 }).happened.length, said.length);
  const lost = withTrouble(withTrouble(view, { atMs: 3000, text: 'no answer' }), {
    atMs: 4000,
    text: 'no answer',
  });
  t.is(lost.happened.length, said.length + 1);
  t.is(nextView(lost, { ...after, atMs: 5000 }).happened.at(-1)?.text, 'the node answers again');
});

test('a screen of any size is never overrun, whatever a node calls itself', (t) => {
  const evil = `${'x'.repeat(500)}\u001b[2J\n`;
  const names = Array.from({ length: 60 }, (_, n) => `${n}${evil}`);
  const full = look(1000, {
    health: { node_id: evil, status: 'degraded', reasons: [evil, evil] },
    sync: {
      spans: Object.fromEntries(names.map((name) => [name, 5])),
      peers: names.map((name) => peer(name, { id: name, status: 'disconnected', last_error: evil })),
    },
  });
  const view = nextView(nextView(undefined, look(0)), full);
  for (const columns of [1, 2, 10, 40, 80, 200]) {
    for (const rows of [1, 2, 5, 12, 24, 100]) {
      const lines = frameOf(view, { columns, rows }, { colors, nowMs: 0 });
      t.true(lines.length <= rows, `${columns}x${rows}: ${lines.length} lines`);
      for (const one of lines) {
        t.true(one.length <= columns, `${columns}x${rows}: ${one.length} characters`);
        t.notRegex(one, /\p{Cc}/u);
      }
    }
  }
});

test('a usual screen shows node, tenants, peers and events, and those in trouble first', (t) => {
  const peers = [peer('bob'), peer('carol', { status: 'disconnected' })];
  const first = nextView(
    undefined,
    look(0, { sync: { spans: { acme: 1 }, spans_total: 1, peers: [peer('bob'), peer('carol')] } }),
  );
  const view = nextView(
    first,
    look(1000, { sync: { spans: { acme: 41 }, spans_total: 41, peers, sync_conflicts: 3 } }),
  );
  const text = frameOf(view, { columns: 140, rows: 30 }, { colors, nowMs: 1000 }).join('\n');
  t.regex(text, /^logline-id:\/\/node\/alice +1970-01-01 00:00:01/);
  t.regex(text, /peers 1\/2 +in sync 0 +pending 0 +conflicts 3 +spans 41 +40\/s/);
  t.regex(text, /TENANT[^]*acme +41 +40\/s/);
  t.regex(text, /PEER[^]*carol +disconnected[^]*bob +connected/);
  t.regex(text, /EVENTS[^]*carol is gone/);
  t.regex(text, /Ctrl-C ends it$/);
});

test('a program that watches gets an object for each look, also while the node is silent', async (t) => {
  let looks = 0;
  const { health, sync } = look(0);
  const node = await fakeNode(t, (request, response) => {
    const isHealth = request.url === '/health';
    if (isHealth) looks++;
    if (looks === 2) return void response.destroy();
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(isHealth ? health : sync));
  });
  const argv = ['watch', '--count', '3', '--interval', '0.1'];
  const { code, out } = await logline(node, [...argv, '--json']);
  t.is(code, 0);
  const seen = out
    .trimEnd()
    .split('\n')
    .map((json) => JSON.parse(json) as { readonly trouble: string | null });
  t.deepEqual(
    seen.map(({ trouble }) => trouble === null),
    [true, false, true],
  );
  looks = 2;
  t.regex(
    (await logline(node, argv)).out,
    /^\S+ {2}healthy {2}1 of 0 peers {2}0 conflicts {2}0 spans {2}0\/s$/m,
  );
});
