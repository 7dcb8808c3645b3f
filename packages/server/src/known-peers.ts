/** Whom a request means by a peer: people name nodes by id, by name, by address, or by fingerprint. */

import {
  keyOfFingerprint,
  parseAddress,
  parseNodeId,
  type FederationNode,
  type PeerInfo,
} from '@logline/federation-core';
import { HttpProblem } from './problem.js';
import { shown } from './request.js';

/** The key of a node that is listed or otherwise known, of this node itself, or the one that a fingerprint is. Throws `unknown_peer`. */
export function keyFor(node: FederationNode, text: string): Uint8Array {
  const key =
    parseNodeId(text) === node.id
      ? keyOfFingerprint(node.fingerprint)
      : (node.operator.keyOf(text) ?? node.operator.keyOf(canonical(text)) ?? keyOfFingerprint(text));
  if (key !== undefined) return key;
  throw new HttpProblem(
    'unknown_peer',
    `no node is known as ${shown(text)}: name it by its id, address or fingerprint as GET /v1/trust/graph and GET /v1/nodes list them`,
  );
}

/**
 * The listed peer that is meant by its address, id, name or key. One that nothing has proven yet may not have a name
 * here: then the key that was seen there, which the operator compared, tells which one is meant.
 */
export function listedPeer(
  node: FederationNode,
  text: string,
  seenFingerprint: string,
): PeerInfo | undefined {
  const peers = node.peers();
  const [address, id] = [canonical(text), parseNodeId(text)];
  const named = peers.find(
    (peer) => peer.address === address || (id !== undefined && peer.id === id) || peer.fingerprint === text,
  );
  if (named !== undefined || id === undefined) return named;
  const seen = peers.filter((peer) => peer.unconfirmedFingerprint === seenFingerprint);
  return seen.length === 1 ? seen[0] : undefined;
}

/** A listed peer, or one that discovery has found. Throws `unknown_peer`. */
export function knownNode(node: FederationNode, text: string): PeerInfo {
  const [address, id] = [canonical(text), parseNodeId(text)];
  const known = [...node.peers(), ...node.found()].find(
    (peer) =>
      peer.address === address ||
      peer.places.includes(address) ||
      (id !== undefined && peer.id === id) ||
      peer.fingerprint === text,
  );
  if (known !== undefined) return known;
  throw new HttpProblem(
    'unknown_peer',
    `no node is known as ${shown(text)}: name it by its id, address or fingerprint as GET /v1/nodes lists them`,
  );
}

/** Every place in the list that is meant: one address, or all at which a node is listed. Throws `unknown_peer`. */
export function listedPeers(node: FederationNode, text: string): readonly PeerInfo[] {
  const [address, id] = [canonical(text), parseNodeId(text)];
  const listed = node.peers().filter((peer) => peer.source !== 'discovered');
  const there = listed.filter((peer) => peer.address === address);
  const meant = listed.filter((peer) => (id !== undefined && peer.id === id) || peer.fingerprint === text);
  const found = there.length > 0 ? there : meant;
  if (found.length > 0) return found;
  throw new HttpProblem(
    'unknown_peer',
    `no peer is listed as ${shown(text)}: GET /v1/nodes lists those that are`,
  );
}

/** As addresses are listed; a text that is none stays as it is. */
function canonical(text: string): string {
  return parseAddress(text)?.url ?? text;
}
