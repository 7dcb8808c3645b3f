import test from 'ava';
import { runSeeds, sameSeedSameTrace } from './simulated-seeds.js';
import { SYNC } from './simulated-sync.js';

// One after the other: a seed may tighten the bounds of the whole process.
test.serial(
  'after random faults and a heal, nodes agree and nothing acknowledged is lost, invented or doubled (seeds 1 to 150)',
  (t) => runSeeds(t, SYNC, { from: 1, to: 150 }),
);

test.serial('the same seed gives the same trace, another seed another', (t) => sameSeedSameTrace(t, SYNC));
