/** The greeting of a session: what is signed and proven after Noise, which proves two keys and nothing else. */

import { concatBytes, equalBytes } from './bytes.js';
import { helloBody, PROTOCOL_VERSION, type ByeCode, type Hello } from './message.js';
import type { Tools } from './ports.js';

const HELLO_DOMAIN = 'logline-federation/hello/1\0';
/** The label under which a network key is stretched; a constant of the protocol. */
export const NETWORK_KEY_LABEL = 'logline-federation/network-key/1';

/** The link a greeting runs over. */
export interface Channel {
  readonly initiator: boolean;
  readonly handshakeHash: Uint8Array;
  readonly remoteKey: Uint8Array;
}

/** Who we are and what we say of the peer. */
export interface Greeter {
  readonly name: string;
  readonly publicKey: Uint8Array;
  /** Our certificates in DER, our own first; empty where we go by our key alone. */
  readonly certificates: readonly Uint8Array[];
  /** The entries by which our earlier keys led to this one, oldest first. */
  readonly rotations: readonly Uint8Array[];
  /** The stretched network key. */
  readonly networkKey: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

export type Greeted =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ByeCode; readonly reason: string };

/** Our hello on this link. It is worth nothing on any other: the handshake hash is in it twice. */
export function writeHello(
  greeter: Greeter,
  channel: Channel,
  say: { readonly verify: boolean; readonly atMs: number; readonly tools: Tools },
): Hello {
  const proof = networkProof(greeter.networkKey, channel, {
    byInitiator: channel.initiator,
    version: PROTOCOL_VERSION,
    tools: say.tools,
  });
  const { name, certificates, rotations } = greeter;
  const { verify, atMs } = say;
  const said = { version: PROTOCOL_VERSION, name, verify, proof, atMs, certificates, rotations };
  const signature = greeter.sign(signedBytes(said, channel, channel.initiator, say.tools));
  return { kind: 'hello', ...said, signature };
}

/** Checks the peer's hello. A wrong network key and a wrong signature are told apart for nobody. */
export function checkHello(hello: Hello, channel: Channel, greeter: Greeter, tools: Tools): Greeted {
  const byInitiator = !channel.initiator;
  const expected = networkProof(greeter.networkKey, channel, { byInitiator, version: hello.version, tools });
  // Both hashed again first, so that how long the comparison takes says nothing about the proof.
  const rehash = (proof: Uint8Array): Uint8Array => tools.crypto.hmac(greeter.networkKey, proof);
  const same = equalBytes(rehash(hello.proof), rehash(expected));
  const signed = tools.crypto.verify(
    hello.signature,
    signedBytes(hello, channel, byInitiator, tools),
    channel.remoteKey,
  );
  if (!same || !signed)
    return {
      ok: false,
      code: 'refused',
      reason: 'not of this network: compare FEDERATION_NETWORK_KEY on both nodes',
    };
  if (majorOf(hello.version) !== majorOf(PROTOCOL_VERSION)) {
    return {
      ok: false,
      code: 'version',
      reason: `peer speaks ${hello.version}, we speak ${PROTOCOL_VERSION}: upgrade the older node`,
    };
  }
  return { ok: true };
}

function networkProof(
  networkKey: Uint8Array,
  channel: Channel,
  by: { readonly byInitiator: boolean; readonly version: string; readonly tools: Tools },
): Uint8Array {
  const label = by.tools.text.encode(`${roleName(by.byInitiator)}\0${by.version}\0`);
  return by.tools.crypto.hmac(networkKey, concatBytes([label, channel.handshakeHash]));
}

function signedBytes(
  hello: Omit<Hello, 'signature' | 'kind'>,
  channel: Channel,
  byInitiator: boolean,
  tools: Tools,
): Uint8Array {
  const label = tools.text.encode(`${HELLO_DOMAIN}${roleName(byInitiator)}\0`);
  return concatBytes([label, channel.handshakeHash, helloBody(hello)]);
}

function roleName(initiator: boolean): string {
  return initiator ? 'initiator' : 'responder';
}

function majorOf(version: string): string {
  return version.split('.')[0] ?? '';
}
