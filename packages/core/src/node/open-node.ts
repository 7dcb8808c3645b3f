/** A node on this machine: its data directory, its key, its sockets. What servers and embedding services open. */

import { join } from 'node:path';
import type { NodeEvent } from '../events.js';
import type { DiscoveryOptions, Finder } from '../finder.js';
import { NodeFigures } from '../figures.js';
import type { TenantId } from '../identity.js';
import { FederationNode } from '../node.js';
import type { TrustedPeer } from '../node-options.js';
import type { KeyPair, KeyValue } from '../ports.js';
import type { ConflictPolicy } from '../statement.js';
import type { TrustSettings } from '../trust-reading.js';
import { LogStore } from '../store/store.js';
import { loadCredentials, type FileCredentials } from './certificate-files.js';
import type { DialPolicy } from './dial.js';
import { lockDirectory, openDirectoryDisk } from './directory-disk.js';
import { readDataSize, type DataSize } from './data-size.js';
import { DnsFinder, type DnsFinderOptions } from './dns-finder.js';
import { openLevelIndex } from './level-index.js';
import { meteredDisk } from './metered-disk.js';
import { KEY_FILE } from './key-files.js';
import { keyFilesAt, type KeyFiles } from './key-rotation.js';
import { readPassphrase } from './key-seal.js';
import { MdnsFinder } from './mdns-finder.js';
import type { MdnsOptions } from './mdns-socket.js';
import { loadOrCreateNodeKey } from './node-key.js';
import { openNotebook } from './notebook-file.js';
import { NoiseWebSocketTransport } from './noise-websocket.js';
import { createClock, createRandom, createTools } from './system.js';

export interface LocalNodeOptions {
  /** Created if absent. One process at a time may have it open. */
  readonly dataDir: string;
  readonly name: string;
  readonly networkKey?: string;
  readonly trustedPeers?: readonly TrustedPeer[];
  readonly tenants?: readonly TenantId[] | '*';
  /** A file whose one line encrypts the node's key; an unencrypted key is encrypted in place. */
  readonly keyPassphraseFile?: string;
  /** Authorities (PEM) whose certificates prove a peer's name. */
  readonly caFile?: string;
  /** This node's own certificate (PEM), and those between it and the authority. */
  readonly certFile?: string;
  /** Whether peers may be at loopback, private, link-local and such addresses; by default they may. */
  readonly allowPrivatePeers?: boolean;
  /** The IP addresses of a peer's name; the system's resolver unless given. */
  readonly resolve?: NonNullable<DialPolicy['resolve']>;
  /** Primaries that the configuration names, by tenant. */
  readonly primaries?: ReadonlyMap<TenantId, Uint8Array>;
  /** Ways of finding other nodes; without them there are the trusted peers alone. */
  readonly discovery?: LocalDiscovery;
  readonly conflictPolicy?: ConflictPolicy;
  readonly primaryNodes?: readonly string[];
  /** How far others' word goes: see `TrustSettings`. */
  readonly trust?: Partial<TrustSettings>;
  readonly onEvent?: (event: NodeEvent) => void;
  /** Called while a damaged or absent index is rebuilt from the log, in bytes. */
  readonly onProgress?: (reached: number, end: number) => void;
}

export interface LocalDiscovery {
  /** Multicast DNS on the local network. */
  readonly broadcast?: MdnsOptions | undefined;
  readonly dns?: DnsFinderOptions | undefined;
  /** Whether verified peers are told of each other, and listened to when they tell. */
  readonly exchange?: boolean | undefined;
}

export interface LocalNode {
  readonly node: FederationNode;
  /** Hand it the `upgrade` events of an HTTP server, or let it listen itself. */
  readonly transport: NoiseWebSocketTransport;
  readonly keyPair: KeyPair;
  readonly credentials: FileCredentials;
  /** Rotation on the disk. A key that is begun is in use from the next start on; its statement has to be published before it is finished. */
  readonly keyFiles: KeyFiles;
  /** How much room its data take, and how much there is. */
  size(): Promise<DataSize>;
  close(): Promise<void>;
}

/** Whom the node met where is remembered beside its log. */
function discoveryAt(dataDir: string, { broadcast, dns, exchange }: LocalDiscovery): DiscoveryOptions {
  const finders: Finder[] = [];
  if (broadcast !== undefined) finders.push(new MdnsFinder(broadcast));
  if (dns !== undefined) finders.push(new DnsFinder(dns));
  return { finders, notebook: openNotebook(join(dataDir, 'met')), exchange };
}

/** Opens a node over a data directory. Rejects with a `LoglineError` that says what to do. */
export async function openLocalNode(options: LocalNodeOptions): Promise<LocalNode> {
  const clock = createClock();
  const random = createRandom();
  const tools = createTools();
  const lock = await lockDirectory(options.dataDir);
  let opened: KeyValue | undefined;
  try {
    const { keyPassphraseFile, caFile, certFile } = options;
    const keyFile = join(options.dataDir, KEY_FILE);
    const keySource = { random, crypto: tools.crypto };
    const keyOptions =
      keyPassphraseFile === undefined ? {} : { passphrase: await readPassphrase(keyPassphraseFile) };
    const keyPair = await loadOrCreateNodeKey(keyFile, keySource, keyOptions);
    const keyFiles = keyFilesAt(keyFile, keySource, keyOptions);
    const rotation = await keyFiles.pendingRotation();
    const credentials = await loadCredentials({
      ...(caFile !== undefined && { caFile }),
      ...(certFile !== undefined && { certFile }),
      node: { key: keyPair.publicKey, name: options.name },
    });
    const figures = new NodeFigures();
    const disk = meteredDisk(await openDirectoryDisk(join(options.dataDir, 'log')), figures.syncMs);
    const { index } = await openLevelIndex(join(options.dataDir, 'index'));
    opened = index;
    const { onProgress } = options;
    const storage = await LogStore.open({
      disk,
      index,
      tools,
      random,
      clock,
      ...(onProgress && { onProgress }),
    });
    const { allowPrivatePeers, resolve } = options;
    const transport = NoiseWebSocketTransport.create({
      keyPair,
      onFault: ({ reason: code, message: reason }, address) =>
        options.onEvent?.({ kind: 'link_fault', address, code, reason }),
      ...(allowPrivatePeers !== undefined && { allowPrivatePeers }),
      ...(resolve && { resolve }),
    });
    const { name, networkKey, trustedPeers, tenants, primaries, trust, onEvent } = options;
    const { conflictPolicy, primaryNodes } = options;
    const node = await FederationNode.open({
      name,
      keyPair,
      earlierKey: rotation?.oldKeyPair,
      storage,
      transport,
      clock,
      random,
      tools,
      ...(networkKey !== undefined && { networkKey }),
      ...(trustedPeers && { trustedPeers }),
      ...(tenants && { tenants }),
      credentials,
      figures,
      ...(primaries && { primaries }),
      conflictPolicy,
      primaryNodes,
      ...(trust && { trust }),
      discovery: discoveryAt(options.dataDir, options.discovery ?? {}),
      ...(onEvent && { onEvent }),
    });
    // Its statement is durable: the old secret is of no more use, except to a thief.
    if (rotation !== undefined) await keyFiles.finishRotation();
    const closeAll = async (): Promise<void> => {
      try {
        await node.close();
      } finally {
        await lock.release();
      }
    };
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= closeAll());
    const size = (): Promise<DataSize> => readDataSize(options.dataDir);
    return { node, transport, keyPair, credentials, keyFiles, size, close };
  } catch (error) {
    await opened?.close();
    await lock.release();
    throw error;
  }
}
