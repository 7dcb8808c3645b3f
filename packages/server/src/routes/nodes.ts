/** Known peers, and looking for them. */

import { summarise } from '../acts.js';
import { peerFor } from '../figures.js';
import { json, jsonBody, problems } from '../operations.js';
import { describePeer, isVerified, settledPeers } from '../peers.js';
import { HttpProblem } from '../problem.js';
import { callerOf, readJson, readQuery } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { discoverRequest, discoverResult, nodeList, noQuery } from '../schemas.js';
import { isSameSecret } from '../secret.js';

export const nodeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/nodes',
    need: 'read',
    reach: 'node',
    operation: {
      summary: 'All known peers',
      responses: { 200: json('The peers', nodeList), ...problems },
    },
    handle(ctx, { node }) {
      readQuery(ctx, noQuery);
      ctx.body = { nodes: node.peers().map((peer) => peerFor(callerOf(ctx), peer)) };
    },
  },
  {
    method: 'POST',
    path: '/v1/nodes/discover',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Look for peers now',
      requestBody: jsonBody(discoverRequest, { required: true }),
      responses: { 200: json('What was found', discoverResult), ...problems },
    },
    handle: discover,
  },
];

/** Dials every listed peer without waiting for its backoff, and tells which of them answered. */
async function discover(ctx: RouteContext, { node, config, closing }: Service): Promise<void> {
  const { network_key: networkKey, discovery_method: method } = await readJson(ctx, discoverRequest);
  if (networkKey !== undefined && !isSameSecret(networkKey, config.networkKey)) {
    throw new HttpProblem(
      'bad_request',
      'network_key: this node is in another network: leave it out, or start the node with that FEDERATION_NETWORK_KEY',
    );
  }
  summarise(ctx, `look for peers: ${method}`);
  const addresses = new Set(node.peers().map((peer) => peer.address));
  for (const address of addresses) node.redial(address);
  const peers = await settledPeers(node, addresses, closing);
  ctx.body = {
    method,
    nodes: peers.filter(isVerified).map(describePeer),
    errors: peers
      .filter((peer) => !isVerified(peer))
      .map((peer) => ({ address: peer.address, error: peer.lastError ?? 'no answer yet' })),
  };
}
