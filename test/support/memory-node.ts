/** A real node over a real transport whose disk is memory: for tests of what crosses the network. */

import {
  FederationNode,
  LogStore,
  parseTenant,
  type KeyPair,
  type NodeEvent,
  type Tools,
  type Transport,
} from '@logline/federation-core';
import { createClock, createRandom, createTools } from '@logline/federation-core/node';
import { MemoryDisk, MemoryIndex } from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';

export const TENANT = 'acme';

export interface MemoryNodeOptions {
  readonly name: string;
  readonly keyPair: KeyPair;
  readonly transport: Transport;
  readonly networkKey: string;
  /** Off, batches and frames are sent as they are, however long. */
  readonly compression: 'on' | 'off';
}

export interface MemoryNode {
  readonly node: FederationNode;
  /** What the node has told its host so far. */
  readonly events: readonly NodeEvent[];
}

/** Opens a node that shares the tenant `acme`, and closes it when the test ends. */
export async function openMemoryNode(
  t: Pick<ExecutionContext, 'teardown'>,
  options: MemoryNodeOptions,
): Promise<MemoryNode> {
  const { name, keyPair, transport, networkKey } = options;
  const random = createRandom();
  const tools = options.compression === 'on' ? createTools() : withoutCompression(createTools());
  const storage = await LogStore.open({ disk: new MemoryDisk(), index: new MemoryIndex(), tools, random });
  const tenant = parseTenant(TENANT);
  const events: NodeEvent[] = [];
  const node = await FederationNode.open({
    name,
    keyPair,
    storage,
    transport,
    clock: createClock(),
    random,
    tools,
    networkKey,
    tenants: tenant === undefined ? [] : [tenant],
    onEvent: (event) => events.push(event),
  });
  t.teardown(() => node.close());
  return { node, events };
}

/** What does not get shorter is sent as it is. */
function withoutCompression(tools: Tools): Tools {
  return { ...tools, compression: { ...tools.compression, compress: (bytes) => bytes } };
}
