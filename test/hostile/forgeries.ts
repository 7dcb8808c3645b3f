/** Forged entries and what has to become of each: one check of the gate names it, nothing is stored, and its feed goes on. */

import { deflateRawSync } from 'node:zlib';
import {
  eventually,
  newSpan,
  withChecksum,
  type ForgedEntry,
  type ForgedParts,
  type HostileFeed,
  type HostileLink,
  type HostilePeer,
} from '@logline/federation-core/testing';
import type { ExecutionContext } from 'ava';
import { has, TENANT } from '../support/rest.js';
import type { Siege } from '../support/siege.js';
import { CODES, endsWith } from '../support/link-ends.js';

export const SCOPE = `timeline/${TENANT}`;

/** Brings each forgery after two honest entries of its feed, and then sees the feed go on as if nothing had been. */
export async function eachIsRefused(
  t: ExecutionContext,
  siege: Siege,
  check: string,
  forgeries: Readonly<Record<string, (feed: HostileFeed) => ForgedParts>>,
): Promise<void> {
  const peer = await siege.traitor();
  const courier = await (await (await siege.traitor()).dial(siege.url)).join();
  for (const [what, forge] of Object.entries(forgeries)) {
    const feed = peer.feed(SCOPE);
    const after = [feed.write(), feed.write({ header: { doc: 1 } })];
    const stray = newSpan();
    const entry = feed.draft({ spans: [stray], ...forge(feed) });
    await refusedAt(t, siege, { peer, entry, check, what, after });
    t.false(await has(siege.alice, String(stray['id'])), `${what}: nothing of it is stored`);
    await goesOn(siege, courier, feed, what);
  }
}

/** The honest next entry of a feed is taken, from whoever brings it. */
async function goesOn(siege: Siege, courier: HostileLink, feed: HostileFeed, what: string): Promise<void> {
  const span = newSpan();
  courier.bring(feed.draft({ spans: [span] }));
  await eventually(`${what}: the feed goes on`, () => has(siege.alice, String(span['id'])));
}

/** The entry ends the session as a fault of one check of the gate, and nothing of it is stored. */
export async function refusedAt(
  t: ExecutionContext,
  siege: Siege,
  by: {
    readonly peer: HostilePeer;
    readonly entry: ForgedEntry | Uint8Array;
    readonly check: string;
    readonly what: string;
    /** Entries to bring first, which are to be accepted. */
    readonly after?: readonly ForgedEntry[];
  },
): Promise<void> {
  const { peer, entry, check, what, after = [] } = by;
  const told = siege.alice.told('entry_refused').length;
  const link = await (await peer.dial(siege.url)).join();
  link.bring(...after);
  link.bring(entry);
  await endsWith(t, link, CODES.fault, what);
  const [refusal] = await eventually(`${what}: the log tells`, () => {
    const news = siege.alice.told('entry_refused').slice(told);
    return news.length > 0 ? news : undefined;
  });
  t.is(refusal?.['check'], check, what);
}

/** Automerge's chunk of type 2: the body of a change, deflated. */
export function compressed(change: Uint8Array): Uint8Array {
  const body = deflateRawSync(change.subarray(9));
  const length: number[] = [];
  for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest % 128) | 128);
  }
  return withChecksum(Buffer.concat([change.subarray(0, 8), Buffer.of(2, ...length), body]));
}
