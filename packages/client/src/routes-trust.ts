/** The service's routes about trust, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

import type { JsonBody, Refusal } from './bodies.js';
import type {
  ActList,
  ConfirmRequest,
  EstablishRequest,
  EstablishResult,
  ForkProof,
  GrantRequest,
  PeerRequest,
  PolicyRequest,
  PrioritiseRequest,
  Quarantine,
  Relationship,
  ReleaseRequest,
  RemoveRequest,
  RemoveResult,
  RevocationReport,
  RevokeRequest,
  RuleRequest,
  RuleResult,
  TenantAccess,
  TrustGraph,
} from './schema-trust.js';

export interface TrustPaths {
  '/v1/trust/establish': {
    /** Trust the node at an address, from now on and across restarts */
    post: {
      requestBody: JsonBody<EstablishRequest>;
      responses: { 200: JsonBody<EstablishResult>; 202: JsonBody<EstablishResult>; default: Refusal };
    };
  };
  '/v1/trust/confirm': {
    /** Say that the key seen at a listed peer is the right one */
    post: {
      requestBody: JsonBody<ConfirmRequest>;
      responses: { 200: JsonBody<EstablishResult>; 202: JsonBody<EstablishResult>; default: Refusal };
    };
  };
  '/v1/trust/relationships': {
    /** All trust relationships */
    get: { responses: { 200: JsonBody<{ readonly relationships: Relationship[] }>; default: Refusal } };
  };
  '/v1/trust/remove': {
    /** Take a peer off the list, durably */
    post: {
      requestBody: JsonBody<RemoveRequest>;
      responses: { 200: JsonBody<RemoveResult>; default: Refusal };
    };
  };
  '/v1/trust/graph': {
    /** Who says what about whom, and why each level is what it is */
    get: {
      parameters: {
        query?: {
          /** `dot` for Graphviz, `mermaid` for Markdown; default `json` */
          format?: 'json' | 'dot' | 'mermaid' | undefined;
        };
      };
      responses: {
        200: {
          content: { 'application/json': TrustGraph; 'text/vnd.graphviz': string; 'text/plain': string };
        };
        default: Refusal;
      };
    };
  };
  '/v1/trust/revoke': {
    /** Stop trusting a node, and say where its feeds end */
    post: {
      requestBody: JsonBody<RevokeRequest>;
      responses: { 200: JsonBody<RevocationReport>; default: Refusal };
    };
  };
  '/v1/trust/release': {
    /** Let a node's quarantined entries count after all, by moving cuts of our own up */
    post: {
      requestBody: JsonBody<ReleaseRequest>;
      responses: { 200: JsonBody<RevocationReport>; default: Refusal };
    };
  };
  '/v1/quarantine': {
    /** Feeds of which something is held that does not count */
    get: {
      parameters: {
        query?: {
          /** A node, by its id, name, address or fingerprint */
          peer_id?: string | undefined;
          /** Default 100; more than 1,000 counts as 1,000 */
          limit?: number | undefined;
          /** `next` of the page before */
          after?: string | undefined;
        };
      };
      responses: { 200: JsonBody<Quarantine>; default: Refusal };
    };
  };
  '/v1/quarantine/proof': {
    /** The signed entries that prove a fork */
    get: {
      parameters: {
        query: {
          /** A node, by its id, name, address or fingerprint */
          peer_id: string;
          /** A feed of a node: its scope, and its epoch in hex */
          feed: string;
          /** `cbor`: a sequence (RFC 8742) of byte strings, one an entry; default `json` */
          format?: 'json' | 'cbor' | undefined;
        };
      };
      responses: {
        200: { content: { 'application/json': ForkProof; 'application/cbor-seq': string } };
        default: Refusal;
      };
    };
  };
  '/v1/quarantine/rule': {
    /** Say which branch of this node's own forked feed stands */
    post: { requestBody: JsonBody<RuleRequest>; responses: { 200: JsonBody<RuleResult>; default: Refusal } };
  };
  '/v1/tenants': {
    /** Every tenant that is shared, and with whom */
    get: { responses: { 200: JsonBody<{ readonly tenants: TenantAccess[] }>; default: Refusal } };
  };
  '/v1/tenants/{id}/access': {
    /** Who may read and write a tenant */
    get: {
      parameters: {
        path: {
          /** The tenant */
          id: string;
        };
      };
      responses: { 200: JsonBody<TenantAccess>; default: Refusal };
    };
  };
  '/v1/tenants/{id}/grant': {
    /** Say what a node may do with a tenant */
    post: {
      parameters: {
        path: {
          /** The tenant */
          id: string;
        };
      };
      requestBody: JsonBody<GrantRequest>;
      responses: { 200: JsonBody<TenantAccess>; default: Refusal };
    };
  };
  '/v1/tenants/{id}/ungrant': {
    /** Take back what a node may do with a tenant */
    post: {
      parameters: {
        path: {
          /** The tenant */
          id: string;
        };
      };
      requestBody: JsonBody<PeerRequest>;
      responses: { 200: JsonBody<TenantAccess>; default: Refusal };
    };
  };
  '/v1/tenants/{id}/designate': {
    /** Name a tenant's primary: from then on only its grants count */
    post: {
      parameters: {
        path: {
          /** The tenant */
          id: string;
        };
      };
      requestBody: JsonBody<PeerRequest>;
      responses: { 200: JsonBody<TenantAccess>; default: Refusal };
    };
  };
  '/v1/tenants/{id}/policy': {
    /** Say how conflicts of a field of a tenant's spans are settled */
    post: {
      parameters: {
        path: {
          /** The tenant */
          id: string;
        };
      };
      requestBody: JsonBody<PolicyRequest>;
      responses: { 200: JsonBody<TenantAccess>; default: Refusal };
    };
  };
  '/v1/tenants/{id}/prioritise': {
    /** Say whose word on a tenant's spans counts under the policy `priority` */
    post: {
      parameters: {
        path: {
          /** The tenant */
          id: string;
        };
      };
      requestBody: JsonBody<PrioritiseRequest>;
      responses: { 200: JsonBody<TenantAccess>; default: Refusal };
    };
  };
  '/v1/trust/acts': {
    /** What administrators did here */
    get: {
      parameters: {
        query?: {
          /** Default 100; more than 1,000 counts as 1,000 */
          limit?: number | undefined;
          /** `next` of the page before */
          before?: string | undefined;
        };
      };
      responses: { 200: JsonBody<ActList>; default: Refusal };
    };
  };
}
