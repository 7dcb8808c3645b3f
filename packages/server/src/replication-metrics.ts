/** What is not replicated yet, by peer and by tenant: as few series as the caps allow, however many there are. */

import type { Replication } from '@logline/federation-core';
import type { Registry } from 'prom-client';
import { SERVER_LIMITS } from './limits.js';
import { registerFamily, type Labels, type Sample } from './metric-family.js';

/** Everything beyond the caps counts together under this name, which no node and no tenant has. */
const OTHERS = '(others)';

interface Behind {
  /** How old the oldest span is that is missing there; 0 where nothing is. */
  oldestSeconds: number;
  entries: number;
}

/** Names the first so many, and everybody else alike. */
export class Cap {
  readonly #most: number;
  readonly #named = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The same name for the same text, for as long as the process runs. */
  name(text: string): string {
    if (this.#named.has(text)) return text;
    if (this.#named.size >= this.#most) return OTHERS;
    this.#named.add(text);
    return text;
  }
}

export class ReplicationMetrics {
  readonly #peers = new Cap(SERVER_LIMITS.metricPeers);
  readonly #tenants = new Cap(SERVER_LIMITS.metricTenants);
  #byPeer: ReadonlyMap<string, readonly [Labels, Behind]> = new Map();
  #byTenant: ReadonlyMap<string, readonly [Labels, Behind]> = new Map();

  /** `tenants` is for those alone who may know whose timelines are here. */
  constructor(registries: { readonly all: Registry; readonly tenants: Registry }) {
    const { all, tenants } = registries;
    const what = [
      [
        'oldest_unreplicated_seconds',
        'Age of the oldest span that a peer has not confirmed',
        ({ oldestSeconds }: Behind) => oldestSeconds,
      ],
      ['unreplicated_entries', 'Entries that a peer has not confirmed', ({ entries }: Behind) => entries],
    ] as const;
    for (const [name, help, valueOf] of what) {
      const samples = (rows: ReadonlyMap<string, readonly [Labels, Behind]>): Sample[] =>
        [...rows.values()].map(([labels, behind]) => [labels, valueOf(behind)]);
      registerFamily(all, {
        name: `federation_${name}`,
        help: `${help}, by peer`,
        type: 'gauge',
        read: () => samples(this.#byPeer),
      });
      registerFamily(tenants, {
        name: `federation_tenant_${name}`,
        help: `${help}, by tenant and peer`,
        type: 'gauge',
        read: () => samples(this.#byTenant),
      });
    }
  }

  /** Takes what is true now; to be called before the registries are read. */
  take(rows: readonly Replication[], nowMs: number): void {
    const byPeer = new Map<string, readonly [Labels, Behind]>();
    const byTenant = new Map<string, readonly [Labels, Behind]>();
    for (const row of rows) {
      // A peer of which nothing is known yet is not behind by anything that is known.
      if (row.peerId === undefined || row.asOfMs === undefined) continue;
      const peer = this.#peers.name(row.peerId);
      add(byPeer, { peer }, row, nowMs);
      add(byTenant, { tenant: this.#tenants.name(row.tenant), peer }, row, nowMs);
    }
    this.#byPeer = byPeer;
    this.#byTenant = byTenant;
  }
}

function add(
  to: Map<string, readonly [Labels, Behind]>,
  labels: Labels,
  { missing, oldest }: Replication,
  nowMs: number,
): void {
  const key = JSON.stringify(labels);
  const [, behind] = to.get(key) ?? [labels, { oldestSeconds: 0, entries: 0 }];
  const seconds = oldest === undefined ? 0 : Math.max(0, nowMs - oldest.writtenAtMs) / 1000;
  behind.oldestSeconds = Math.max(behind.oldestSeconds, seconds);
  behind.entries += missing;
  to.set(key, [labels, behind]);
}
