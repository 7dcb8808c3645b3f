/** How what nodes say of one span at the same time is settled, where a tenant's primary has not said. */

import { keyOfFingerprint, parseNodeId, type ConflictPolicy } from '@logline/federation-core';
import { expected, list, ok, text, type Read } from './config-values.js';

export interface ConflictConfig {
  readonly conflictPolicy: ConflictPolicy;
  /** Ids or fingerprints of nodes, highest first. */
  readonly primaryNodes: readonly string[];
}

export const DEFAULT_CONFLICTS: ConflictConfig = { conflictPolicy: 'timestamp', primaryNodes: [] };

const POLICIES: readonly ConflictPolicy[] = ['timestamp', 'priority', 'manual'];

export const CONFLICT_VARIABLES = {
  FEDERATION_CONFLICT_POLICY: text(DEFAULT_CONFLICTS.conflictPolicy, (value) => {
    const policy = POLICIES.find((one) => one === value.toLowerCase());
    return policy === undefined ? expected(POLICIES.join(', '), value) : ok(policy);
  }),
  FEDERATION_PRIMARY_NODES: list(readNode, (nodes) => nodes.find((node, i) => nodes.indexOf(node) !== i)),
};

export function conflictsOf(values: {
  readonly FEDERATION_CONFLICT_POLICY: ConflictPolicy;
  readonly FEDERATION_PRIMARY_NODES: readonly string[];
}): ConflictConfig {
  return {
    conflictPolicy: values.FEDERATION_CONFLICT_POLICY,
    primaryNodes: values.FEDERATION_PRIMARY_NODES,
  };
}

function readNode(value: string): Read<string> {
  if (keyOfFingerprint(value) !== undefined) return ok(value);
  const id = parseNodeId(value);
  return id === undefined ? expected('the id, name or fingerprint of a node', value) : ok(id);
}
