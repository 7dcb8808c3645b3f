/** Figures of the node and its process, read off them when somebody asks. */

import {
  PROTOCOL_VERSION,
  SCOPE_KINDS,
  type FederationNode,
  type NodeStatus,
  type PeerInfo,
  type TrustLevel,
} from '@logline/federation-core';
import type { Registry } from 'prom-client';
import type { DiskWatch } from './disk-watch.js';
import { SERVER_LIMITS } from './limits.js';
import type { LoopDelay } from './loop-delay.js';
import { registerBuckets, registerFamily, type Family, type Sample } from './metric-family.js';
import { Cap } from './replication-metrics.js';
import { TRUST_LEVELS } from './schemas.js';

/** A node as it was when the figures were last asked for: many of them look at the same, and to look takes a while. */
export class NodeView {
  readonly node: FederationNode;
  #peers: readonly PeerInfo[];
  #status: NodeStatus;

  constructor(node: FederationNode) {
    this.node = node;
    this.#peers = node.peers();
    this.#status = node.status();
  }

  get peers(): readonly PeerInfo[] {
    return this.#peers;
  }

  get status(): NodeStatus {
    return this.#status;
  }

  look(): void {
    this.#peers = this.node.peers();
    this.#status = this.node.status();
  }
}

export interface Watched {
  readonly view: NodeView;
  readonly disk: DiskWatch;
  readonly loop: LoopDelay;
}

const STATUSES: readonly PeerInfo['status'][] = ['connected', 'connecting', 'disconnected'];
const REASONS = ['forked', 'revoked', 'rotated'] as const;
const S_PER_MS = 0.001;

export function registerNodeMetrics(registry: Registry, watched: Watched): void {
  const families = [
    ...peerFamilies(watched),
    ...movedFamilies(watched),
    ...storeFamilies(watched),
    ...processFamilies(watched),
  ];
  for (const family of families) registerFamily(registry, family);
  const { figures } = watched.view.node;
  const histograms = [
    [
      'federation_replication_lag_seconds',
      'From the writing of an entry at its origin to its being durable here',
      S_PER_MS,
      figures.lagMs,
    ],
    ['federation_disk_sync_seconds', 'Time the disk took to make a commit durable', S_PER_MS, figures.syncMs],
    ['federation_commit_jobs', 'Work that became durable together', 1, figures.commitJobs],
    ['federation_commit_spans', 'Spans that became durable together', 1, figures.commitSpans],
  ] as const;
  for (const [name, help, scale, buckets] of histograms)
    registerBuckets(registry, { name, help, scale }, () => buckets);
}

function peerFamilies({ view }: Watched): readonly Family[] {
  const named = new Cap(SERVER_LIMITS.metricPeers);
  const connected = (): readonly PeerInfo[] => view.peers.filter((peer) => peer.status === 'connected');
  const byPeer = (valuesOf: (peer: PeerInfo) => readonly Sample[]): readonly Sample[] =>
    summed(
      connected().flatMap((peer) => {
        const label = named.name(peer.id ?? peer.fingerprint ?? '');
        return valuesOf(peer).map(([labels, value]): Sample => [{ peer: label, ...labels }, value]);
      }),
    );
  return [
    gauge('federation_peers_connected', 'Connected peers', () => connected().length),
    gauge('federation_peers_listed', 'Peers that this node dials', () => view.peers.length),
    {
      name: 'federation_peers',
      help: 'Listed peers by state',
      type: 'gauge',
      read: () =>
        countsOf(
          'status',
          STATUSES,
          view.peers.map((peer) => peer.status),
        ),
    },
    {
      name: 'federation_known_nodes',
      help: 'Nodes that trust says something of, by level',
      type: 'gauge',
      read: () =>
        countsOf<TrustLevel>(
          'trust_level',
          TRUST_LEVELS,
          view.node.operator.relationships().map(({ level }) => level),
        ),
    },
    {
      name: 'federation_peer_credit_bytes',
      help: 'Bytes of entries that may be sent now: in, by the peer; out, to it',
      type: 'gauge',
      read: () =>
        byPeer((peer) => [
          [{ direction: 'in' }, peer.creditInBytes],
          [{ direction: 'out' }, peer.creditOutBytes],
        ]),
    },
    {
      name: 'federation_peer_owed_ranges',
      help: 'Ranges that a peer has asked for and not got yet',
      type: 'gauge',
      read: () => byPeer((peer) => [[{}, peer.owedRanges]]),
    },
    {
      name: 'federation_peer_buffered_bytes',
      help: 'Bytes for a peer that its link has not taken',
      type: 'gauge',
      read: () => byPeer((peer) => [[{}, peer.bufferedBytes]]),
    },
  ];
}

