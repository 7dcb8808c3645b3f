import test from 'ava';
import { runSeeds, sameSeedSameTrace } from './simulated-seeds.js';
import { TRUST } from './simulated-trust.js';

// One after the other: a seed may tighten the bounds of the whole process.
test.serial(
  'operators verify, revoke, release and grant amid faults, and every node ends with what follows from its statements (seeds 1 to 20)',
  (t) => runSeeds(t, TRUST, { from: 1, to: 20 }),
);

test.serial('the same seed of trust gives the same trace, another seed another', (t) =>
  sameSeedSameTrace(t, TRUST),
);
