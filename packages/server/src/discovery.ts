/** Finding peers: how the configured methods are put together, and looking for peers now and at intervals. */

import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FederationNode, PeerInfo } from '@logline/federation-core';
import type { LocalNodeOptions } from '@logline/federation-core/node';
import type { z } from 'zod';
import { interfacesOf, reachableAt } from './config-discovery.js';
import type { ServerConfig } from './config.js';
import { SERVER_LIMITS } from './limits.js';
import { HttpProblem } from './problem.js';
import { describePeer, isVerified, settledPeers } from './peers.js';
import type { Service } from './route.js';
import type { discoverResult } from './schemas.js';

type DiscoverResult = z.output<typeof discoverResult>;

const LOOK_MS = 20;

/** What a node is opened with, for the methods that are configured. */
export function discoveryOptions({
  discovery,
  bindHost,
  bindPort,
}: ServerConfig): NonNullable<LocalNodeOptions['discovery']> {
  const { broadcast, broadcastOn, dnsName, dnsServers, dnsUpdate, exchange } = discovery;
  return {
    exchange,
    ...(broadcast && {
      broadcast: broadcastOn ?? { interfaces: interfacesOf(bindHost), ipv6: isIP(bindHost) !== 4 },
    }),
    ...(dnsName !== undefined && {
      dns: {
        name: dnsName,
        port: bindPort,
        servers: dnsServers,
        registration: dnsUpdate && { ...dnsUpdate, addresses: () => reachableAt(bindHost) },
      },
    }),
  };
}

/** What is done at every interval: the unconnected are dialled, and every method looks again. */
export function lookAround(node: FederationNode): void {
  for (const peer of node.peers()) if (peer.status === 'disconnected') node.redial(peer.address);
  void node.discovery.look({ timeoutMs: SERVER_LIMITS.lookMs, fresh: false });
}

/** Dials every listed peer without waiting for its backoff, and tells which of them answered. */
export async function discoverListed({ node, closing }: Service): Promise<DiscoverResult> {
  const addresses = new Set(node.peers().map((peer) => peer.address));
  for (const address of addresses) node.redial(address);
  const peers = await settledPeers(node, addresses, closing);
  return {
    method: 'manual',
    nodes: peers.filter(isVerified).map(describePeer),
    errors: peers
      .filter((peer) => !isVerified(peer))
      .map((peer) => ({ address: peer.address, error: peer.lastError ?? 'no answer yet' })),
  };
}

/** Looks by one method, waits for whoever was found to be dialled, and tells who answered where. */
export async function discoverBy(
  method: 'broadcast' | 'dns',
  { node, config, closing }: Service,
): Promise<DiscoverResult> {
  const off = offBecause(method, config);
  if (off !== undefined) return { method, nodes: [], errors: [{ address: null, error: off }] };
  const reports = await node.discovery.look({ method, timeoutMs: SERVER_LIMITS.lookMs, fresh: true });
  const addresses = new Set(reports.flatMap((report) => report.addresses));
  const others = reports.reduce((sum, report) => sum + report.others, 0);
  const peers = await settledFound(node, addresses, closing);
  const answered = peers.filter((peer) => peer.fingerprint !== undefined);
  const silent = peers.filter((peer) => peer.fingerprint === undefined);
  return {
    method,
    nodes: answered.map(describePeer),
    ...(others > 0 && { other_networks: others }),
    errors: [
      ...reports.flatMap(({ errors }) => errors.map((error) => ({ address: null, error }))),
      ...silent.map((peer) => ({ address: peer.address, error: peer.lastError ?? 'no answer yet' })),
    ],
  };
}

/** A node that is being dialled, once that has come to something. */
export async function settledNode(
  node: FederationNode,
  address: string,
  signal: AbortSignal,
): Promise<PeerInfo> {
  const [listed] = await settledPeers(node, new Set([address]), signal);
  if (listed !== undefined) return listed;
  const [found] = await settledFound(node, new Set([address]), signal);
  if (found !== undefined) return found;
  throw new HttpProblem(
    'unknown_peer',
    'the node is not known any more: it has gone, and nothing announces it',
  );
}

/** The nodes at these addresses, as soon as each has been looked at. */
async function settledFound(
  node: FederationNode,
  addresses: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly PeerInfo[]> {
  const untilMs = performance.now() + SERVER_LIMITS.dialAnswerMs;
  for (;;) {
    const found = [...node.peers(), ...node.found()].filter((peer) =>
      peer.places.some((place) => addresses.has(place)),
    );
    const isOpen = (peer: PeerInfo): boolean =>
      peer.status === 'connecting' || (peer.fingerprint === undefined && peer.lastError === undefined);
    if (!found.some(isOpen) || performance.now() > untilMs || signal.aborted) return found;
    await sleep(LOOK_MS);
  }
}

function offBecause(method: 'broadcast' | 'dns', { discovery }: ServerConfig): string | undefined {
  if (method === 'dns' && discovery.dnsName === undefined)
    return 'this node looks for nobody by DNS: start it with FEDERATION_DNS_NAME';
  if (method === 'broadcast' && !discovery.broadcast)
    return 'this node does not broadcast: start it with FEDERATION_NETWORK_KEY on an address that others reach (FEDERATION_BIND_HOST), or with FEDERATION_BROADCAST=on';
  return undefined;
}
