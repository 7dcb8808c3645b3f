/** Why a span is or is not at a peer. */

import { headerOfAccepted, splitEntry, type Header } from '../entry.js';
import { LoglineError } from '../errors.js';
import { feedKeyOf, type FeedKey } from '../feed.js';
import { coversRanges } from '../holdings.js';
import {
  fingerprintOf,
  nodeIdOf,
  timelineScope,
  type Fingerprint,
  type NodeId,
  type TenantId,
} from '../identity.js';
import type { SpanId } from '../span.js';
import type { ListedPeer } from './peer-book.js';
import { sightOf, type ReplicationWorld } from './replication.js';
import type { SpanReadings } from './span-readings.js';

/** Where a span came from, and where it is. */
export interface SpanStory {
  readonly tenant: TenantId;
  /** The node that wrote it. */
  readonly origin: Fingerprint;
  readonly originId: NodeId | undefined;
  readonly epoch: Uint8Array;
  readonly seq: number;
  /** By its origin's clock, in ms since 1970. */
  readonly writtenAtMs: number;
  /** Spans that share its entry, itself included. */
  readonly spansOfEntry: number;
  /** Bodies stored under this id; of several this story is about the one that is shown. */
  readonly bodies: number;
  readonly peers: readonly SpanAtPeer[];
}

/**
 * `there`: durably held, by the peer's own word. `sending`: connected, and on its way. `away`: not connected, so it waits.
 * `not_granted`: this node does not let the peer read the tenant. `not_taken`: the peer does not take the tenant from us.
 * `refused`: the peer accepts nothing of this feed from there on. `not_trusted`: trust is not mutual, or revoked.
 */
export type SpanState =
  | 'there'
  | 'sending'
  | 'away'
  | 'not_granted'
  | 'not_taken'
  | 'refused'
  | 'not_trusted';

export interface SpanAtPeer {
  readonly peerId: NodeId | undefined;
  readonly address: string;
  readonly fingerprint: Fingerprint | undefined;
  readonly state: SpanState;
  /** When that was last known, in ms since 1970; `undefined` where the peer was not heard since the start. */
  readonly asOfMs: number | undefined;
  /** What is in the way, and what to do. */
  readonly detail: string;
}

export interface ExplainWorld extends ReplicationWorld {
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
  readonly readings: SpanReadings;
}

/** `undefined` where no span is readable under the id. */
export async function explainSpan(
  tenant: TenantId,
  id: SpanId,
  world: ExplainWorld,
): Promise<SpanStory | undefined> {
  const variants = world.storage.variants(tenant, id);
  const shown = await world.readings.shown(tenant, id);
  if (shown === undefined) return undefined;
  const header = await headerAt(shown.arrival.position, world);
  const origin = fingerprintOf(header.origin);
  const place = { tenant, key: feedKeyOf(header), seq: header.seq };
  return {
    tenant,
    origin,
    originId: world.idOf(origin),
    epoch: header.epoch,
    seq: header.seq,
    writtenAtMs: header.stamp.ms,
    spansOfEntry: header.count,
    bodies: variants.length,
    peers: [...world.book.peers()].map((peer) => atPeer(peer, place, world)),
  };
}

async function headerAt(position: number, { storage }: ExplainWorld): Promise<Header> {
  const { entries } = await storage.arrivals(position, 1);
  const parts = entries[0]?.position === position ? splitEntry(entries[0].bytes) : undefined;
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  if (header === undefined)
    throw new LoglineError('damaged', `the entry at ${position} of the log cannot be read: check the disk`);
  return header;
}

interface Place {
  readonly tenant: TenantId;
  readonly key: FeedKey;
  readonly seq: number;
}

function atPeer(peer: ListedPeer, place: Place, world: ExplainWorld): SpanAtPeer {
  const known = peer.key === undefined ? undefined : sightOf(peer.key, world);
  const [state, detail] = stateOf(peer, place, world);
  return {
    peerId: peer.name === undefined ? undefined : nodeIdOf(peer.name),
    address: peer.address,
    fingerprint: peer.key === undefined ? undefined : fingerprintOf(peer.key),
    state,
    asOfMs: known?.atMs,
    detail,
  };
}

function stateOf(
  peer: ListedPeer,
  { tenant, key: feed, seq }: Place,
  world: ExplainWorld,
): readonly [SpanState, string] {
  const { key, address } = peer;
  const known = key === undefined ? undefined : sightOf(key, world);
  const { standing } = world;
  // What it has said to hold it holds, whatever has become of trust and rights since.
  if (known !== undefined && coversRanges(known.sight.view.holds(feed), [{ from: seq, to: seq }]))
    return ['there', 'the peer has said that it holds this durably'];
  if (key === undefined || !standing.trusts(key)) {
    const isRevoked = key !== undefined && standing.levelOf(key) === 'revoked';
    return [
      'not_trusted',
      isRevoked
        ? 'trust in this peer was revoked'
        : `${peer.lastError ?? 'this peer is not trusted yet'}: see GET /v1/nodes`,
    ];
  }
  const scope = timelineScope(tenant);
  if (!standing.rightsOf(key, scope).read)
    return [
      'not_granted',
      `this node does not let the peer read ${tenant}: grant it, or list ${tenant} in FEDERATION_TENANTS`,
    ];
  const stop = known?.sight.view.lackingOf({ key: feed, ranges: [] }).stop;
  if (stop !== undefined && stop.from <= seq)
    return [
      'refused',
      `the peer takes nothing of this feed from entry ${stop.from} on, ${stop.isForked ? 'since it forks there' : "by its operator's word or that of those it follows"}`,
    ];
  if (known === undefined || !known.isConnected)
    return [
      'away',
      `${address} is not connected${peer.lastError === undefined ? '' : ` (${peer.lastError})`}: it gets the span when it is back`,
    ];
  if (!known.sight.flow(scope).out)
    return [
      'not_taken',
      `the peer does not take ${tenant} from this node: its operator has to grant it, or list it in FEDERATION_TENANTS there`,
    ];
  return ['sending', 'the peer is connected and has not confirmed it yet: ask again in a moment'];
}
