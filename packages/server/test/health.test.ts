// What the health says, for each thing that can be amiss: pure facts in, sections and reasons out.
import test from 'ava';
import type { PeerInfo } from '@logline/federation-core';
import { assess, type HealthFacts } from '../dist/health.js';

const GIB = 2 ** 30;
const NOW_MS = Date.UTC(2026, 0, 1);

const BOB = {
  status: 'connected',
  trustLevel: 'verified',
  latencyMs: 12.34,
  skewMs: 3,
} as unknown as PeerInfo;
const WELL: HealthFacts = {
  peers: [BOB],
  status: { pendingSyncs: 0, peersInSync: [], lastSyncMs: NOW_MS, readOnly: undefined },
  disk: { indexBytes: 1, freeBytes: 50 * GIB, totalBytes: 100 * GIB },
  certificateEndsMs: undefined,
  nowMs: NOW_MS,
};

type Change = Partial<HealthFacts> & { readonly peer?: Partial<PeerInfo> };

function statesOf({ peer = {}, ...facts }: Change): Record<string, string> {
  const { sections } = assess({ ...WELL, peers: [{ ...BOB, ...peer }], ...facts });
  return Object.fromEntries(Object.entries(sections).map(([name, { status }]) => [name, status]));
}

const ALL_WELL = {
  connectivity: 'ok',
  sync: 'ok',
  trust: 'ok',
  latency: 'ok',
  disk: 'ok',
  certificate: 'none',
};

test('where nothing is amiss every section says so, and there is no reason', (t) => {
  t.deepEqual(statesOf({}), ALL_WELL);
  t.deepEqual(assess(WELL).reasons, []);
  t.like(assess(WELL).sections.latency, { median_ms: 12.3, max_ms: 12.3 });
});

const CASES: readonly (readonly [
  what: string,
  change: Change,
  states: object,
  reason: RegExp | undefined,
])[] = [
  [
    'a peer is away',
    { peer: { status: 'disconnected', latencyMs: undefined } },
    { connectivity: 'degraded', latency: 'unknown' },
    /^1 of 1 listed peers/,
  ],
  [
    'a revoked peer is away',
    { peer: { status: 'disconnected', trustLevel: 'revoked', latencyMs: undefined } },
    { latency: 'unknown' },
    undefined,
  ],
  ['a peer lacks something', { status: { ...WELL.status, pendingSyncs: 1 } }, { sync: 'behind' }, undefined],
  [
    'a key waits for the operator',
    { peer: { unconfirmedFingerprint: 'x' as never } },
    { trust: 'waiting' },
    /confirm/,
  ],
  ['peers answer slowly', { peer: { latencyMs: 1_500 } }, { latency: 'slow' }, /1500 ms/],
  ["a peer's clock is off", { peer: { skewMs: -61_000 } }, {}, /clocks of 1 peers/],
  [
    'little room is left for the size of the disk',
    { disk: { indexBytes: 1, freeBytes: 4 * GIB, totalBytes: 100 * GIB } },
    { disk: 'low' },
    /4096 MiB left/,
  ],
  [
    'little room is left',
    { disk: { indexBytes: 1, freeBytes: GIB / 8, totalBytes: GIB } },
    { disk: 'low' },
    /128 MiB left/,
  ],
  [
    'a twentieth of a huge disk is left',
    { disk: { indexBytes: 1, freeBytes: 40 * GIB, totalBytes: 1000 * GIB } },
    {},
    undefined,
  ],
  ['nobody can say how much room is left', { disk: undefined }, { disk: 'unknown' }, undefined],
  [
    'the disk has failed',
    { status: { ...WELL.status, readOnly: 'EIO at some path' } },
    { disk: 'read_only' },
    undefined,
  ],
  [
    'the certificate ends soon',
    { certificateEndsMs: NOW_MS + 86_400_000 },
    { certificate: 'expiring' },
    /cert issue/,
  ],
  ['the certificate has ended', { certificateEndsMs: NOW_MS - 1 }, { certificate: 'expired' }, /expired/],
  [
    'the certificate is good',
    { certificateEndsMs: NOW_MS + 300 * 86_400_000 },
    { certificate: 'ok' },
    undefined,
  ],
];

for (const [what, change, states, reason] of CASES) {
  test(`the health tells it in the right section, and why, when ${what}`, (t) => {
    t.deepEqual(statesOf(change), { ...ALL_WELL, ...states });
    const { peer = {}, ...facts } = change;
    const { reasons, sections } = assess({ ...WELL, peers: [{ ...BOB, ...peer }], ...facts });
    t.is(reasons.length, reason === undefined ? 0 : 1, reasons.join());
    if (reason !== undefined) t.regex(reasons[0] ?? '', reason);
    t.false(JSON.stringify(sections).includes('path'));
  });
}
