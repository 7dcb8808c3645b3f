/** `trust …`: whom the node trusts, why, and how far. */

import type { Command } from 'commander';
import type { Shell } from '../shell.js';
import { addTrustAdd } from './trust-add.js';
import { addTrustConfirm } from './trust-confirm.js';
import { addTrustGraph } from './trust-graph.js';
import { addTrustList } from './trust-list.js';
import { addTrustRelease } from './trust-release.js';
import { addTrustRemove } from './trust-remove.js';
import { addTrustRevoke } from './trust-revoke.js';

export function addTrust(parent: Command, shell: Shell): void {
  const trust = parent.command('trust').description('whom the node trusts');
  addTrustAdd(trust, shell);
  addTrustConfirm(trust, shell);
  addTrustRemove(trust, shell);
  addTrustList(trust, shell);
  addTrustGraph(trust, shell);
  addTrustRevoke(trust, shell);
  addTrustRelease(trust, shell);
}
