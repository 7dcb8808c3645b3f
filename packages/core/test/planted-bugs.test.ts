import test from 'ava';
import { simulate } from '../dist/testing/simulation.js';
import { PLANTED } from './planted-bugs.js';

const SEEDS = 300;

for (const { name, from = 1, bug, plant } of PLANTED) {
  test.serial(`the simulation finds the planted bug: ${name}`, async (t) => {
    const mend = plant?.();
    t.teardown(() => mend?.());
    for (let seed = from; seed < from + SEEDS; seed++) {
      const report = await simulate({ seed, ...(bug && { bug }) });
      if (report.failure === undefined) continue;
      t.log(`seed ${seed}: ${report.failure.split('\n')[0]}`);
      t.pass();
      return;
    }
    t.fail(`not found within ${SEEDS} seeds`);
  });
}
