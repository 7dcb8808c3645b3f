/** Known peers, and looking for them. */

import { summarise } from '../acts.js';
import { discoverBy, discoverListed, settledNode } from '../discovery.js';
import { peerFor } from '../figures.js';
import { json, jsonBody, problems } from '../operations.js';
import { knownNode } from '../known-peers.js';
import { describePeer } from '../peers.js';
import { HttpProblem } from '../problem.js';
import { callerOf, readJson, readQuery } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { discoverRequest, discoverResult, nodeList, nodePath, noQuery, peerNode } from '../schemas.js';
import { isSameSecret } from '../secret.js';

export const nodeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/nodes',
    need: 'read',
    reach: 'node',
    operation: {
      summary: 'All known nodes: those that are listed, and those that discovery has found',
      responses: { 200: json('The nodes', nodeList), ...problems },
    },
    handle(ctx, { node }) {
      readQuery(ctx, noQuery);
      const known = [...node.peers(), ...node.found()];
      ctx.body = { nodes: known.map((peer) => peerFor(callerOf(ctx), peer)) };
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
  {
    method: 'POST',
    path: '/v1/nodes/:id/reset',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Dial a node now instead of when its backoff ends',
      requestParams: { path: nodePath },
      responses: { 200: json('The node, as it is after the dial', peerNode), ...problems },
    },
    handle: reset,
  },
];

async function discover(ctx: RouteContext, service: Service): Promise<void> {
  const { network_key: networkKey, discovery_method: method } = await readJson(ctx, discoverRequest);
  if (networkKey !== undefined && !isSameSecret(networkKey, service.config.networkKey)) {
    throw new HttpProblem(
      'bad_request',
      'network_key: this node is in another network: leave it out, or start the node with that FEDERATION_NETWORK_KEY',
    );
  }
  summarise(ctx, `look for peers: ${method}`);
  ctx.body = method === 'manual' ? await discoverListed(service) : await discoverBy(method, service);
}

/** Dials a known node now instead of when its backoff ends, and tells what came of it. */
async function reset(ctx: RouteContext, { node, closing }: Service): Promise<void> {
  readQuery(ctx, noQuery);
  const { address } = knownNode(node, ctx.params['id'] ?? '');
  summarise(ctx, `dial ${address} now`);
  node.redial(address);
  ctx.body = describePeer(await settledNode(node, address, closing));
}
