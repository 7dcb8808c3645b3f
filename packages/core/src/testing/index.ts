/** What services that embed the library may use in their own tests: memory adapters, contract suites, a simulated network. */

export { diskContract, type ContractCase, type DiskUnderTest } from './disk-contract.js';
export { keyValueContract, type KeyValueUnderTest } from './index-contract.js';
export { linkContract, type LinkPair } from './link-contract.js';
export { storageContract, type StorageUnderTest } from './storage-contract.js';
export { MemoryDisk, type DiskSnapshot } from './memory-disk.js';
export { MemoryIndex, type IndexSnapshot } from './memory-index.js';
export { MemoryNetwork } from './memory-link.js';
export { TcpProxy } from './proxy.js';
export { eventually } from './eventually.js';
export { SeededRandom } from './seeded-random.js';
export { simulate, type SimulationOptions, type SimulationReport } from './simulation.js';
export type { PlantedBug } from './sim-node.js';
export { HostilePeer, type HostilePeerOptions } from './hostile-peer.js';
export type { HelloDeviation, HostileLink } from './hostile-peer-link.js';
export {
  headerOf,
  HostileFeed,
  newSpan,
  withChecksum,
  type ForgedEntry,
  type ForgedParts,
  type HostileFeedOptions,
} from './hostile-peer-feed.js';
export { HostileWire } from './hostile-peer-wire.js';
