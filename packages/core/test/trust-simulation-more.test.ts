import test from 'ava';
import { runSeeds } from './simulated-seeds.js';
import { TRUST } from './simulated-trust.js';

test('operators verify, revoke, release and grant amid faults, and every node ends with what follows from its statements (seeds 21 to 40)', (t) =>
  runSeeds(t, TRUST, { from: 21, to: 40 }));
