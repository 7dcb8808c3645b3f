/** A node that compresses nothing, put together from the library's parts as any embedding service can. */

import { join } from 'node:path';
import { FederationNode, LogStore, type Compression } from '@logline/federation-core';
import {
  createClock,
  createRandom,
  createTools,
  loadOrCreateNodeKey,
  NoiseWebSocketTransport,
  openDirectoryDisk,
  openLevelIndex,
  type LocalNodeOptions,
} from '@logline/federation-core/node';

/** As much of an open node as is used here. */
export interface OpenNode {
  readonly node: FederationNode;
  readonly transport: NoiseWebSocketTransport;
  close(): Promise<void>;
}

export async function openPlainNode({ dataDir, ...options }: LocalNodeOptions): Promise<OpenNode> {
  const [clock, random, standard] = [createClock(), createRandom(), createTools()];
  // What comes back no shorter is left as it is.
  const compression: Compression = { ...standard.compression, compress: (bytes) => bytes };
  const tools = { ...standard, compression };
  const disk = await openDirectoryDisk(join(dataDir, 'log'));
  const { index } = await openLevelIndex(join(dataDir, 'index'));
  const storage = await LogStore.open({ disk, index, tools, random, clock });
  const keyPair = await loadOrCreateNodeKey(join(dataDir, 'key'), { random, crypto: tools.crypto });
  const transport = NoiseWebSocketTransport.create({ keyPair });
  const { name, networkKey, tenants, onEvent } = options;
  const node = await FederationNode.open({
    name,
    keyPair,
    storage,
    transport,
    clock,
    random,
    tools,
    ...(networkKey !== undefined && { networkKey }),
    ...(tenants && { tenants }),
    ...(onEvent && { onEvent }),
  });
  return { node, transport, close: () => node.close() };
}
