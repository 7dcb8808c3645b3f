/** Calls about what is held at a node and does not count there. */

import { answered, parsed, type Api } from './api.js';
import type { ForkProof, Quarantine, RuleResult } from './schema-trust.js';
import type { CallOptions } from './transport.js';

/** All of it needs a caller with `federation:admin`. */
export class QuarantineCalls {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** A page of the feeds of which something does not count: of one peer, or of all. */
  async list(
    page: {
      readonly peer_id?: string | undefined;
      readonly limit?: number | undefined;
      readonly after?: string | undefined;
    } = {},
    options: CallOptions = {},
  ): Promise<Quarantine> {
    return answered(await this.#api(options).GET('/v1/quarantine', { params: { query: page } }));
  }

  /** The entries, signed by one key, that contradict one another in a feed. Rejects with `bad_request` where none do. */
  async proof(peerId: string, feed: string, options: CallOptions = {}): Promise<ForkProof> {
    const params = { query: { peer_id: peerId, feed } };
    return parsed(answered(await this.#api(options).GET('/v1/quarantine/proof', { params })));
  }

  /** The same entries as a CBOR sequence (RFC 8742) of byte strings, for a file. */
  async proofBytes(peerId: string, feed: string, options: CallOptions = {}): Promise<Uint8Array> {
    const params = { query: { peer_id: peerId, feed, format: 'cbor' as const } };
    const result = await this.#api(options).GET('/v1/quarantine/proof', { params, parseAs: 'arrayBuffer' });
    return new Uint8Array(answered(result));
  }

  /** Says which branch of the node's own forked feed stands: the one with this entry. */
  async rule(feed: string, hash: string, options: CallOptions = {}): Promise<RuleResult> {
    return answered(await this.#api(options).POST('/v1/quarantine/rule', { body: { feed, hash } }));
  }
}
