/** A1, A64 and B1: spans appended one by one, by one caller or by 64, and a history that was written so. */

import { rate, Stage, type Bench } from '../bench.js';
import type { System } from '../samples.js';
import { bootstrap } from './bootstrap.js';

/** A1 and C are at most so many operations. */
const SINGLES_MOST = 5000;
const CONCURRENT_MOST = 20_000;
const HISTORY_MOST = 20_000;
const MS_MOST = 10_000;
const WARM_UP = 200;
const CALLERS = 64;

export async function measureSingles(bench: Bench, system: System): Promise<void> {
  await Stage.use(bench, system, async (stage) => {
    const { node } = await stage.open('A');
    await node.call('append', { from: 0, count: Math.min(WARM_UP, bench.spans), batch: 1 });
    const count = Math.min(SINGLES_MOST, bench.spans);
    const cpu = await node.call('cpu');
    const appended = await node.call('append', { from: WARM_UP, count, batch: 1, msMost: MS_MOST });
    stage.note('A1', rate(appended));
    stage.note('A1_cpu', (((await node.call('cpu')) - cpu) / appended.count) * 1000);
    if (system !== 'ours') return;
    const have = await node.call('count');
    const more = Math.max(0, Math.min(HISTORY_MOST, bench.spans) - have);
    await node.call('fill', { from: have, count: more, batch: 1 });
    const { spansPerSecond, bytesPerSpan, cpuPerSpan } = await bootstrap(stage, node, have + more);
    stage.note('B1', spansPerSecond);
    stage.note('W1', bytesPerSpan);
    stage.note('B1_cpu', cpuPerSpan);
  });
  await Stage.use(bench, system, async (stage) => {
    const { node } = await stage.open('A');
    const wish = { batch: 1, callers: CALLERS };
    await node.call('append', { ...wish, from: 0, count: Math.min(WARM_UP, bench.spans) });
    const count = Math.min(CONCURRENT_MOST, bench.spans);
    const appended = await node.call('append', { ...wish, from: WARM_UP, count, msMost: MS_MOST });
    stage.note('A64', rate(appended));
  });
}
