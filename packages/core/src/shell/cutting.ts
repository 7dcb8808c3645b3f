/** What a cut would leave of a key's feeds: the last entry that stays of each, and what falls with the rest. */

import { equalBytes, toHex } from '../bytes.js';
import { compareStamps, STAMP_ZERO, type Stamp } from '../clock.js';
import { hashOfEntry, HASH_BYTES, headerOfAccepted, splitEntry } from '../entry.js';
import { LoglineError } from '../errors.js';
import { holdsEntry, lastRange, scopeOfFeed, splitFeedKey, type Feed, type FeedKey } from '../feed.js';
import { tenantOfScope, tenantOfTimeline, type Scope, type TenantId } from '../identity.js';
import { LIMITS } from '../limits.js';
import type { Crypto } from '../ports.js';
import { partOfScope, type EpochCut } from '../statement.js';
import type { Storage } from '../storage.js';
import { feedNameOf, type FeedName, type RevokeFrom } from './operator-view.js';

/** A feed of the key, and where it would be cut. */
export interface PlannedCut {
  readonly key: FeedKey;
  readonly name: FeedName;
  readonly scope: Scope;
  readonly tenant: TenantId | undefined;
  readonly heldTo: number;
  /** Of the last entry held. */
  readonly stamp: Stamp;
  readonly cut: EpochCut;
  readonly entries: number;
  readonly spans: number;
}

export interface CuttingWorld {
  readonly feeds: () => Iterable<Feed>;
  readonly storage: Storage;
  readonly crypto: Crypto;
}

/** Cuts of feeds of the scope `trust` that one entry has room for. */
const TRUST_CUTS_MOST = 2 * LIMITS.cutsPerStatement;
const READ_BYTES = 1024 * 1024;
const NOTHING = new Uint8Array(HASH_BYTES);

/** The name of a feed for people. */
export function nameOfFeed(key: FeedKey): FeedName {
  const parts = splitFeedKey(key);
  return feedNameOf(parts?.scope ?? ('' as Scope), toHex(parts?.epoch ?? new Uint8Array(0)));
}

/** Held feeds of a key, in order of their names. */
export function feedsOfOrigin(feeds: Iterable<Feed>, origin: Uint8Array): readonly Feed[] {
  return [...feeds]
    .filter((feed) => {
      const parts = splitFeedKey(feed.key);
      return parts !== undefined && equalBytes(parts.origin, origin) && feed.ranges.length > 0;
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Where each feed of a key would be cut. Rejects with `bad_request` where `from` names a feed or a seq that is not held. */
export async function planCuts(
  origin: Uint8Array,
  from: RevokeFrom,
  world: CuttingWorld,
): Promise<readonly PlannedCut[]> {
  const feeds = feedsOfOrigin(world.feeds(), origin);
  const names = new Set<string>(feeds.map((feed) => nameOfFeed(feed.key)));
  const strayed = typeof from === 'string' ? undefined : [...from.keys()].find((name) => !names.has(name));
  if (strayed !== undefined) {
    throw new LoglineError(
      'bad_request',
      `from: no feed ${JSON.stringify(strayed.slice(0, 200))} of this key is held here: a dry run lists those that are`,
    );
  }
  const kept = nameable(feeds);
  const planned: PlannedCut[] = [];
  // One after the other: the feeds may be many, and each is read from the log.
  for (const feed of feeds)
    planned.push(await (kept.has(feed) ? planCut(feed, from, world) : cutFeed(feed, 0, world)));
  return planned;
}

/**
 * The feeds that the cuts of one key can name. A revocation stands in one entry, and a key may have begun any number of
 * feeds of the scope `trust`: of those the newest are named, and the others are cut at nothing.
 */
function nameable(feeds: readonly Feed[]): ReadonlySet<Feed> {
  const ofTrust = feeds.filter((feed) => tenantOfScope(scopeOfFeed(feed.key)) === undefined);
  ofTrust.sort((a, b) => compareStamps(stampOf(b), stampOf(a)));
  const unnamed = new Set(ofTrust.slice(TRUST_CUTS_MOST));
  return new Set(feeds.filter((feed) => !unnamed.has(feed)));
}

function stampOf(feed: Feed): Stamp {
  return lastRange(feed)?.head.stamp ?? STAMP_ZERO;
}

/** Where one feed would be cut. */
async function planCut(feed: Feed, from: RevokeFrom, world: CuttingWorld): Promise<PlannedCut> {
  const name = nameOfFeed(feed.key);
  const heldTo = lastRange(feed)?.to ?? 0;
  const asked = from === 'heads' ? heldTo : from === 'all' ? 0 : (from.get(name) ?? heldTo);
  if (asked > heldTo) {
    throw new LoglineError('bad_request', `from: ${name} is held up to ${heldTo}, not ${asked}`);
  }
  if (asked > 0 && !holdsEntry(feed, asked))
    throw new LoglineError('bad_request', `from: entry ${asked} of ${name} is not held`);
  return cutFeed(feed, asked, world);
}

/** The cut of one feed behind entry `cutAt`, with what falls. Of an entry that is not held it names no hash, but zeros. */
export async function cutFeed(feed: Feed, cutAt: number, world: CuttingWorld): Promise<PlannedCut> {
  const { scope, epoch } = splitFeedKey(feed.key) ?? { scope: '' as Scope, epoch: new Uint8Array(0) };
  const hash = (await hashAt(feed, cutAt, world)) ?? NOTHING;
  return {
    key: feed.key,
    name: nameOfFeed(feed.key),
    scope,
    tenant: tenantOfScope(scope),
    heldTo: lastRange(feed)?.to ?? 0,
    stamp: stampOf(feed),
    cut: { part: partOfScope(scope), epoch, seq: cutAt, hash },
    ...(await countAbove(feed, cutAt, world)),
  };
}

/** Entries and spans of a feed above `seq`, as they are held. */
export async function countAbove(
  feed: Feed,
  seq: number,
  { storage }: Pick<CuttingWorld, 'storage'>,
): Promise<{ readonly entries: number; readonly spans: number }> {
  let entries = 0;
  let spans = 0;
  for (const range of feed.ranges) {
    for (let from = Math.max(range.from, seq + 1); from <= range.to;) {
      const page = await storage.entries(feed.key, { from, to: range.to, bytesMost: READ_BYTES });
      if (page.length === 0) break;
      for (const { bytes } of page) {
        const parts = splitEntry(bytes);
        const header = parts === undefined ? undefined : headerOfAccepted(parts);
        if (header !== undefined && tenantOfTimeline(header.scope) !== undefined) spans += header.count;
      }
      entries += page.length;
      from += page.length;
    }
  }
  return { entries, spans };
}

/** Whether the entry held at a place is the one of this hash. */
export async function holdsEntryOf(
  feed: Feed,
  seq: number,
  hash: Uint8Array,
  world: CuttingWorld,
): Promise<boolean> {
  const held = await hashAt(feed, seq, world);
  return held !== undefined && equalBytes(held, hash);
}

async function hashAt(
  feed: Feed,
  seq: number,
  { storage, crypto }: CuttingWorld,
): Promise<Uint8Array | undefined> {
  const head = feed.ranges.find((range) => range.to === seq)?.head;
  if (head !== undefined) return head.hash;
  if (!holdsEntry(feed, seq)) return undefined;
  const [entry] = await storage.entries(feed.key, { from: seq, to: seq, bytesMost: 1 });
  const parts = entry === undefined ? undefined : splitEntry(entry.bytes);
  return parts === undefined ? undefined : hashOfEntry(parts, crypto);
}
