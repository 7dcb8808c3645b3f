/** What a node is opened with. */

import { LoglineError } from './errors.js';
import type { NodeEvent } from './events.js';
import type { DiscoveryOptions } from './finder.js';
import type { NodeFigures } from './figures.js';
import { isNodeName, type TenantId } from './identity.js';
import { LIMITS } from './limits.js';
import type { Clock, Credentials, KeyPair, Random, Tools, Transport } from './ports.js';
import type { ConflictPolicy, VerificationMethod } from './statement.js';
import type { Storage } from './storage.js';
import type { TrustSettings } from './trust-reading.js';

export interface TrustedPeer {
  /** In canonical form: see `parseAddress`. Or the id of a node, with its key: then discovery finds out where it is. */
  readonly address: string;
  readonly key?: Uint8Array | undefined;
  /** How the node there has to prove who it is; where nothing is said, either way will do. */
  readonly method?: VerificationMethod | undefined;
}

export interface NodeOptions {
  readonly name: string;
  readonly keyPair: KeyPair;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly tools: Tools;
  /** The key that this node ran under before: that `keyPair` follows it is stated before anybody is met. */
  readonly earlierKey?: KeyPair | undefined;
  /** The network's secret; empty means any node may shake hands. */
  readonly networkKey?: string;
  readonly trustedPeers?: readonly TrustedPeer[];
  /** Our certificates, and whose word we take for names; without it nodes go by their keys alone. */
  readonly credentials?: Credentials | undefined;
  /** Tenants shared with every verified peer: `'*'` for all, default none. */
  readonly tenants?: readonly TenantId[] | '*';
  /** Primaries that the configuration names: they alone set their tenant's rights. */
  readonly primaries?: ReadonlyMap<TenantId, Uint8Array> | undefined;
  /** How conflicts of a tenant are settled of which neither a primary nor an operator here has said so; by default by timestamp. */
  readonly conflictPolicy?: ConflictPolicy | undefined;
  /** Nodes in order of priority, highest first, for such a tenant: ids, names or fingerprints. */
  readonly primaryNodes?: readonly string[] | undefined;
  /** How far others' word goes: see `TrustSettings`. */
  readonly trust?: Partial<TrustSettings> | undefined;
  /** Ways of finding other nodes; without them there are the trusted peers alone. */
  readonly discovery?: DiscoveryOptions | undefined;
  /** What is counted into; the node's own unless given. */
  readonly figures?: NodeFigures | undefined;
  readonly onEvent?: (event: NodeEvent) => void;
}

/** Throws `bad_configuration` for what no node can be started with. */
export function checkOptions({ name, tenants = [] }: Pick<NodeOptions, 'name' | 'tenants'>): void {
  if (!isNodeName(name)) {
    throw new LoglineError(
      'bad_configuration',
      `node name: expected letters, digits, dots, dashes or underscores, got ${JSON.stringify(name.slice(0, 80))}`,
    );
  }
  if (tenants !== '*' && tenants.length > LIMITS.sharedTenants) {
    throw new LoglineError(
      'bad_configuration',
      `tenants: at most ${LIMITS.sharedTenants} can be shared by name, got ${tenants.length}: share all with *, or grant them one by one`,
    );
  }
}
