/** Adapters for Node.js: disks, sockets, keys and time, and a node that is made of them. */

export { openLocalNode, type LocalNode, type LocalNodeOptions } from './open-node.js';
export { openDirectoryDisk, lockDirectory, type DirectoryLock } from './directory-disk.js';
export { openLevelIndex } from './level-index.js';
export { loadOrCreateNodeKey } from './node-key.js';
export { NoiseWebSocketTransport, type NoiseWebSocketOptions } from './noise-websocket.js';
export { createClock, createCompression, createRandom, createText, createTools } from './system.js';
export { createCrypto } from './sodium.js';
