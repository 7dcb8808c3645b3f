/** Peers as operators see them. */

import type { Candidates, FindingMethod } from '../discovery.js';
import {
  fingerprintOf,
  isNodeId,
  nodeIdOf,
  type Fingerprint,
  type NodeId,
  type TrustLevel,
} from '../identity.js';
import type { Clock } from '../ports.js';
import type { ListedPeer, PeerBook } from './peer-book.js';
import type { Peering } from './peering.js';
import type { Standing } from './standing.js';

export interface PeerInfo {
  /** Known once the peer has said its name. */
  readonly id: NodeId | undefined;
  /** Under which it is listed: an address, or the id of a node that is listed by its key. */
  readonly address: string;
  readonly fingerprint: Fingerprint | undefined;
  readonly pinnedBy: 'operator' | 'first_contact' | undefined;
  /** A key that answered at the address and waits for the operator's word: see `FederationNode.confirm`. */
  readonly unconfirmedFingerprint: Fingerprint | undefined;
  readonly source: 'configured' | 'established' | 'discovered';
  /** How its address came to be known; `remembered` from before a restart. */
  readonly method: FindingMethod | 'manual' | 'remembered';
  /** Addresses at which discovery has found it. */
  readonly places: readonly string[];
  readonly status: 'connected' | 'connecting' | 'disconnected';
  readonly trustLevel: TrustLevel;
  readonly establishedAtMs: number | undefined;
  readonly lastSeenMs: number | undefined;
  readonly lastError: string | undefined;
  readonly lastErrorAtMs: number | undefined;
  /** When it will be dialled again; ms since 1970, only while disconnected. */
  readonly nextDialAtMs: number | undefined;
  readonly latencyMs: number | undefined;
  readonly skewMs: number | undefined;
  /** Nothing of the shared scopes is missing here, and everything is confirmed there. */
  readonly inSync: boolean;
  readonly entriesIn: number;
  readonly entriesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of the session that is open: bytes of entries that each side may send now, ranges that the peer waits for, and bytes that the link has not taken. */
  readonly creditInBytes: number;
  readonly creditOutBytes: number;
  readonly owedRanges: number;
  readonly bufferedBytes: number;
}

type Connection = Pick<
  PeerInfo,
  | 'latencyMs'
  | 'skewMs'
  | 'inSync'
  | 'entriesIn'
  | 'entriesOut'
  | 'bytesIn'
  | 'bytesOut'
  | 'creditInBytes'
  | 'creditOutBytes'
  | 'owedRanges'
  | 'bufferedBytes'
> & { readonly status: 'connected' | undefined; readonly heardAtMs: number | undefined };

/** Where what is told of peers comes from. */
export interface PeerWorld {
  readonly book: PeerBook;
  readonly peering: Peering;
  readonly standing: Standing;
  readonly clock: Clock;
  readonly ownKey: Uint8Array;
  /** Addresses at which discovery has seen a key prove itself, latest first. */
  readonly placesOf: (key: Uint8Array) => readonly string[];
}

const NOT_FOUND_YET =
  'discovery has not found this node yet: see that it runs, and that both nodes use the same FEDERATION_NETWORK_KEY and discovery methods';

export function describePeers(world: PeerWorld): readonly PeerInfo[] {
  const { standing, clock } = world;
  return [...world.book.peers()].map((peer) => {
    const toWallMs = clock.now() - clock.monotonic();
    const named = peer.name === undefined ? undefined : nodeIdOf(peer.name);
    const places = peer.key === undefined ? [] : world.placesOf(peer.key);
    const isLost = isNodeId(peer.address) && places.length === 0;
    const { heardAtMs, ...connection } = describeConnection(peer.key, world);
    const isConnected = connection.status !== undefined;
    return {
      ...connection,
      id: named ?? (isNodeId(peer.address) ? peer.address : undefined),
      address: peer.address,
      places,
      method: 'manual',
      fingerprint: peer.key === undefined ? undefined : fingerprintOf(peer.key),
      pinnedBy: peer.pinnedBy,
      source: peer.source,
      status: connection.status ?? (peer.dialling ? 'connecting' : 'disconnected'),
      unconfirmedFingerprint: peer.seenKey === undefined ? undefined : fingerprintOf(peer.seenKey),
      trustLevel: levelOf(peer, standing),
      establishedAtMs: peer.establishedAtMs,
      lastSeenMs: heardAtMs ?? peer.lastSeenMs,
      lastError: isConnected ? undefined : (peer.lastError ?? (isLost ? NOT_FOUND_YET : undefined)),
      lastErrorAtMs: isConnected ? undefined : peer.lastErrorAtMs,
      nextDialAtMs: isConnected || isLost ? undefined : Math.max(peer.nextDialAtMs + toWallMs, clock.now()),
    };
  });
}

