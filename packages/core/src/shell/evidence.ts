/** Telling a repeated entry from a fork: the same place with another hash is evidence only if its origin signed it. */

import { equalBytes } from '../bytes.js';
import { hashOfEntry, headerOfAccepted, isSignedBy, splitEntry } from '../entry.js';
import type { FeedKey } from '../feed.js';
import type { GateOutcome } from '../gate.js';
import type { Tools } from '../ports.js';
import type { AcceptedEntry, Storage } from '../storage.js';

type Held = Extract<GateOutcome, { readonly kind: 'held' }>;

/** `held` where the very same entry is held already, `fork` where its origin signed two, `fault` where it signed no such thing. */
export async function resolveHeld(
  held: Held,
  world: {
    readonly draft: { readonly entries: readonly AcceptedEntry[] };
    readonly storage: Storage;
    readonly tools: Tools;
  },
): Promise<GateOutcome> {
  const hash = await heldHash(held.key, held.seq, world);
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
  key: FeedKey,
  seq: number,
  world: {
    readonly draft: { readonly entries: readonly AcceptedEntry[] };
    readonly storage: Storage;
    readonly tools: Tools;
  },
): Promise<Uint8Array | undefined> {
  const drafted = world.draft.entries.find((entry) => entry.header.seq === seq && entry.key === key);
  if (drafted !== undefined) return drafted.hash;
  const [stored] = await world.storage.entries(key, { from: seq, to: seq, bytesMost: 1 });
  const parts = stored === undefined ? undefined : splitEntry(stored.bytes);
  return parts === undefined ? undefined : hashOfEntry(parts, world.tools.crypto);
}
