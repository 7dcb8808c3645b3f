/** Runs a stretch of seeds of a simulation as one test file's share, so that two processes can halve the wait. */

import type { ExecutionContext } from 'ava';
import type { SimulationReport } from '../dist/testing/simulation.js';

export interface Simulated {
  readonly simulate: (options: { readonly seed: number }) => Promise<SimulationReport>;
  /** What to add to the command that replays a seed. */
  readonly flags: string;
  /** What every share of seeds must have seen at least once. */
  readonly expected: readonly string[];
}

/** Faults that both simulations know. */
export const FAULTS: readonly string[] = [
  'append',
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
  'lostWrites',
  'tornTails',
  'lostBatches',
  'framesLost',
  'linksBroken',
  'linksCut',
  'dialsLost',
  'dialsRefused',
];

export async function runSeeds(
  t: ExecutionContext,
  { simulate, flags, expected }: Simulated,
  range: { readonly from: number; readonly to: number },
): Promise<void> {
  const fired = new Map<string, number>();
  for (let seed = range.from; seed <= range.to; seed++) {
    const report = await simulate({ seed });
    for (const [name, times] of Object.entries(report.fired)) fired.set(name, (fired.get(name) ?? 0) + times);
    if (report.failure !== undefined) {
      t.fail(
        `seed ${seed}: ${report.failure}\nreplay: npm run sim -- ${flags}--seeds 1 --seed ${seed} --trace`,
      );
      return;
    }
  }
  for (const name of expected) t.true((fired.get(name) ?? 0) > 0, `${name} never happened in these seeds`);
  for (const [name, times] of [...fired].sort(([a], [b]) => (a < b ? -1 : 1))) t.log(`${name}: ${times}`);
}

/** One seed is one history. */
export async function sameSeedSameTrace(t: ExecutionContext, { simulate }: Simulated): Promise<void> {
  const [first, again, other] = [
    await simulate({ seed: 42 }),
    await simulate({ seed: 42 }),
    await simulate({ seed: 43 }),
  ];
  t.is(first.traceHash, again.traceHash);
  t.not(first.traceHash, other.traceHash);
}
