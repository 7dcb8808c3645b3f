/** Every command, in the order that help shows them: a new one is a file in `commands/` and a line here. */

import { Command } from 'commander';
import { addActs } from './commands/acts.js';
import { addCert } from './commands/cert.js';
import { addConflicts } from './commands/conflicts.js';
import { addCompletions } from './commands/completions.js';
import { addDiscover } from './commands/discover.js';
import { addDoctor } from './commands/doctor.js';
import { addExplain } from './commands/explain.js';
import { addId } from './commands/id.js';
import { addNodes } from './commands/nodes.js';
import { addQuarantine } from './commands/quarantine.js';
import { addSpans } from './commands/spans.js';
import { addStatus } from './commands/status.js';
import { addSync } from './commands/sync.js';
import { addTail } from './commands/tail.js';
import { addTenants } from './commands/tenants.js';
import { addTrust } from './commands/trust.js';
import { addWatch } from './commands/watch.js';
import { ENVIRONMENT, EXIT_CODES } from './help.js';
import type { Shell } from './shell.js';
import { version } from './version.js';

const COMMANDS: readonly ((federation: Command, shell: Shell) => void)[] = [
  addStatus,
  addDoctor,
  addNodes,
  addDiscover,
  addSync,
  addTrust,
  addQuarantine,
  addConflicts,
  addTenants,
  addActs,
  addSpans,
  addExplain,
  addTail,
  addWatch,
  addCert,
  addId,
  addCompletions,
];

/** The program `logline`, ready to parse. */
export function createProgram(shell: Shell): Command {
  // Before there are subcommands: they inherit it when they are made.
  const program = new Command('logline')
    .exitOverride()
    .configureOutput(shell.helpOutput())
    .showHelpAfterError('Add --help to see what is possible.')
    .description('The command line of LogLine.')
    .version(version());
  const federation = program
    .command('federation')
    .description('nodes that share timelines')
    .addHelpText('after', `\n${ENVIRONMENT}\n\n${EXIT_CODES}`);
  for (const add of COMMANDS) add(federation, shell);
  return program;
}
