/** Runs a stretch of seeds as one test file's share, so that two processes can halve the wait. */

import type { ExecutionContext } from 'ava';
import { simulate } from '../dist/testing/simulation.js';

/** Faults and kinds of work that every share of seeds must have seen at least once. */
const EXPECTED = [
  'append',
  'append_failed',
  'accepted',
  'duplicate',
  'conflict',
  'partition',
  'heal',
  'cut',
  'crash',
  'jump',
  'delay',
  'backup',
  'restore',
  'stop',
  'disk_error',
  'failedAppends',
  'failedSyncs',
  'lostWrites',
  'tornTails',
  'zeroedTails',
  'garbageTails',
  'holes',
  'lostBatches',
  'lostIndexes',
  'framesLost',
  'linksBroken',
  'linksCut',
  'dialsLost',
  'dialsRefused',
];

export async function runSeeds(
  t: ExecutionContext,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  const fired = new Map<string, number>();
  for (let seed = range.from; seed <= range.to; seed++) {
    const report = await simulate({ seed });
    for (const [name, times] of Object.entries(report.fired)) fired.set(name, (fired.get(name) ?? 0) + times);
    if (report.failure !== undefined) {
      t.fail(`seed ${seed}: ${report.failure}\nreplay: npm run sim -- --seeds 1 --seed ${seed} --trace`);
      return;
    }
  }
  for (const name of EXPECTED) t.true((fired.get(name) ?? 0) > 0, `${name} never happened in these seeds`);
  for (const [name, times] of [...fired].sort(([a], [b]) => (a < b ? -1 : 1))) t.log(`${name}: ${times}`);
}
