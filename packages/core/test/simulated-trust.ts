/** The simulation of trust, and what its seeds must have seen. */

import { simulateTrust } from '../dist/testing/trust-sim.js';
import { FAULTS, type Simulated } from './simulated-seeds.js';

export const TRUST: Simulated = {
  simulate: simulateTrust,
  flags: '--trust ',
  expected: [
    ...FAULTS,
    'list',
    'unlist',
    'readmit',
    'revoke_heads',
    'revoke_all',
    'revoke_seq',
    'quarrel',
    'release',
    'released',
    'grant',
    'ungrant',
    'designate',
    'rotate',
    'act_done',
    'act_refused',
    'restart',
    'rebuild',
    'saw_bar',
    'saw_provisional_bar',
    'saw_quarantine',
    'saw_same_holdings',
    'saw_withdrawn',
    'saw_restored',
    'saw_flow',
    'saw_kept_out',
    'saw_common_revocation',
    'saw_outsider',
    'saw_late_follower',
  ],
};
