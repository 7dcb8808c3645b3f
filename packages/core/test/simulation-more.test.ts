import test from 'ava';
import { runSeeds } from './simulated-seeds.js';
import { SYNC } from './simulated-sync.js';

test('after random faults and a heal, nodes agree and nothing acknowledged is lost, invented or doubled (seeds 151 to 300)', (t) =>
  runSeeds(t, SYNC, { from: 151, to: 300 }));
