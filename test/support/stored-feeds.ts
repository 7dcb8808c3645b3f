/** What a data directory holds, read by opening it: no process may have it open. */

import { join } from 'node:path';
import { LogStore } from '@logline/federation-core';
import { createRandom, createTools, openDirectoryDisk, openLevelIndex } from '@logline/federation-core/node';

export interface StoredFeed {
  /** Scope, origin and epoch as one key. */
  readonly key: string;
  /** Ranges of seq, with the hash of the last entry, which commits to all before it. */
  readonly ranges: readonly string[];
  /** Where two signed histories part. */
  readonly forkedAt: number | undefined;
}

const TIMELINES = 'timeline/';

/** Every feed of spans with what is held of it, in order. */
export async function storedFeeds(dataDir: string): Promise<readonly StoredFeed[]> {
  const disk = await openDirectoryDisk(join(dataDir, 'log'));
  const { index } = await openLevelIndex(join(dataDir, 'index'));
  const store = await LogStore.open({ disk, index, tools: createTools(), random: createRandom() });
  try {
    return store
      .feeds()
      .filter(({ key }) => key.startsWith(TIMELINES))
      .map((feed) => ({
        key: Buffer.from(feed.key, 'latin1').toString('hex'),
        ranges: feed.ranges.map(
          ({ from, to, head }) => `${from}-${to} ${Buffer.from(head.hash).toString('hex')}`,
        ),
        forkedAt: feed.forkedAt,
      }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  } finally {
    await store.close();
  }
}
