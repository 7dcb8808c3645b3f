/** `id …`: the keys in a node's data directory. */

import type { Command } from 'commander';
import type { Shell } from '../shell.js';
import { addIdRotate } from './id-rotate.js';
import { addIdShow } from './id-show.js';

export function addId(parent: Command, shell: Shell): void {
  const id = parent.command('id').description('the keys that a node goes by');
  addIdShow(id, shell);
  addIdRotate(id, shell);
}
