/** Trust with a peer at an address: establishing it, confirming a key that nothing proves, and listing what is established. */

import { fingerprintOf, keyOfFingerprint, parseFingerprint, parseNodeId } from '@logline/federation-core';
import type { FederationNode, PeerInfo, VerificationMethod } from '@logline/federation-core';
import type { z } from 'zod';
import { summarise } from '../acts.js';
import { readPeer } from '../config.js';
import { listedPeer } from '../known-peers.js';
import { json, jsonBody, problems } from '../operations.js';
import { isVerified, settledPeers } from '../peers.js';
import { HttpProblem } from '../problem.js';
import { relationshipOf, relationshipsFor } from '../relationships.js';
import { callerOf, readJson, readQuery, shown } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { noQuery } from '../schemas.js';
import { confirmRequest, establishRequest, establishResult, relationshipList } from '../schemas-trust.js';

interface Wish {
  readonly address: string;
  readonly key: Uint8Array | undefined;
  readonly id: string | undefined;
  readonly method: VerificationMethod | undefined;
  readonly readmit: boolean;
}

const answers = {
  200: json('Verified: both sides trust each other', establishResult),
  202: json('Pending: `detail` says what is missing. The node keeps trying', establishResult),
  ...problems,
};

export const trustRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/trust/establish',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Trust the node at an address, from now on and across restarts',
      description:
        'Dials the peer and lets both sides prove their keys. The same again changes nothing. A revoked node is refused with 409 `revoked` unless `readmit` is true.',
      requestBody: jsonBody(establishRequest, { required: true }),
      responses: answers,
    },
    handle: establish,
  },
  {
    method: 'POST',
    path: '/v1/trust/confirm',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Say that the key seen at a listed peer is the right one',
      description:
        'For a first contact that neither a fingerprint, nor a network key, nor a certificate proves: compare `unconfirmed_fingerprint` with what the peer prints at its start.',
      requestBody: jsonBody(confirmRequest, { required: true }),
      responses: answers,
    },
    handle: confirm,
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
      ctx.body = { relationships: relationshipsFor(callerOf(ctx), node) };
    },
  },
];

async function establish(ctx: RouteContext, service: Service): Promise<void> {
  const { node, config } = service;
  const wish = readWish(await readJson(ctx, establishRequest));
  summarise(ctx, `${wish.readmit ? 'readmit' : 'trust'} ${wish.address}${keyText(wish.key)}`);
  if (wish.id === node.id || (wish.key !== undefined && fingerprintOf(wish.key) === node.fingerprint)) {
    throw new HttpProblem('bad_request', 'this is the node itself: name another one');
  }
  if (wish.method === 'certificate' && config.caFile === undefined) {
    throw new HttpProblem(
      'not_supported',
      'verification_method: this node knows no authority whose certificates it could check: set FEDERATION_CA_FILE and start it again',
    );
  }
  const known = node.peers().find((peer) => peer.address === wish.address);
  if (known !== undefined) checkName(wish, known, 'nothing was changed');
  const key = wish.key ?? keyOf(known);
  if (key !== undefined && isRevoked(node, key)) {
    if (!wish.readmit) throw revoked(wish.address, key);
    await node.operator.readmit(key);
  }
  await node.trust({ address: wish.address, key: wish.key, method: wish.method });
  const peer = await settledPeer(service, wish.address);
  checkName(wish, peer, 'the address stays trusted under its own name');
  answer(ctx, peer, node);
}

async function confirm(ctx: RouteContext, service: Service): Promise<void> {
  const { node } = service;
  const { peer: named, fingerprint: text } = await readJson(ctx, confirmRequest);
  const fingerprint = parseFingerprint(text);
  if (fingerprint === undefined) throw noFingerprint();
  const listed = listedPeer(node, named, fingerprint);
  if (listed === undefined) {
    throw new HttpProblem(
      'unknown_peer',
      `no peer is listed as ${shown(named)}: GET /v1/nodes lists those that are; logline federation trust add --peer <address> lists another`,
    );
  }
  summarise(ctx, `confirm ${fingerprint} at ${listed.address}`);
  const key = keyOfFingerprint(fingerprint);
  // Confirming says who a node is; that it may come back is another word.
  if (key !== undefined && isRevoked(node, key)) throw revoked(listed.address, key);
  await node.confirm(listed.address, fingerprint);
  answer(ctx, await settledPeer(service, listed.address), node);
}

async function settledPeer({ node, closing }: Service, address: string): Promise<PeerInfo> {
  const [peer] = await settledPeers(node, new Set([address]), closing);
  if (peer === undefined)
    throw new HttpProblem('unknown_peer', `the peer at ${address} was taken off the list meanwhile`);
  return peer;
}

function answer(ctx: RouteContext, peer: PeerInfo, node: FederationNode): void {
  const isDone = isVerified(peer);
  const body: z.output<typeof establishResult> = {
    peer_id: peer.id ?? null,
    trust_level: !isDone && peer.trustLevel === 'verified' ? 'pending' : peer.trustLevel,
    peer_address: peer.address,
    fingerprint: peer.fingerprint ?? null,
    unconfirmed_fingerprint: peer.unconfirmedFingerprint ?? null,
    detail: isDone ? null : missing(peer, node.fingerprint),
  };
  ctx.status = isDone ? 200 : 202;
  ctx.body = body;
}

function readWish(request: z.output<typeof establishRequest>): Wish {
  const read = readPeer(request.peer_address);
  if ('problem' in read) throw new HttpProblem('bad_request', `peer_address: ${read.problem}`);
  const { address, key: keyBehindAddress } = read.value;
  const key = request.fingerprint === undefined ? keyBehindAddress : keyOfFingerprint(request.fingerprint);
  if (request.fingerprint !== undefined && key === undefined) throw noFingerprint();
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
  const { verification_method: method, readmit = false } = request;
  return { address, key, id, method, readmit };
}

function noFingerprint(): HttpProblem {
  return new HttpProblem(
    'bad_request',
    'fingerprint: expected the 43 characters that the peer prints at its start',
  );
}

function checkName(wish: Wish, peer: PeerInfo, consequence: string): void {
  if (wish.id === undefined || peer.id === undefined || peer.id === wish.id) return;
  throw new HttpProblem(
    'name_mismatch',
    `the node at ${peer.address} calls itself ${peer.id}, not ${wish.id}: check the address, or leave peer_id out; ${consequence}`,
  );
}

function keyOf(peer: PeerInfo | undefined): Uint8Array | undefined {
  return peer?.fingerprint === undefined ? undefined : keyOfFingerprint(peer.fingerprint);
}

function keyText(key: Uint8Array | undefined): string {
  return key === undefined ? '' : ` with key ${fingerprintOf(key)}`;
}

function isRevoked(node: FederationNode, key: Uint8Array): boolean {
  return relationshipOf(node, key)?.level === 'revoked';
}

function revoked(address: string, key: Uint8Array): HttpProblem {
  const fingerprint = fingerprintOf(key);
  return new HttpProblem(
    'revoked',
    `key ${fingerprint} is revoked here, and nothing was changed: GET /v1/trust/relationships says why; to trust it again, logline federation trust add --peer ${address} --fingerprint ${fingerprint} --readmit, or the same request with "readmit": true`,
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
