/** Adapters for Node.js: disks, sockets, keys and time, and a node that is made of them. */

export { openLocalNode, type LocalDiscovery, type LocalNode, type LocalNodeOptions } from './open-node.js';
export type { DataSize } from './data-size.js';
export { openDirectoryDisk, lockDirectory, type DirectoryLock } from './directory-disk.js';
export { openLevelIndex } from './level-index.js';
export { KEY_FILE, type KeyFileOptions, type KeySource } from './key-files.js';
export {
  beginRotation,
  describeKeys,
  finishRotation,
  pendingRotation,
  type KeyDescription,
  type KeyFiles,
  type KeyRotation,
} from './key-rotation.js';
export { readPassphrase } from './key-seal.js';
export { loadOrCreateNodeKey } from './node-key.js';
export {
  loadAuthorities,
  loadCredentials,
  pemOf,
  readCertificates,
  type FileCredentials,
} from './certificate-files.js';
export {
  nodeIdIn,
  nodeKeyIn,
  problemOfAuthority,
  problemOfLeaf,
  type ParsedCertificate,
} from './certificates.js';
export { parseDnsServer, type DnsServer } from './dns-exchange.js';
export { parseTsigKey, type TsigKey } from './dns-update-message.js';
export type { DialPolicy, ResolvedAddress } from './dial.js';
export { NoiseWebSocketTransport, type NoiseWebSocketOptions } from './noise-websocket.js';
export { createClock, createCompression, createRandom, createText, createTools } from './system.js';
export { createCrypto } from './sodium.js';
