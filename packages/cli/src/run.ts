/** The command line from words to exit code: the tree of commands, and what becomes of an error. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { LoglineFederationError } from 'logline-federation-client';
import { addActs } from './commands/acts.js';
import { addCertInitCa } from './commands/cert-init-ca.js';
import { addCertIssue } from './commands/cert-issue.js';
import { addCertShow } from './commands/cert-show.js';
import { addDiscover } from './commands/discover.js';
import { addIdRotate } from './commands/id-rotate.js';
import { addIdShow } from './commands/id-show.js';
import { addNodes } from './commands/nodes.js';
import { addQuarantine } from './commands/quarantine.js';
import { addSpansExport } from './commands/spans-export.js';
import { addSpansImport } from './commands/spans-import.js';
import { addStatus } from './commands/status.js';
import { addSync } from './commands/sync.js';
import { addTail } from './commands/tail.js';
import { addTenants } from './commands/tenants.js';
import { addTrust } from './commands/trust.js';
import { CliError, EXIT, Interrupted, UsageError, type ExitCode } from './exit-code.js';
import { isReaderGone, writeTo, type Io } from './output.js';
import { Shell } from './shell.js';
import { safe } from './text.js';

const ENVIRONMENT = `
Environment:
  LOGLINE_FEDERATION_URL         the node to ask (default: http://localhost:8080)
  LOGLINE_FEDERATION_TOKEN       a bearer token, or
  LOGLINE_FEDERATION_TOKEN_FILE  a file that holds it
  NO_COLOR                       no colours

Exit codes:
  0  done                          3  the node cannot be reached
  1  the node or a file failed     4  done in part: spans rejected, peers not in sync
  2  the command line is wrong     130  interrupted`;

/** Runs one command line, without the words `node` and `logline`. Never rejects, never ends the process. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const shell = new Shell(io);
  // A stream whose reader is gone also emits an error, which nobody could answer better than the write that fails.
  const ignore = (): void => undefined;
  const streams = [io.stdout, io.stderr];
  for (const stream of streams) stream.on('error', ignore);
  try {
    await createProgram(shell).parseAsync([...argv], { from: 'user' });
    return io.signal.aborted ? EXIT.interrupted : (shell.exitCode ?? EXIT.ok);
  } catch (error) {
    return await failed(error, shell).catch(() => EXIT.failed);
  } finally {
    for (const stream of streams) stream.off('error', ignore);
  }
}

function createProgram(shell: Shell): Command {
  const { io } = shell;
  // Before there are subcommands: they inherit it when they are made.
  const program = new Command('logline')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .showHelpAfterError('Add --help to see what is possible.')
    .description('The command line of LogLine.')
    .version(version());
  const federation = program
    .command('federation')
    .description('nodes that share timelines')
    .addHelpText('after', ENVIRONMENT);
  addStatus(federation, shell);
  addNodes(federation, shell);
  addDiscover(federation, shell);
  addSync(federation, shell);
  addTrust(federation, shell);
  addQuarantine(federation, shell);
  addTenants(federation, shell);
  addActs(federation, shell);
  const spans = federation.command('spans').description('spans in bulk');
  addSpansImport(spans, shell);
  addSpansExport(spans, shell);
  addTail(federation, shell);
  const cert = federation.command('cert').description('certificates of nodes, made and read without a node');
  addCertInitCa(cert, shell);
  addCertIssue(cert, shell);
  addCertShow(cert, shell);
  const id = federation.command('id').description('the keys that a node goes by');
  addIdShow(id, shell);
  addIdRotate(id, shell);
  return program;
}

async function failed(error: unknown, shell: Shell): Promise<ExitCode> {
  const { io } = shell;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  // Whoever reads us has seen enough, as `head` does: that is no failure.
  if (isReaderGone(error)) return EXIT.ok;
  if (io.signal.aborted || error instanceof Interrupted) return EXIT.interrupted;
  const { code, detail, exitCode } = describe(error);
  const text = shell.isJson
    ? JSON.stringify({
        error: code,
        detail,
        ...(error instanceof LoglineFederationError && { status: error.status }),
      })
    : `error: ${detail}`;
  await writeTo(io.stderr, `${text}\n`);
  return exitCode;
}

function describe(error: unknown): {
  readonly code: string;
  readonly detail: string;
  readonly exitCode: ExitCode;
} {
  if (error instanceof UsageError) return { code: 'usage', detail: error.message, exitCode: EXIT.usage };
  if (error instanceof CliError) return { code: 'failed', detail: error.message, exitCode: EXIT.failed };
  if (error instanceof LoglineFederationError) {
    const { code } = error;
    const detail = safe(error.detail);
    if (code === 'timeout') return { code, detail, exitCode: EXIT.unreachable };
    if (code !== 'unreachable') {
      const hint = hintFor(error.status);
      return { code, detail: `${detail} (${code})${hint}`, exitCode: EXIT.failed };
    }
    const hint = 'Start one with npm start, or name another with --url or LOGLINE_FEDERATION_URL.';
    return { code, detail: `${detail} ${hint}`, exitCode: EXIT.unreachable };
  }
  // A bug of ours: all there is to know, for the report.
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal_error', detail, exitCode: EXIT.failed };
}

/** Which variable helps where the node does not know, or does not let, its caller. */
function hintFor(status: number | undefined): string {
  const variables = 'LOGLINE_FEDERATION_TOKEN, or LOGLINE_FEDERATION_TOKEN_FILE,';
  if (status === 401)
    return `. Set ${variables} to the node's FEDERATION_ADMIN_TOKEN or to a valid token of the identity service.`;
  if (status === 403) return `. Set ${variables} to a token that may do this.`;
  return '';
}

function version(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { readonly version: string }).version;
}
