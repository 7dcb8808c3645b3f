import test from 'ava';
import { runTrustSeeds } from './trust-simulated-seeds.js';

test('operators verify, revoke, release and grant amid faults, and every node ends with what follows from its statements (seeds 31 to 60)', async (t) => {
  await runTrustSeeds(t, { from: 31, to: 60 });
});
