/** Taking a peer off the list: the node dials it no more and, unless others vouch for it, trusts it no more. */

import type { z } from 'zod';
import { summarise } from '../acts.js';
import { listedPeers } from '../known-peers.js';
import { json, jsonBody, problems } from '../operations.js';
import { readJson } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { removeRequest, removeResult } from '../schemas-trust.js';

export const trustRemoveRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/trust/remove',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Take a peer off the list, durably',
      description:
        'Its links end. What it wrote stays and counts: to say where its feeds end, revoke it. It can be added again.',
      requestBody: jsonBody(removeRequest, { required: true }),
      responses: { 200: json('What was taken off', removeResult), ...problems },
    },
    handle: remove,
  },
];

async function remove(ctx: RouteContext, { node, config, repeats }: Service): Promise<void> {
  const request = await readJson(ctx, removeRequest);
  summarise(ctx, `take ${request.peer} off the list`);
  const configured = new Set(config.trustedPeers.map((peer) => peer.address));
  ctx.body = await repeats.once(ctx, request, async () => {
    const peers = listedPeers(node, request.peer);
    for (const peer of peers) await node.unlist(peer.address);
    const isBack = peers.some((peer) => configured.has(peer.address));
    const body: z.output<typeof removeResult> = {
      removed: peers.map((peer) => ({
        peer_id: peer.id ?? null,
        peer_address: peer.address,
        fingerprint: peer.fingerprint ?? null,
      })),
      detail: isBack
        ? 'FEDERATION_TRUSTED_PEERS names it, so it is back after the next start: take it out there too'
        : null,
    };
    return body;
  });
}
