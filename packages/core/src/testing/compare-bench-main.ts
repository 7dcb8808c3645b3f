/** `npm run bench:compare`: what it costs two nodes to find one difference among ever more feeds. */

import { compareRanges, openComparison } from '../compare.js';
import { feedKey, type Feed } from '../feed.js';
import { timelineScope, type TenantId } from '../identity.js';
import { encodeMessage, type ComparedRange } from '../message.js';
import { createTools } from '../node/system.js';
import { HoldingsTable } from '../shell/holdings-table.js';

/** Shapes of a network: tenants, origins in each, epochs of each origin. */
const SHAPES = [
  [1, 1, 1],
  [1, 1, 100],
  [1, 1, 10_000],
  [1, 10, 10],
  [1, 100, 100],
  [1, 1_000, 1],
  [100, 10, 10],
  [10_000, 1, 1],
  [10_000, 10, 1],
] as const;

const tools = createTools();
const hashOf = (text: string): Uint8Array => tools.crypto.sha256(tools.text.encode(text));

/** One feed of a hundred entries. */
function feedOf(tenant: number, origin: number, epoch: number): Feed {
  const scope = timelineScope(`tenant-${tenant}` as TenantId);
  const name = `${tenant}/${origin}/${epoch}`;
  const segment = { doc: 1, spans: 100, bytes: 60_000, day: 20_000 };
  const head = { hash: hashOf(name), changeHash: hashOf(name), segment, stamp: { ms: 1, count: 0 } };
  return {
    key: feedKey(scope, hashOf(`origin ${origin}`), hashOf(`epoch ${name}`).subarray(0, 16)),
    ranges: [{ from: 1, to: 100, before: undefined, head }],
    forkedAt: undefined,
    bar: undefined,
    clip: undefined,
  };
}

interface Cost {
  readonly messages: number;
  readonly bytes: number;
}

/** Two sides answer each other until nobody has anything more to ask. */
function compare(alice: HoldingsTable, bob: HoldingsTable): Cost {
  const views = [bob, alice].map((table) => table.view(() => true));
  let ranges: readonly ComparedRange[] = openComparison(
    alice.view(() => true),
    tools.crypto,
  );
  let [messages, bytes] = [0, 0];
  for (let turn = 0; ranges.length > 0; turn++) {
    messages++;
    bytes += encodeMessage(
      { kind: 'holdings', scopes: undefined, ranges, round: 1 },
      tools.compression,
    ).length;
    const mine = views[turn % 2];
    if (mine === undefined) break;
    ranges = compareRanges(ranges, { mine, crypto: tools.crypto }).answers;
  }
  return { messages, bytes };
}

console.log(
  'tenants  origins  epochs    feeds   equal: ms   messages   bytes   one differs: ms   messages   bytes',
);
for (const [tenants, origins, epochs] of SHAPES) {
  const feeds: Feed[] = [];
  for (let t = 0; t < tenants; t++)
    for (let o = 0; o < origins; o++) for (let e = 0; e < epochs; e++) feeds.push(feedOf(t, o, e));
  const [alice, bob] = [new HoldingsTable(feeds), new HoldingsTable(feeds)];
  const measured: (number | string)[] = [tenants, origins, epochs, feeds.length];
  for (const differs of [false, true]) {
    const [feed] = feeds;
    if (differs && feed !== undefined) {
      bob.set({ ...feed, ranges: feed.ranges.map((range) => ({ ...range, to: range.to + 1 })) });
    }
    const began = performance.now();
    const { messages, bytes } = compare(alice, bob);
    measured.push((performance.now() - began).toFixed(1), messages, bytes);
  }
  const widths = [7, 9, 8, 9, 12, 11, 8, 18, 11, 8];
  console.log(measured.map((cell, i) => String(cell).padStart(widths[i] ?? 8)).join(''));
}
