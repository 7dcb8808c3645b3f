/** `npm run sim -- --seeds N [--seed S] [--steps K] [--trust] [--trace]`: runs seeds, prints what fired, and fails loudly with the seed to replay. */

import { parseArgs } from 'node:util';
import { simulate } from './simulation.js';
import { simulateTrust } from './trust-sim.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string' },
    trust: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `Usage: npm run sim -- [--seeds N] [--seed S] [--steps K] [--trust] [--trace]
  --seeds N   how many seeds to run (300)
  --seed S    the first one (1)
  --steps K   random steps before the heal (60; with --trust 45)
  --trust     operators verify, revoke, release and grant among five nodes
  --trace     print everything that happens: use it with --seeds 1`;

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const first = Number(values.seed);
  const count = Number(values.seeds);
  const steps = values.steps === undefined ? undefined : Number(values.steps);
  if (![first, count, steps ?? 1].every((value) => Number.isSafeInteger(value) && value >= 0)) {
    console.error(`Seeds and steps are whole numbers.\n${USAGE}`);
    return 2;
  }
  const fired: Record<string, number> = {};
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const onTrace = values.trace ? (line: string): void => console.log(line) : undefined;
    const report = await (values.trust ? simulateTrust : simulate)({
      seed,
      ...(steps !== undefined && { steps }),
      ...(onTrace && { onTrace }),
    });
    for (const [name, times] of Object.entries(report.fired)) fired[name] = (fired[name] ?? 0) + times;
    if (values.trace) console.log(`trace ${report.traceHash}`);
    if (report.failure !== undefined) {
      failed++;
      console.error(
        `seed ${seed}: ${report.failure}\n  replay: npm run sim -- --seeds 1 --seed ${seed}${values.trust ? ' --trust' : ''} --trace`,
      );
    } else if (process.stdout.isTTY) process.stdout.write(`\rseed ${seed} of ${first + count - 1}`);
  }
  if (process.stdout.isTTY) process.stdout.write('\n');
  for (const name of Object.keys(fired).sort()) console.log(`${name.padEnd(20)} ${fired[name]}`);
  console.log(`${count - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
