/** D_round_trips: how often a heal has to wait for the other side, told from how it grows with the distance. */

import { eventually, TcpProxy } from '@logline/federation-core/testing';
import { Stage, type Bench } from '../bench.js';
import type { SystemProcess } from '../processes.js';

const APART_SPANS = 100;
/** One way. */
const NEAR_MS = 20;
const FAR_MS = 60;

/** The slope between two distances: what a heal costs beside waiting cancels out. */
export async function measureTrips(bench: Bench): Promise<void> {
  await Stage.use(bench, 'ours', async (stage) => {
    const { node: full } = await stage.open('A');
    const { node: joined } = await stage.open('B');
    await full.call('fill', { from: 0, count: bench.spans });
    await joined.call('meet', await full.call('identity'));
    await full.call('meet', await joined.call('identity'));
    const port = Number(new URL(await full.call('listen')).port);
    const proxy = await TcpProxy.open({ port });
    try {
      const address = `ws://127.0.0.1:${proxy.port}/v1/federation`;
      await joined.call('connect', address);
      let have = bench.spans;
      await joined.call('waitFor', { count: have, msMost: 120_000 });
      const least = new Map<number, number>();
      for (const distanceMs of [NEAR_MS, FAR_MS, NEAR_MS, FAR_MS, NEAR_MS, FAR_MS]) {
        await joined.call('disconnect');
        proxy.refuse(true);
        proxy.cut();
        for (const node of [full, joined])
          await node.call('append', { from: have, count: APART_SPANS, batch: 1 });
        have += 2 * APART_SPANS;
        proxy.delay(distanceMs);
        proxy.refuse(false);
        const ms = await healed({ full, joined, address, count: have });
        // Whatever else the machine does only makes it longer.
        least.set(distanceMs, Math.min(ms, least.get(distanceMs) ?? ms));
      }
      const [near = 0, far = 0] = [least.get(NEAR_MS), least.get(FAR_MS)];
      // Timers are late by a little, and trips are whole or half.
      stage.note('D_round_trips', Math.round(((far - near) / (2 * (FAR_MS - NEAR_MS))) * 10) / 10);
    } finally {
      await proxy.close();
    }
  });
}

/** Connects, and says how long it took from the open session until both have all; ms. */
async function healed(wish: {
  readonly full: SystemProcess;
  readonly joined: SystemProcess;
  readonly address: string;
  readonly count: number;
}): Promise<number> {
  const { full, joined, address, count } = wish;
  const sinceMs = await joined.call('connect', address);
  const until = { count, msMost: 60_000 };
  const ends = await Promise.all([full.call('waitFor', until), joined.call('waitFor', until)]);
  const openedMs = await eventually('the session opened', async () => {
    const atMs = await joined.call('openedAt');
    return atMs !== undefined && atMs > sinceMs ? atMs : undefined;
  });
  return Math.max(...ends) - openedMs;
}
