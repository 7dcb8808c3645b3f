/** Calls about trust beyond establishing it: the graph, revocations, releases, and what administrators did. */

import { answered, parsed, type Api } from './api.js';
import type {
  ActList,
  EstablishResult,
  RemoveResult,
  RevocationReport,
  RevokeRequest,
  TrustGraph,
} from './schema-trust.js';
import type { CallOptions } from './transport.js';

/** Peers are named by id, name, address or fingerprint. All of it needs a caller with `federation:admin`. */
export class TrustCalls {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Who says what about whom, and why each node's level is what it is. */
  async graph(options: CallOptions = {}): Promise<TrustGraph> {
    return parsed(answered(await this.#api(options).GET('/v1/trust/graph')));
  }

  /** The graph as text: `dot` for Graphviz, `mermaid` for Markdown. */
  async picture(format: 'dot' | 'mermaid', options: CallOptions = {}): Promise<string> {
    const params = { query: { format } };
    return answered(await this.#api(options).GET('/v1/trust/graph', { params, parseAs: 'text' }));
  }

  /**
   * Says that the key seen at a listed peer is the right one, after it was compared with what the peer prints at its
   * start. Rejects with `key_mismatch` where another one was seen there.
   */
  async confirm(peer: string, fingerprint: string, options: CallOptions = {}): Promise<EstablishResult> {
    const body = { peer, fingerprint };
    return answered(await this.#api(options).POST('/v1/trust/confirm', { body }));
  }

  /** Takes a peer off the list; what it wrote stays and counts. Rejects with `unknown_peer` where none is meant. */
  async remove(peer: string, options: CallOptions = {}): Promise<RemoveResult> {
    return answered(await this.#api(options).POST('/v1/trust/remove', { body: { peer } }));
  }

  /**
   * Ends trust in a node. `from` says what of its feeds stays: `heads` (default) what is held now, `all` nothing, or
   * the last seq by feed. With `dry_run` nothing is done, and the report tells what would fall.
   */
  async revoke(request: RevokeRequest, options: CallOptions = {}): Promise<RevocationReport> {
    return answered(await this.#api(options).POST('/v1/trust/revoke', { body: request }));
  }

  /** Lets quarantined entries of a node count after all: of one feed or of all, up to a seq or all that is held. */
  async release(
    peerId: string,
    what: { readonly feed?: string | undefined; readonly to?: number | undefined } = {},
    options: CallOptions = {},
  ): Promise<RevocationReport> {
    const body = { peer_id: peerId, ...what };
    return answered(await this.#api(options).POST('/v1/trust/release', { body }));
  }

  /** What administrators did at the node, newest first, a page at a time. */
  async acts(
    page: { readonly limit?: number | undefined; readonly before?: string | undefined } = {},
    options: CallOptions = {},
  ): Promise<ActList> {
    return answered(await this.#api(options).GET('/v1/trust/acts', { params: { query: page } }));
  }
}
