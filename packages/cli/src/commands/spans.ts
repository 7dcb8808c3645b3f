/** `spans …`: timelines in bulk. */

import type { Command } from 'commander';
import type { Shell } from '../shell.js';
import { addSpansExport } from './spans-export.js';
import { addSpansImport } from './spans-import.js';

export function addSpans(parent: Command, shell: Shell): void {
  const spans = parent.command('spans').description('spans in bulk');
  addSpansImport(spans, shell);
  addSpansExport(spans, shell);
}
