import test from 'ava';
import { simulateTrust } from '../dist/testing/trust-sim.js';
import { runTrustSeeds } from './trust-simulated-seeds.js';

test('operators verify, revoke, release and grant amid faults, and every node ends with what follows from its statements (seeds 1 to 30)', async (t) => {
  await runTrustSeeds(t, { from: 1, to: 30 });
});

test('the same seed of trust gives the same trace, another seed another', async (t) => {
  const [first, again, other] = [
    await simulateTrust({ seed: 42 }),
    await simulateTrust({ seed: 42 }),
    await simulateTrust({ seed: 43 }),
  ];
  t.is(first.traceHash, again.traceHash);
  t.not(first.traceHash, other.traceHash);
});