function movedFamilies({ view: { node } }: Watched): readonly Family[] {
  const { scopes, wireIn, wireOut } = node.figures;
  const ways = [
    ['written', 'written here'],
    ['received', 'taken from peers'],
    ['sent', 'sent to peers'],
  ] as const;
  return [
    ...ways.flatMap(([way, what]): readonly Family[] => [
      {
        name: `federation_entries_${way}_total`,
        help: `Entries ${what}, by kind of scope`,
        type: 'counter',
        read: () => SCOPE_KINDS.map((scope): Sample => [{ scope }, scopes[scope][way].entries]),
      },
      {
        name: `federation_spans_${way}_total`,
        help: `Spans ${what}`,
        type: 'counter',
        read: () => [[{}, scopes.timeline[way].spans]],
      },
    ]),
    {
      name: 'federation_message_bytes_total',
      help: 'Bytes of messages between nodes, before compression (plain) and after it (packed)',
      type: 'counter',
      read: () => [
        [{ direction: 'in', form: 'plain' }, wireIn.plainBytes],
        [{ direction: 'in', form: 'packed' }, wireIn.packedBytes],
        [{ direction: 'out', form: 'plain' }, wireOut.plainBytes],
        [{ direction: 'out', form: 'packed' }, wireOut.packedBytes],
      ],
    },
  ];
}

function storeFamilies({ view, disk }: Watched): readonly Family[] {
  const room = (read: (size: NonNullable<DiskWatch['last']>) => number): (() => readonly Sample[]) => {
    return () => (disk.last === undefined ? [] : [[{}, read(disk.last)]]);
  };
  const quarantined = (countOf: (feed: { readonly entries: number; readonly spans: number }) => number) => {
    return async (): Promise<readonly Sample[]> => {
      const feeds = await view.node.operator.quarantine();
      return REASONS.map((reason): Sample => {
        const ours = feeds.filter((feed) => feed.reason === reason);
        return [{ reason }, ours.reduce((sum, feed) => sum + countOf(feed), 0)];
      });
    };
  };
  return [
    gauge('federation_entries', 'Entries held', () => view.status.entries),
    gauge(
      'federation_conflicts_open',
      'Conflicts that wait for somebody to decide',
      () => view.status.openConflicts,
    ),
    gauge('federation_log_bytes', 'Size of the log', () => view.status.logBytes),
    {
      name: 'federation_index_bytes',
      help: 'Size of the index',
      type: 'gauge',
      read: room((size) => size.indexBytes),
    },
    {
      name: 'federation_disk_free_bytes',
      help: 'Room left for the data',
      type: 'gauge',
      read: room((size) => size.freeBytes),
    },
    {
      name: 'federation_disk_size_bytes',
      help: 'Size of the file system of the data',
      type: 'gauge',
      read: room((size) => size.totalBytes),
    },
    gauge('federation_store_read_only', '1 when the disk has failed and nothing more is stored', () =>
      view.status.readOnly === undefined ? 0 : 1,
    ),
    gauge('federation_store_waiting_jobs', 'Work that waits for the disk', () => view.status.waitingJobs),
    {
      name: 'federation_quarantined_feeds',
      help: 'Feeds with a part that does not count, by reason',
      type: 'gauge',
      read: quarantined(() => 1),
    },
    {
      name: 'federation_quarantined_entries',
      help: 'Entries that are kept and do not count, by reason',
      type: 'gauge',
      read: quarantined(({ entries }) => entries),
    },
    {
      name: 'federation_quarantined_spans',
      help: 'Spans that are kept and not shown, by reason',
      type: 'gauge',
      read: quarantined(({ spans }) => spans),
    },
  ];
}

function processFamilies({ loop }: Watched): readonly Family[] {
  return [
    gauge(
      'federation_event_loop_delay_p99_seconds',
      'How late timers run, 99 of 100 times at most, in the last minute or two',
      () => loop.delay.p99Seconds,
    ),
    gauge(
      'federation_event_loop_delay_max_seconds',
      'How late a timer has run at most, in the last minute or two',
      () => loop.delay.maxSeconds,
    ),
    {
      name: 'federation_build_info',
      help: 'Always 1, with the versions as labels',
      type: 'gauge',
      read: () => [[{ protocol: PROTOCOL_VERSION, node: process.version }, 1]],
    },
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes', () => process.memoryUsage.rss()),
    {
      name: 'process_cpu_seconds_total',
      help: 'User and system time that the process has used',
      type: 'counter',
      read: () => {
        const { user, system } = process.cpuUsage();
        return [[{}, (user + system) / 1e6]];
      },
    },
    gauge('process_start_time_seconds', 'Start of the process since the unix epoch', () =>
      Math.round(performance.timeOrigin / 1000),
    ),
  ];
}

function gauge(name: string, help: string, read: () => number): Family {
  return { name, help, type: 'gauge', read: () => [[{}, read()]] };
}

/** How many there are of each, those with none too. */
function countsOf<T extends string>(
  label: string,
  all: readonly T[],
  found: readonly T[],
): readonly Sample[] {
  return all.map((one) => [{ [label]: one }, found.filter((value) => value === one).length]);
}

/** Peers beyond the cap have the same labels: their values are added. */
function summed(samples: readonly Sample[]): readonly Sample[] {
  const sums = new Map<string, Sample>();
  for (const [labels, value] of samples) {
    const key = JSON.stringify(labels);
    sums.set(key, [labels, (sums.get(key)?.[1] ?? 0) + value]);
  }
  return [...sums.values()];
}
