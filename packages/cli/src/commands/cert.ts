/** `cert …`: certificates of nodes, made and read without a node. */

import type { Command } from 'commander';
import type { Shell } from '../shell.js';
import { addCertInitCa } from './cert-init-ca.js';
import { addCertIssue } from './cert-issue.js';
import { addCertShow } from './cert-show.js';

export function addCert(parent: Command, shell: Shell): void {
  const cert = parent.command('cert').description('certificates of nodes, made and read without a node');
  addCertInitCa(cert, shell);
  addCertIssue(cert, shell);
  addCertShow(cert, shell);
}