/** What discovery has found and nobody has listed, each key once. */
export function describeFound(candidates: Candidates, world: PeerWorld): readonly PeerInfo[] {
  const { book, standing, clock } = world;
  const seen = new Set<Fingerprint>([fingerprintOf(world.ownKey)]);
  return [...candidates].flatMap((candidate) => {
    const { key, name, address } = candidate;
    const fingerprint = key === undefined ? undefined : fingerprintOf(key);
    const isListed =
      book.byAddress(address) !== undefined || (key !== undefined && book.byKey(key) !== undefined);
    if (isListed || (fingerprint !== undefined && seen.has(fingerprint))) return [];
    if (fingerprint !== undefined) seen.add(fingerprint);
    const { heardAtMs, ...connection } = describeConnection(key, world);
    const isConnected = connection.status !== undefined;
    const toWallMs = clock.now() - clock.monotonic();
    return [
      {
        ...connection,
        // A claim is no name.
        id: key === undefined || name === undefined ? undefined : nodeIdOf(name),
        address,
        places: [address],
        method: candidate.foundBy ?? 'remembered',
        fingerprint,
        pinnedBy: undefined,
        source: 'discovered',
        status: connection.status ?? (candidate.dialling ? 'connecting' : 'disconnected'),
        unconfirmedFingerprint: undefined,
        trustLevel: key === undefined ? 'unknown' : standing.levelOf(key),
        establishedAtMs: undefined,
        lastSeenMs: heardAtMs ?? candidate.provenAtMs,
        lastError: isConnected ? undefined : candidate.lastError,
        lastErrorAtMs: isConnected ? undefined : candidate.lastErrorAtMs,
        nextDialAtMs: isConnected
          ? undefined
          : Math.max(candidates.nextDialAtMs(candidate) + toWallMs, clock.now()),
      },
    ];
  });
}

/** What an open session with a key tells; no `status` without one. */
function describeConnection(key: Uint8Array | undefined, { peering, clock }: PeerWorld): Connection {
  const session = key === undefined ? undefined : peering.session(key);
  const toWallMs = clock.now() - clock.monotonic();
  return {
    status: session === undefined ? undefined : 'connected',
    heardAtMs: session === undefined ? undefined : session.state.heardAtMs + toWallMs,
    latencyMs: session?.state.latencyMs,
    skewMs: session?.state.skewMs,
    inSync: session?.isInSync ?? false,
    entriesIn: session?.figures.entriesIn ?? 0,
    entriesOut: session?.figures.entriesOut ?? 0,
    bytesIn: session?.link.traffic.bytesIn ?? 0,
    bytesOut: session?.link.traffic.bytesOut ?? 0,
    creditInBytes: session?.state.creditInBytes ?? 0,
    creditOutBytes: session?.state.creditOutBytes ?? 0,
    owedRanges: session?.state.owed.length ?? 0,
    bufferedBytes: session?.link.bufferedBytes ?? 0,
  };
}

/** A listed peer is pending at least; verified is one whom we trust and who said that it trusts us. */
function levelOf(peer: ListedPeer, standing: Standing): TrustLevel {
  if (peer.key === undefined) return 'pending';
  const level = standing.levelOf(peer.key);
  if (level === 'revoked' || level === 'verified') return level;
  return standing.trusts(peer.key) && peer.level === 'verified' ? 'verified' : 'pending';
}
