/** What all commands share: options, the client, the output, and how an action comes to its exit code. */

import type { Command } from 'commander';
import type { LoglineFederationClient } from 'logline-federation-client';
import { connect } from './connection.js';
import type { ExitCode } from './exit-code.js';
import { Output, type Io } from './output.js';

export interface Context {
  readonly client: LoglineFederationClient;
  readonly out: Output;
  readonly io: Io;
  /** Aborted by Ctrl-C; every call takes it. */
  readonly signal: AbortSignal;
}

/** Does a command's work. What it throws becomes a message and an exit code in `run`. */
export type Action<Options> = (
  context: Context,
  options: Options,
  args: readonly string[],
) => Promise<ExitCode>;

interface CommonOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** Collects the commands' outcome, since commander's own parsing returns nothing. */
export class Shell {
  readonly io: Io;
  exitCode: ExitCode | undefined;
  /** Whether the command that ran was asked for JSON: errors are told in the same way. */
  isJson = false;

  constructor(io: Io) {
    this.io = io;
  }

  /** Gives a command the options that all have, examples, and its work. */
  define<Options>(command: Command, examples: readonly string[], action: Action<Options>): void {
    command
      .option(
        '--url <address>',
        'the node to ask (default: $LOGLINE_FEDERATION_URL, then http://localhost:8080)',
      )
      .option('--json', 'print JSON instead of text for people')
      .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`)
      .action(async () => {
        const options = command.opts<Options & CommonOptions>();
        this.isJson = options.json === true;
        const out = new Output(this.io, { isJson: this.isJson });
        const client = connect(options.url, this.io.env);
        const context: Context = { client, out, io: this.io, signal: this.io.signal };
        this.exitCode = await action(context, options, command.args);
      });
  }
}
