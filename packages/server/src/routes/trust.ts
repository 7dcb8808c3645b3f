/** Trust: establishing it with a peer at an address, and listing what is established. */

import { fingerprintOf, keyOfFingerprint, parseNodeId, type PeerInfo } from '@logline/federation-core';
import type { z } from 'zod';
import { readPeer } from '../config.js';
import { json, jsonBody, problems } from '../operations.js';
import { isVerified, settledPeers, timeOrNull } from '../peers.js';
import { HttpProblem } from '../problem.js';
import { readJson, readQuery, shown } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import {
  establishRequest,
  establishResult,
  noQuery,
  relationshipList,
  type relationship,
} from '../schemas.js';

interface Wish {
  readonly address: string;
  readonly key: Uint8Array | undefined;
  readonly id: string | undefined;
}

export const trustRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/trust/establish',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Trust the node at an address, from now on and across restarts',
      requestBody: jsonBody(establishRequest, { required: true }),
      responses: {
        200: json('Verified: both sides trust each other', establishResult),
        202: json('Pending: `detail` says what is missing. The node keeps trying', establishResult),
        ...problems,
      },
    },
    handle: establish,
  },
  {
    method: 'GET',
    path: '/v1/trust/relationships',
    need: 'read',
    reach: 'node',
    operation: {
      summary: 'All trust relationships',
      responses: { 200: json('The relationships', relationshipList), ...problems },
    },
    handle(ctx, { node }) {
      readQuery(ctx, noQuery);
      ctx.body = { relationships: node.peers().map(describeRelationship) };
    },
  },
];

async function establish(ctx: RouteContext, { node, closing }: Service): Promise<void> {
  const wish = readWish(await readJson(ctx, establishRequest));
  if (wish.id === node.id || (wish.key !== undefined && fingerprintOf(wish.key) === node.fingerprint)) {
    throw new HttpProblem('bad_request', 'this is the node itself: name another one');
  }
  const known = node.peers().find((peer) => peer.address === wish.address);
  if (known !== undefined) checkName(wish, known, 'nothing was changed');
  await node.trust({ address: wish.address, key: wish.key });
  const [peer] = await settledPeers(node, new Set([wish.address]), closing);
  if (peer === undefined) throw new HttpProblem('internal_error', 'a peer just listed is gone');
  checkName(wish, peer, 'the address stays trusted under its own name');
  ctx.status = isVerified(peer) ? 200 : 202;
  const body: z.output<typeof establishResult> = {
    peer_id: peer.id ?? null,
    trust_level: isVerified(peer) ? 'verified' : peer.trustLevel === 'verified' ? 'pending' : peer.trustLevel,
    peer_address: peer.address,
    fingerprint: peer.fingerprint ?? null,
    detail: isVerified(peer) ? null : missing(peer, node.fingerprint),
  };
  ctx.body = body;
}

function readWish(request: z.output<typeof establishRequest>): Wish {
  const read = readPeer(request.peer_address);
  if ('problem' in read) throw new HttpProblem('bad_request', `peer_address: ${read.problem}`);
  const { address, key: keyBehindAddress } = read.value;
  const key = request.fingerprint === undefined ? keyBehindAddress : keyOfFingerprint(request.fingerprint);
  if (request.fingerprint !== undefined && key === undefined)
    throw new HttpProblem(
      'bad_request',
      'fingerprint: expected the 43 characters that the peer prints at its start',
    );
  if (
    key !== undefined &&
    keyBehindAddress !== undefined &&
    fingerprintOf(key) !== fingerprintOf(keyBehindAddress)
  )
    throw new HttpProblem(
      'bad_request',
      'fingerprint: differs from the one behind # in peer_address: name one key',
    );
  const id = request.peer_id === undefined ? undefined : parseNodeId(request.peer_id);
  if (request.peer_id !== undefined && id === undefined) {
    throw new HttpProblem(
      'bad_request',
      `peer_id: expected logline-id://node/<name>, got ${shown(request.peer_id)}`,
    );
  }
  return { address, key, id };
}

function checkName(wish: Wish, peer: PeerInfo, consequence: string): void {
  if (wish.id === undefined || peer.id === undefined || peer.id === wish.id) return;
  throw new HttpProblem(
    'name_mismatch',
    `the node at ${peer.address} calls itself ${peer.id}, not ${wish.id}: check the address, or leave peer_id out; ${consequence}`,
  );
}

/** What keeps a peer from being verified, and who has to do what. */
function missing(peer: PeerInfo, ownFingerprint: string): string {
  const others = `its operator has to trust this node, whose key is ${ownFingerprint}, at the address under which the peer reaches it`;
  if (peer.lastError === undefined)
    return `no answer from ${peer.address} yet: the node keeps trying; ${others}`;
  if (peer.lastError.startsWith('pending')) return `the peer does not trust this node yet: ${others}`;
  return `${peer.lastError}; the node keeps trying`;
}

function describeRelationship(peer: PeerInfo): z.output<typeof relationship> {
  return {
    peer_id: peer.id ?? null,
    trust_level: peer.trustLevel,
    established_at: timeOrNull(peer.establishedAtMs),
    signature: null,
    fingerprint: peer.fingerprint ?? null,
    method: 'signature',
    address: peer.address,
    pinned_by: peer.pinnedBy ?? null,
  };
}
