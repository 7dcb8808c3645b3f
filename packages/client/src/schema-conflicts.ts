/** What goes in and out of the service about conflicts, written by scripts/client-types.mjs from its OpenAPI document: change that, not this. */

import type { Span } from './schema.js';

/** Either `choose` or `value` */
export type ResolveRequest = {
  /** The `ref` of a candidate */
  readonly choose?: string | undefined;
  /** Another value; not for a conflict of kind `identity` */
  readonly value?: unknown;
  /** Why, for those who look later */
  readonly note?: string | undefined;
};

export type ConflictPage = {
  readonly conflicts: Conflict[];
  /** null at the end. A short page need not be the last */
  readonly next_cursor: string | null;
};

export type Conflict = {
  /** The same on every node */
  readonly id: string;
  readonly tenant_id: string;
  /** The UUID of the span */
  readonly span_id: string;
  readonly field: string;
  /** `concurrent`: of what is said about it; `identity`: other content under the same id */
  readonly kind: 'concurrent' | 'identity';
  /** The later one, the one of the higher node, or a person */
  readonly policy: 'timestamp' | 'priority' | 'manual';
  readonly state: 'open' | 'resolved';
  /** Oldest first */
  readonly candidates: ConflictCandidate[];
  /** RFC 3339, in UTC */
  readonly opened_at: string;
  readonly resolved_at: string | null;
  /** What is read since, and who said so: a node, or the policy by itself */
  readonly resolution: {
    readonly by: 'policy' | 'node';
    readonly node_id: string | null;
    readonly fingerprint: string | null;
    readonly ref: string | null;
    readonly value: unknown;
    readonly note: string | null;
  } | null;
};

export type ConflictCandidate = {
  /** What was said: the hash of its entry in hex, a dot, and its place there */
  readonly ref: string;
  readonly value: unknown;
  /** Of a conflict of kind `identity`: the whole body */
  readonly span?: Span | undefined;
  readonly node_id: string | null;
  /** A public key in base64url, 43 characters: the identity of a node */
  readonly fingerprint: string;
  /** RFC 3339, in UTC */
  readonly at: string;
  /** Why it is what is read, or is not. Read: `undisputed`, `resolved`, `latest`, `priority`, `provisional` until somebody decides, `agrees` with what is read, `noted`. Not: `earlier`, `lower_priority`, `open` until somebody decides, `superseded`, `ahead` of the clock */
  readonly why:
    | 'undisputed'
    | 'resolved'
    | 'latest'
    | 'priority'
    | 'chosen'
    | 'provisional'
    | 'agrees'
    | 'earlier'
    | 'lower_priority'
    | 'passed_over'
    | 'open'
    | 'superseded'
    | 'ahead'
    | 'noted';
};
