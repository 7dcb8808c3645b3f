/** Whether the node's peers are there and trusted, and what is in the way where they are not. */

import type { Node, Relationship } from 'logline-federation-client';
import { counted } from '../text.js';
import { nameIn } from './addresses.js';
import { orWell, problem, warning, type Finding } from './finding.js';
import type { NodeAnswers } from './node-answers.js';

const SHOWN = 20;

export function checkPeers({ sync, relationships }: NodeAnswers): readonly Finding[] {
  if (sync === undefined) return [];
  const { peers } = sync;
  if (peers.length === 0)
    return [
      warning(
        'peers',
        'the node knows no peer',
        'logline federation trust add --peer <address>#<fingerprint>',
      ),
    ];
  const found = peers.flatMap((peer) => checkPeer(peer, relationshipOf(peer, relationships)));
  const shown = found.slice(0, SHOWN);
  const left = found.length - shown.length;
  if (left > 0) shown.push(warning('peers', `${left} more like these`, 'logline federation nodes'));
  return orWell(shown, 'peers', `${counted(peers.length, 'peer')} connected and verified`);
}

function relationshipOf(peer: Node, all: readonly Relationship[]): Relationship | undefined {
  return all.find(
    (one) =>
      (peer.fingerprint !== null && one.fingerprint === peer.fingerprint) || one.address === peer.address,
  );
}

function checkPeer(peer: Node, relationship: Relationship | undefined): readonly Finding[] {
  const who = peer.id ?? peer.address;
  if (peer.trust_level === 'revoked')
    return [
      warning(
        'peers',
        `${who} is revoked`,
        `logline federation trust add --peer ${peer.address} --readmit   # if that was a mistake`,
      ),
    ];
  const why = peer.last_error ?? relationship?.why[0] ?? 'it has not answered yet';
  if (/confirm/.test(why)) return [unconfirmed(peer, relationship, why)];
  if (peer.status !== 'connected' && peer.trust_level === 'verified')
    return [problem('peers', `${who} is not connected: ${why}`, fixFor(why, peer))];
  if (peer.trust_level !== 'verified')
    return [problem('peers', `${who} is ${peer.trust_level}: ${why}`, fixFor(why, peer))];
  return [];
}

/** The first contact showed a key that nothing proves. */
function unconfirmed(peer: Node, relationship: Relationship | undefined, why: string): Finding {
  const named = /\b[\w-]{43}\b/.exec(why)?.[0];
  const key = named ?? peer.fingerprint ?? relationship?.fingerprint ?? '<fingerprint>';
  return problem(
    'first contact',
    `${peer.id ?? peer.address} showed a key that nobody has confirmed`,
    `logline federation trust confirm ${peer.address} ${key}   # after comparing it with what the peer prints at its start`,
  );
}

function fixFor(why: string, peer: Node): string {
  const name = nameIn(peer.address);
  if (/ENOTFOUND|EAI_AGAIN|resolve/i.test(why) && name !== undefined)
    return `getent hosts ${name}   # correct the address, or the resolver of the node's machine`;
  if (/ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timed? ?out/i.test(why))
    return `nc -vz ${hostAndPort(peer.address)}   # start the peer there, or let its port through the firewall`;
  if (/network.?key/i.test(why))
    return 'FEDERATION_NETWORK_KEY=<the same at both nodes>   # then restart the one that had another';
  if (/private|loopback/i.test(why))
    return 'FEDERATION_ALLOW_PRIVATE_PEERS=on   # in the environment of the node, if that peer is meant';
  if (/name_taken|another key/i.test(why))
    return 'FEDERATION_NODE_NAME=<a name of its own>   # at one of the two nodes';
  if (/pending|trust/i.test(why))
    return 'logline federation trust add --peer <this node>   # at the peer: trust takes both operators';
  return `logline federation discover   # dials it at once; the log of the peer may say more`;
}

function hostAndPort(address: string): string {
  if (!URL.canParse(address)) return address;
  const { hostname, port, protocol } = new URL(address);
  return `${hostname} ${port || (protocol === 'wss:' || protocol === 'https:' ? '443' : '80')}`;
}
