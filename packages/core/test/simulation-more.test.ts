import test from 'ava';
import { runSeeds } from './simulated-seeds.js';

test('after random faults and a heal, nodes agree and nothing acknowledged is lost, invented or doubled (seeds 151 to 300)', async (t) => {
  await runSeeds(t, { from: 151, to: 300 });
});
