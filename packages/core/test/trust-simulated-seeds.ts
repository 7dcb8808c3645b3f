/** Runs a stretch of seeds of the simulation of trust as one test file's share, so that two processes can halve the wait. */

import type { ExecutionContext } from 'ava';
import { simulateTrust } from '../dist/testing/trust-sim.js';

/** Acts, faults and things to check that every share of seeds must have seen at least once. */
const EXPECTED = [
  'append',
  'accepted',
  'conflict',
  'duplicate',
  'list',
  'unlist',
  'readmit',
  'revoke_heads',
  'revoke_all',
  'revoke_seq',
  'quarrel',
  'release',
  'released',
  'grant',
  'ungrant',
  'designate',
  'rotate',
  'act_done',
  'act_refused',
  'partition',
  'heal',
  'cut',
  'crash',
  'jump',
  'delay',
  'backup',
  'restore',
  'stop',
  'restart',
  'rebuild',
  'lostWrites',
  'tornTails',
  'lostBatches',
  'framesLost',
  'linksBroken',
  'linksCut',
  'dialsLost',
  'dialsRefused',
  'saw_bar',
  'saw_provisional_bar',
  'saw_quarantine',
  'saw_same_holdings',
  'saw_withdrawn',
  'saw_restored',
  'saw_flow',
  'saw_kept_out',
  'saw_common_revocation',
  'saw_outsider',
];

export async function runTrustSeeds(
  t: ExecutionContext,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  const fired = new Map<string, number>();
  for (let seed = range.from; seed <= range.to; seed++) {
    const report = await simulateTrust({ seed });
    for (const [name, times] of Object.entries(report.fired)) fired.set(name, (fired.get(name) ?? 0) + times);
    if (report.failure !== undefined) {
      t.fail(
        `seed ${seed}: ${report.failure}\nreplay: npm run sim -- --trust --seeds 1 --seed ${seed} --trace`,
      );
      return;
    }
  }
  for (const name of EXPECTED) t.true((fired.get(name) ?? 0) > 0, `${name} never happened in these seeds`);
  for (const [name, times] of [...fired].sort(([a], [b]) => (a < b ? -1 : 1))) t.log(`${name}: ${times}`);
}
