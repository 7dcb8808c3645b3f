/** Who is who: node keys and their fingerprints, names, tenants and scopes. */

import { fromBase64Url, toBase64Url } from './bytes.js';
import { LIMITS } from './limits.js';

/** A node's public key in base64url, 43 characters: the key itself, so nothing can collide with it. */
export type Fingerprint = string & { readonly brand: 'Fingerprint' };
/** `logline-id://node/<name>`: a label, bound to one key per operator. */
export type NodeId = string & { readonly brand: 'NodeId' };
/** The owner of a timeline. */
export type TenantId = string & { readonly brand: 'TenantId' };
/** A named replicated set, such as `timeline/acme`. */
export type Scope = string & { readonly brand: 'Scope' };

/** How far a node trusts a key. */
export type TrustLevel = 'unknown' | 'pending' | 'verified' | 'revoked';

const NODE_PREFIX = 'logline-id://node/';
const TIMELINE_PREFIX = 'timeline/';
const ANNOTATIONS_PREFIX = 'annotations/';
const ACCESS_PREFIX = 'access/';
/** The statements about nodes, shared with every verified peer. */
export const TRUST_SCOPE = 'trust' as Scope;
/** A node's own acts: signed like everything else, offered to nobody. */
export const ACTS_SCOPE = 'acts' as Scope;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
/** Printable ASCII without space, and without what separates things elsewhere: `/ , * # ? % & = "` and backslash. */
const TENANT = /^[!$'()+\-.0-9:;<>@A-Z[\]^_`a-z{|}~]+$/;

export function fingerprintOf(publicKey: Uint8Array): Fingerprint {
  return toBase64Url(publicKey) as Fingerprint;
}

/** The key that a fingerprint stands for; `undefined` unless it is 32 bytes of base64url. */
export function keyOfFingerprint(text: string): Uint8Array | undefined {
  const key = fromBase64Url(text);
  return key?.length === 32 ? key : undefined;
}

export function parseFingerprint(text: string): Fingerprint | undefined {
  return keyOfFingerprint(text) === undefined ? undefined : (text as Fingerprint);
}

export function isNodeName(text: string): boolean {
  return text.length <= LIMITS.nodeNameChars && NAME.test(text);
}

/** The caller has checked the name. */
export function nodeIdOf(name: string): NodeId {
  return (NODE_PREFIX + name) as NodeId;
}

export function isNodeId(text: string): text is NodeId {
  return text.startsWith(NODE_PREFIX) && isNodeName(text.slice(NODE_PREFIX.length));
}

/** Accepts a bare name too: people type those. */
export function parseNodeId(text: string): NodeId | undefined {
  const name = text.startsWith(NODE_PREFIX) ? text.slice(NODE_PREFIX.length) : text;
  return isNodeName(name) ? nodeIdOf(name) : undefined;
}

export function parseTenant(text: string): TenantId | undefined {
  return text.length <= LIMITS.tenantChars && TENANT.test(text) ? (text as TenantId) : undefined;
}

export function timelineScope(tenant: TenantId): Scope {
  return (TIMELINE_PREFIX + tenant) as Scope;
}

/** The tenant whose timeline `scope` is; `undefined` for any other scope. */
export function tenantOfTimeline(scope: string): TenantId | undefined {
  return scope.startsWith(TIMELINE_PREFIX) ? parseTenant(scope.slice(TIMELINE_PREFIX.length)) : undefined;
}

/** What is said about a tenant's spans after the fact. */
export function annotationsScope(tenant: TenantId): Scope {
  return (ANNOTATIONS_PREFIX + tenant) as Scope;
}

/** The tenant whose annotations scope `scope` is; `undefined` for any other scope. */
export function tenantOfAnnotations(scope: string): TenantId | undefined {
  return scope.startsWith(ANNOTATIONS_PREFIX)
    ? parseTenant(scope.slice(ANNOTATIONS_PREFIX.length))
    : undefined;
}

/** The tenant whose timeline or annotations `scope` holds: what rights to read and write are about, and what bars keep out. */
export function tenantOfContent(scope: string): TenantId | undefined {
  return tenantOfTimeline(scope) ?? tenantOfAnnotations(scope);
}

/** Where the rights, cuts and policies of a tenant are stated. */
export function accessScope(tenant: TenantId): Scope {
  return (ACCESS_PREFIX + tenant) as Scope;
}

/** The tenant whose access scope `scope` is; `undefined` for any other scope. */
export function tenantOfAccess(scope: string): TenantId | undefined {
  return scope.startsWith(ACCESS_PREFIX) ? parseTenant(scope.slice(ACCESS_PREFIX.length)) : undefined;
}

/** The tenant that a scope belongs to, whichever of its scopes it is. */
export function tenantOfScope(scope: string): TenantId | undefined {
  return tenantOfContent(scope) ?? tenantOfAccess(scope);
}

/** Which kind of statements a scope holds; `undefined` for what holds none, and for what is no scope. */
export function statementsOfScope(scope: string): 'trust' | 'access' | 'acts' | undefined {
  if (scope === TRUST_SCOPE) return 'trust';
  if (scope === ACTS_SCOPE) return 'acts';
  return tenantOfAccess(scope) === undefined ? undefined : 'access';
}
