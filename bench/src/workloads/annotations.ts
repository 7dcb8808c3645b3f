/** N: setting one field of one span costs the same when every span of the history is annotated as when few are. */

import { Stage, type Bench } from '../bench.js';

const MEASURED_MOST = 1_000;
const CALLERS = 64;
const ROUNDS = 3;

export async function measureAnnotations(bench: Bench): Promise<void> {
  await Stage.use(bench, 'ours', async (stage) => {
    const { node } = await stage.open('A');
    await node.call('fillKept', { count: bench.spans });
    const measured = Math.min(MEASURED_MOST, bench.spans);
    const few = { from: 0, step: 1, count: measured };
    const spread = { from: 0, step: Math.floor(bench.spans / measured), count: measured };
    // So that what is measured is annotated already, and the code is warm.
    await node.call('annotate', { ...few, callers: CALLERS, status: 'ghost' });
    await node.call('annotate', { ...few, callers: 1, status: 'simulated' });
    for (let i = 0; i < ROUNDS; i++)
      stage.note('N_first', await node.call('annotate', { ...few, callers: 1, status: statusOf(i) }));
    const all = { from: 0, step: 1, count: bench.spans, callers: CALLERS };
    await node.call('annotate', { ...all, status: 'simulated' });
    for (let i = 0; i < ROUNDS; i++)
      stage.note('N_last', await node.call('annotate', { ...spread, callers: 1, status: statusOf(i) }));
  });
}

/** Each round another one, or there would be nothing to say. */
function statusOf(round: number): string {
  return ['ghost', 'reverted'][round % 2] ?? 'ghost';
}
