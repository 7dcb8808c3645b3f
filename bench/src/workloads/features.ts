/** What each feature of the exchange brings: the same work without it. */

import { Stage, type Bench } from '../bench.js';
import { sleep } from '../driver.js';
import { quantile } from '../statistics.js';
import { bootstrap } from './bootstrap.js';

const HISTORY_MOST = 20_000;
const CONNECTIONS = 10;
const SETTLE_MS = 100;

export async function measureFeatures(bench: Bench): Promise<void> {
  const count = Math.min(HISTORY_MOST, bench.spans);
  await Stage.use(bench, 'ours_plain', async (stage) => {
    const { node } = await stage.open('A');
    await node.call('fill', { from: 0, count });
    const copied = await bootstrap(stage, node, count);
    stage.note('B', copied.spansPerSecond);
    stage.note('W', copied.bytesPerSpan);
  });
  await Stage.use(bench, 'ours', async (stage) => {
    const { node: full } = await stage.open('A');
    await full.call('fill', { from: 0, count });
    const { joined } = await bootstrap(stage, full, count);
    const times: number[] = [];
    for (let i = 0; i < CONNECTIONS; i++) {
      await joined.call('disconnect');
      await full.call('disconnect');
      await sleep(SETTLE_MS);
      await full.call('append', { from: count + i, count: 1, batch: 1 });
      const address = await full.call('listen');
      const sinceMs = await joined.call('connect', address);
      times.push((await joined.call('waitFor', { count: count + i + 1, msMost: 30_000 })) - sinceMs);
    }
    stage.note('C_fresh', quantile(times, 0.5));
  });
}
