/** The simulation of plain replication, and what its seeds must have seen. */

import { simulate } from '../dist/testing/simulation.js';
import { FAULTS, type Simulated } from './simulated-seeds.js';

export const SYNC: Simulated = {
  simulate,
  flags: '',
  expected: [
    ...FAULTS,
    'append_failed',
    'said',
    'decided',
    'disk_error',
    'failedAppends',
    'failedSyncs',
    'zeroedTails',
    'garbageTails',
    'holes',
    'lostIndexes',
  ],
};
