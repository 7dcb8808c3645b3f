/** The order of work: what is compared runs in turn, so that a change of the machine's mood meets all alike. */

import type { BenchOptions, Workload } from './arguments.js';
import type { Bench } from './bench.js';
import { measureAnnotations } from './workloads/annotations.js';
import { measureFeatures } from './workloads/features.js';
import { measureHistory } from './workloads/history.js';
import { measureLarge, measureShuffled } from './workloads/large.js';
import { measureRest } from './workloads/rest.js';
import { measureSingles } from './workloads/singles.js';
import { measureTrips } from './workloads/trips.js';

export interface Step {
  readonly title: string;
  readonly run: () => Promise<void>;
}

const ALONE: readonly (readonly [Workload, string, (bench: Bench) => Promise<void>])[] = [
  ['trips', 'round trips of a heal', measureTrips],
  ['features', 'features off', measureFeatures],
  ['rest', 'over REST', measureRest],
  ['annotations', 'annotated spans', measureAnnotations],
  ['large', 'ten times the history', measureLarge],
  ['shuffled', 'ten times the history, shuffled', measureShuffled],
];

export function stepsOf(
  bench: Bench,
  { systems, workloads, repeat }: Pick<BenchOptions, 'systems' | 'workloads' | 'repeat'>,
): readonly Step[] {
  const steps: Step[] = [];
  for (let round = 0; round < repeat; round++) {
    // Whoever goes first meets another cache and another temperature: each in its turn.
    const turn = systems
      .map((_, i) => systems[(i + round) % systems.length])
      .filter((one) => one !== undefined);
    for (const system of turn) {
      const title = `${system}, round ${round + 1} of ${repeat}`;
      if (workloads.includes('singles'))
        steps.push({ title: `singles of ${title}`, run: () => measureSingles(bench, system) });
      if (workloads.includes('history'))
        steps.push({ title: `history of ${title}`, run: () => measureHistory(bench, system) });
    }
  }
  for (const [workload, title, measure] of ALONE)
    if (workloads.includes(workload)) steps.push({ title, run: () => measure(bench) });
  return steps;
}
