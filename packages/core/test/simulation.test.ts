import test from 'ava';
import { simulate } from '../dist/testing/simulation.js';
import { runSeeds } from './simulated-seeds.js';

test.serial(
  'after random faults and a heal, nodes agree and nothing acknowledged is lost, invented or doubled (seeds 1 to 150)',
  async (t) => {
    await runSeeds(t, { from: 1, to: 150 });
  },
);

test.serial('the same seed gives the same trace, another seed another', async (t) => {
  const [first, again, other] = [
    await simulate({ seed: 42 }),
    await simulate({ seed: 42 }),
    await simulate({ seed: 43 }),
  ];
  t.is(first.traceHash, again.traceHash);
  t.not(first.traceHash, other.traceHash);
});
