/** Bugs to plant in a simulated network: each is one way of getting the design wrong that the checks must find. */

import { LIMITS } from '../dist/limits.js';
import type { Disk, DiskFile, KeyValue } from '../dist/ports.js';
import type { Storage } from '../dist/storage.js';
import type { PlantedBug } from '../dist/testing/sim-node.js';

export interface Planted {
  readonly name: string;
  /** A seed that found it, so as not to look through those before it each time. */
  readonly from?: number;
  /** What the port adapters do wrong. */
  readonly bug?: PlantedBug;
  /** Changes the library itself; returns how to change it back. */
  readonly plant?: () => () => void;
}

export const PLANTED: readonly Planted[] = [
  { name: 'ack before fsync', bug: { disk: withoutSync } },
  {
    name: 'seq reused after restore',
    bug: { random: () => ({ bytes: (length) => new Uint8Array(length).fill(7) }) },
  },
  {
    name: 'gap accepted',
    from: 33,
    bug: { storage: (storage) => wrap(storage, { feeds: withoutGaps(storage) }) },
  },
  {
    name: 'checksum of a record ignored',
    from: 31,
    bug: { tools: (tools) => ({ ...tools, crypto: { ...tools.crypto, crc32: () => 0 } }) },
  },
  { name: 'index believed after it lost rows', bug: { index: losingRows } },
  {
    name: 'history before the connection is not served',
    bug: { storage: (storage) => wrap(storage, { entries: onlyNewest(storage) }) },
  },
  {
    name: 'the body that came first is shown',
    bug: { storage: (storage) => wrap(storage, { variants: byArrival(storage) }) },
  },
  {
    name: 'what was said replaces nothing',
    bug: { storage: (storage) => wrap(storage, { annotations: replacingNothing(storage.annotations) }) },
  },
  {
    name: 'conflicts are counted once and for all',
    bug: { storage: (storage) => wrap(storage, { annotations: countedOnce(storage.annotations) }) },
  },
  {
    name: 'no heartbeat',
    // What is told again and again is one too.
    plant: () => replaceLimits({ heartbeatMs: 1e9, silenceMs: 1e9, readingsRefreshMs: 1e9 }),
  },
  { name: 'no second dial', plant: () => replaceLimits({ backoffFirstMs: 1e9, backoffMostMs: 1e9 }) },
];

function withoutSync(disk: Disk): Disk {
  const open = async (name: string, options: { readonly create: boolean }): Promise<DiskFile> => {
    const file = await disk.open(name, options);
    return {
      get sizeBytes() {
        return file.sizeBytes;
      },
      append: (parts) => file.append(parts),
      sync: () => Promise.resolve(),
      read: (offset, length) => file.read(offset, length),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  };
  return { list: () => disk.list(), remove: (name) => disk.remove(name), open };
}

/** Every third batch to the index keeps its checkpoint and loses the rest. */
function losingRows(index: KeyValue): KeyValue {
  let batches = 0;
  return {
    get: (key) => index.get(key),
    getMany: (keys) => index.getMany(keys),
    scan: (range) => index.scan(range),
    clear: () => index.clear(),
    close: () => index.close(),
    write: (rows) =>
      index.write(batches++ % 3 === 2 ? new Map([...rows].filter(([key]) => key === 'c')) : rows),
  };
}

function onlyNewest(storage: Storage): Storage['entries'] {
  return async (key, range) => (range.to - range.from > 1 ? [] : storage.entries(key, range));
}

/** The order of arrival in place of the stamps, the first as if it were the latest. */
function byArrival(storage: Storage): Storage['variants'] {
  return (tenant, id) =>
    storage
      .variants(tenant, id)
      .toSorted((a, b) => a.arrival.position - b.arrival.position)
      .map((variant, n) => ({
        ...variant,
        header: { ...variant.header, stamp: { ms: 0, count: LIMITS.spanVariants - n } },
      }));
}

function replacingNothing(annotations: Storage['annotations']): Storage['annotations'] {
  const about: Storage['annotations']['about'] = async (tenant, id) => {
    const said = await annotations.about(tenant, id);
    return said.map((one) => ({ ...one, assertion: { ...one.assertion, supersedes: [] } }));
  };
  return wrapAny(annotations, { about });
}

function countedOnce(annotations: Storage['annotations']): Storage['annotations'] {
  return wrapAny(annotations, { takeTouched: () => [] });
}

/** The storage with some methods replaced; the others keep their `this`. */
function wrap(storage: Storage, replaced: Partial<Storage>): Storage {
  return wrapAny(storage, replaced);
}

function wrapAny<T extends object>(whole: T, replaced: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const own: unknown = Reflect.get(name in replaced ? replaced : target, name);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
}

/** After a restart, all between the first and the last entry of a feed counts as held. */
function withoutGaps(storage: Storage): Storage['feeds'] {
  const joined = storage.feeds().map((feed) => {
    const [first, last] = [feed.ranges[0], feed.ranges.at(-1)];
    return first === undefined || last === undefined
      ? feed
      : { ...feed, ranges: [{ ...last, from: first.from, before: first.before }] };
  });
  let isOpening = true;
  // Only the node's own copy, taken at the start, is wrong: the checks read the store itself.
  return () => {
    const answer = isOpening ? joined : storage.feeds();
    isOpening = false;
    return answer;
  };
}

function replaceLimits(by: Partial<Record<keyof typeof LIMITS, number>>): () => void {
  const limits: Record<string, number> = LIMITS;
  const before = { ...limits };
  Object.assign(limits, by);
  return () => void Object.assign(limits, before);
}
