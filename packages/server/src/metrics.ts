/** Figures for Prometheus: the four that the specification names, and those that operators ask for next. */

import type { NodeEvent, PeerInfo, Replication } from '@logline/federation-core';
import { Counter, Histogram, Registry } from 'prom-client';
import { expiryWarning } from './certificate-expiry.js';
import { registerFamily, type Sample } from './metric-family.js';
import { registerNodeMetrics, type NodeView, type Watched } from './node-metrics.js';
import { ReplicationMetrics } from './replication-metrics.js';
import { SharedReport } from './shared-report.js';

const SYNC_SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 5, 15, 60, 300];
const LATENCY_SECONDS = [0.0005, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const HTTP_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 15];
/** More distinct peers than this are counted together: what others cause must not grow memory. */
const RELATIONSHIPS_REMEMBERED = 10_000;

export class Metrics {
  readonly #registry = new Registry();
  readonly #syncSeconds = new Histogram({
    name: 'federation_sync_duration_seconds',
    help: 'Timeline sync duration, per peer',
    labelNames: ['outcome'],
    buckets: SYNC_SECONDS,
    registers: [this.#registry],
  });
  readonly #latencySeconds = new Histogram({
    name: 'federation_network_latency_seconds',
    help: 'Network latency to connected peers, sampled at every heartbeat',
    buckets: LATENCY_SECONDS,
    registers: [this.#registry],
  });
  readonly #relationships = new Counter({
    name: 'federation_trust_relationships_total',
    help: 'Trust relationships ever made, as far as this process knows',
    registers: [this.#registry],
  });
  readonly #linksRefused = new Counter({
    name: 'federation_links_refused_total',
    help: 'Links that ended before both sides trusted each other, by reason',
    labelNames: ['code'],
    registers: [this.#registry],
  });
  readonly #linkFaults = new Counter({
    name: 'federation_link_faults_total',
    help: 'Links and handshakes that the transport ended for a fault, by what it was',
    labelNames: ['code'],
    registers: [this.#registry],
  });
  readonly #httpSeconds = new Histogram({
    name: 'federation_http_request_duration_seconds',
    help: 'Requests by route and status class; streams are counted when they end',
    labelNames: ['method', 'route', 'status'],
    buckets: HTTP_SECONDS,
    registers: [this.#registry],
  });
  readonly #callersRefused = new Counter({
    name: 'federation_callers_refused_total',
    help: 'Requests that showed nothing by which the node knows their caller',
    registers: [this.#registry],
  });
  readonly #related = new Set<string>();
  /** For every entry: plain numbers, and labels from closed lists. */
  readonly #gated = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  /** For those alone who may know whose timelines are here. */
  readonly #ofTenants = new Registry();
  readonly #replication = new ReplicationMetrics({ all: this.#registry, tenants: this.#ofTenants });
  #view: NodeView | undefined;
  #report: SharedReport<readonly Replication[]> | undefined;

  constructor() {
    const families = [
      ['federation_entries_gated_total', 'Entries from peers, by what the gate said', 'outcome', this.#gated],
      [
        'federation_entries_refused_total',
        'Entries for which a peer was cut off, by the check',
        'check',
        this.#refused,
      ],
    ] as const;
    for (const [name, help, label, tally] of families) {
      const read = (): readonly Sample[] => [...tally].map(([value, times]) => [{ [label]: value }, times]);
      registerFamily(this.#registry, { name, help, type: 'counter', read });
    }
  }

  /** Figures that are read off the node when somebody asks. */
  watch(watched: Watched): void {
    const { view } = watched;
    this.#view = view;
    this.#report = new SharedReport(() => view.node.replication());
    registerNodeMetrics(this.#registry, watched);
    this.noteRelationships(view.peers);
  }

  /** For nodes that have a certificate: an alert compares it with the time. */
  watchCertificate(endsMs: number): void {
    const isNear = (): boolean => expiryWarning(endsMs, Date.now()) !== undefined;
    const families = [
      [
        'federation_certificate_expiry_timestamp_seconds',
        "When the node's own certificate expires, since the unix epoch",
        () => endsMs / 1000,
      ],
      ['federation_certificate_expires_soon', '1 when that is within 30 days', () => Number(isNear())],
    ] as const;
    for (const [name, help, value] of families)
      registerFamily(this.#registry, { name, help, type: 'gauge', read: () => [[{}, value()]] });
  }

  onEvent(event: NodeEvent): void {
    switch (event.kind) {
      case 'entry_gated':
        return count(this.#gated, event.outcome);
      case 'entry_refused':
        return count(this.#refused, event.check);
      case 'link_refused':
        return this.#linksRefused.inc({ code: event.code });
      case 'link_fault':
        return this.#linkFaults.inc({ code: event.code });
      default:
        return undefined;
    }
  }

  /** Counts every peer with whom trust was mutual, once. */
  noteRelationships(peers: readonly PeerInfo[]): void {
    for (const { establishedAtMs, fingerprint } of peers) {
      if (establishedAtMs === undefined || fingerprint === undefined) continue;
      if (this.#related.has(fingerprint) || this.#related.size >= RELATIONSHIPS_REMEMBERED) continue;
      this.#related.add(fingerprint);
      this.#relationships.inc();
    }
  }

  noteLatencies(peers: readonly PeerInfo[]): void {
    for (const { latencyMs, status } of peers)
      if (status === 'connected' && latencyMs !== undefined) this.#latencySeconds.observe(latencyMs / 1000);
  }

  noteCallerRefused(): void {
    this.#callersRefused.inc();
  }

  noteSync(outcome: string, ms: number): void {
    this.#syncSeconds.observe({ outcome }, ms / 1000);
  }

  /** `route` is a route's path as it is registered: what callers write must not become a label. */
  noteRequest(
    request: { readonly method: string; readonly route: string; readonly status: number },
    ms: number,
  ): void {
    const { method, route, status } = request;
    this.#httpSeconds.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, ms / 1000);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** `tenants`: whether the reader may know whose timelines are here. */
  async text({ tenants }: { readonly tenants: boolean }): Promise<string> {
    if (this.#view !== undefined) {
      this.#view.look();
      this.noteRelationships(this.#view.peers);
      // A log that cannot be read somewhere is told by other figures, and must not take those along.
      const rows = (await this.#report?.get().catch(() => [])) ?? [];
      this.#replication.take(rows, Date.now());
    }
    const text = await this.#registry.metrics();
    return tenants ? `${text}\n${await this.#ofTenants.metrics()}` : text;
  }
}

function count(tally: Map<string, number>, value: string): void {
  tally.set(value, (tally.get(value) ?? 0) + 1);
}
