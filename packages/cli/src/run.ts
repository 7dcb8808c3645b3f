/** The command line from words to exit code. */

import { complete } from './complete.js';
import { ASK } from './complete-word.js';
import { createProgram } from './command-tree.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { tellFailure } from './failure.js';
import type { Io } from './output.js';
import { Shell } from './shell.js';

/** Runs one command line, without the words `node` and `logline`. Never rejects, never ends the process. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const shell = new Shell(io);
  // A stream whose reader is gone also emits an error, which nobody could answer better than the write that fails.
  const ignore = (): void => undefined;
  const streams = [io.stdout, io.stderr];
  for (const stream of streams) stream.on('error', ignore);
  try {
    const [first, ...words] = argv;
    if (first === ASK) return await complete(words, shell);
    await createProgram(shell).parseAsync([...argv], { from: 'user' });
    return io.signal.aborted ? EXIT.interrupted : (shell.exitCode ?? EXIT.ok);
  } catch (error) {
    return await tellFailure(error, shell).catch(() => EXIT.failed);
  } finally {
    for (const stream of streams) stream.off('error', ignore);
  }
}
