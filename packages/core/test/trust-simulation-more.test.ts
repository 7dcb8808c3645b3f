import test from 'ava';
import { runSeeds } from './simulated-seeds.js';
import { TRUST } from './simulated-trust.js';

test('operators verify, revoke, release and grant amid faults, and every node ends with what follows from its statements (seeds 31 to 60)', (t) =>
  runSeeds(t, TRUST, { from: 31, to: 60 }));
