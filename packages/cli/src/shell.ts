/** What all commands share: options, the client, the output, and how an action comes to its exit code. */

import type { Command, OutputConfiguration } from 'commander';
import { LoglineFederationClient } from 'logline-federation-client';
import { targetOf, type Target } from './connection.js';
import type { ExitCode } from './exit-code.js';
import { Output, type Io } from './output.js';
import { cleaned } from './text.js';

/** What a command works with that asks no node. */
export interface OfflineContext {
  readonly out: Output;
  readonly io: Io;
  /** Aborted by Ctrl-C; every call takes it. */
  readonly signal: AbortSignal;
}

export interface Context extends OfflineContext {
  readonly client: LoglineFederationClient;
  readonly target: Target;
  /** What was to be said about the environment. */
  readonly warnings: readonly string[];
}

/** Does a command's work. What it throws becomes a message and an exit code in `run`. */
export type Action<Options, C extends OfflineContext = Context> = (
  context: C,
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

  /** Where commander writes help and what is wrong with a command line. */
  helpOutput(): OutputConfiguration {
    const { stdout, stderr } = this.io;
    return {
      writeOut: (text) => void stdout.write(text),
      // It repeats words of the command line, which may come from anywhere.
      writeErr: (text) => void stderr.write(cleaned(text)),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    };
  }

  /** Gives a command the options that all have, examples, and its work. */
  define<Options>(command: Command, examples: readonly string[], action: Action<Options>): void {
    command.option(
      '--url <address>',
      'the node to ask (default: $LOGLINE_FEDERATION_URL, then http://localhost:8080)',
    );
    this.defineOffline<Options & CommonOptions>(command, examples, async (context, options, args) => {
      const warnings: string[] = [];
      const target = targetOf(options.url, this.io.env, (text) => void warnings.push(text));
      for (const text of warnings) await context.out.note(text);
      const client = new LoglineFederationClient(target);
      return action({ ...context, client, target, warnings }, options, args);
    });
  }

  /** The same for a command that works on this machine's files and asks no node. */
  defineOffline<Options>(
    command: Command,
    examples: readonly string[],
    action: Action<Options, OfflineContext>,
  ): void {
    command
      .option('--json', 'print JSON instead of text for people')
      .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`)
      .action(async () => {
        const options = command.opts<Options & CommonOptions>();
        this.isJson = options.json === true;
        const out = new Output(this.io, { isJson: this.isJson });
        const { io } = this;
        this.exitCode = await action({ out, io, signal: io.signal }, options, command.args);
      });
  }
}
