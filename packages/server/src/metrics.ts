/** Figures for Prometheus: the four that the specification names, and a few more. */

import type { FederationNode, NodeEvent } from '@logline/federation-core';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

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
  readonly #gated = new Counter({
    name: 'federation_entries_gated_total',
    help: 'Entries from peers, by what the gate said',
    labelNames: ['outcome'],
    registers: [this.#registry],
  });
  readonly #spans = new Counter({
    name: 'federation_spans_stored_total',
    help: 'Spans made durable by this process, own and replicated',
    registers: [this.#registry],
  });
  readonly #linksRefused = new Counter({
    name: 'federation_links_refused_total',
    help: 'Links that ended before both sides trusted each other, by reason',
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

  /** Figures that are read off the node when somebody asks. */
  watch(node: FederationNode): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      const collect = function (this: Gauge): void {
        this.set(read());
      };
      this.#registry.registerMetric(new Gauge({ name, help, registers: [], collect }));
    };
    gauge('federation_peers_connected', 'Connected peers', () => connected(node).length);
    gauge('federation_peers_listed', 'Peers that this node dials', () => node.peers().length);
    gauge('federation_log_bytes', 'Size of the log', () => node.status().logBytes);
    gauge('federation_entries', 'Entries held', () => node.status().entries);
    gauge('federation_store_read_only', '1 when the disk has failed and nothing more is stored', () =>
      node.status().readOnly === undefined ? 0 : 1,
    );
    gauge('federation_store_waiting_jobs', 'Work that waits for the disk', () => node.status().waitingJobs);
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes', () => process.memoryUsage.rss());
    gauge('process_start_time_seconds', 'Start of the process since the unix epoch', () =>
      Math.round(performance.timeOrigin / 1000),
    );
    this.noteRelationships(node);
  }

  onEvent(event: NodeEvent): void {
    if (event.kind === 'entry_gated') this.#gated.inc({ outcome: event.outcome });
    else if (event.kind === 'spans_stored') this.#spans.inc(event.count);
    else if (event.kind === 'link_refused') this.#linksRefused.inc({ code: event.code });
  }

  /** Counts every peer with whom trust was mutual, once. */
  noteRelationships(node: FederationNode): void {
    for (const { establishedAtMs, fingerprint } of node.peers()) {
      if (establishedAtMs === undefined || fingerprint === undefined) continue;
      if (this.#related.has(fingerprint) || this.#related.size >= RELATIONSHIPS_REMEMBERED) continue;
      this.#related.add(fingerprint);
      this.#relationships.inc();
    }
  }

  noteLatencies(node: FederationNode): void {
    for (const { latencyMs } of connected(node))
      if (latencyMs !== undefined) this.#latencySeconds.observe(latencyMs / 1000);
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

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function connected(node: FederationNode): ReturnType<FederationNode['peers']> {
  return node.peers().filter((peer) => peer.status === 'connected');
}
