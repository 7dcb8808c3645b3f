/** Telling a repeated entry from a fork: the same place with another hash is evidence only if its origin signed it. */

import { equalBytes } from '../bytes.js';
import { hashOfEntry, headerOfAccepted, isSignedBy, splitEntry } from '../entry.js';
import type { Feed, FeedKey } from '../feed.js';
import type { GateOutcome } from '../gate.js';
import type { Tools } from '../ports.js';
import type { AcceptedEntry, Storage } from '../storage.js';

/** The drafted feeds and entries. */
interface DraftedFeeds {
  feed(key: FeedKey): Feed;
  entryAt(key: FeedKey, seq: number): AcceptedEntry | undefined;
}

type Held = Extract<GateOutcome, { readonly kind: 'held' }>;

/** `held` where the very same entry is held already, `fork` where its origin signed two, `fault` where it signed no such thing. */
export async function resolveHeld(
  held: Held,
  world: {
    readonly draft: DraftedFeeds;
    readonly storage: Storage;
    readonly tools: Tools;
  },
): Promise<GateOutcome> {
  const hash = await heldHash(held, world);
  if (hash !== undefined && equalBytes(hash, held.hash)) return held;
  const { crypto } = world.tools;
  const parts = splitEntry(held.bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  const isSigned =
    parts !== undefined &&
    header !== undefined &&
    crypto.isSafePublicKey(header.origin) &&
    isSignedBy(header.origin, held.hash, parts.signature, crypto);
  if (isSigned) return { kind: 'fork', key: held.key, seq: held.seq, bytes: held.bytes };
  return {
    kind: 'fault',
    check: 'signature',
    reason: 'another entry at a place that is held, and its signature does not verify',
  };
}

async function heldHash(
  { key, seq }: Held,
  world: { readonly draft: DraftedFeeds; readonly storage: Storage; readonly tools: Tools },
): Promise<Uint8Array | undefined> {
  // The ends of ranges are at hand, and most repeats are of the newest entry.
  const end = world.draft.feed(key).ranges.find((range) => range.to === seq);
  if (end !== undefined) return end.head.hash;
  const drafted = world.draft.entryAt(key, seq);
  if (drafted !== undefined) return drafted.hash;
  const [stored] = await world.storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
  const parts = stored === undefined ? undefined : splitEntry(stored.bytes);
  return parts === undefined ? undefined : hashOfEntry(parts, world.tools.crypto);
}
