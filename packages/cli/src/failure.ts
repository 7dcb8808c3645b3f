/** What becomes of an error: one message that says what to do next, and an exit code. */

import { CommanderError } from 'commander';
import { LoglineFederationError } from 'logline-federation-client';
import { CliError, EXIT, Interrupted, UsageError, type ExitCode } from './exit-code.js';
import { isReaderGone, writeTo } from './output.js';
import type { Shell } from './shell.js';
import { cleaned, safe, safeJson } from './text.js';

interface Failure {
  readonly code: string;
  readonly detail: string;
  readonly exitCode: ExitCode;
}

/** Tells whoever ran the command, on stderr, as text or as JSON, whichever was asked for. */
export async function tellFailure(error: unknown, shell: Shell): Promise<ExitCode> {
  const { io } = shell;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  // Whoever reads us has seen enough, as `head` does: that is no failure.
  if (isReaderGone(error)) return EXIT.ok;
  if (io.signal.aborted || error instanceof Interrupted) return EXIT.interrupted;
  const { code, detail, exitCode } = describe(error);
  const text = shell.isJson
    ? safeJson({
        error: code,
        detail,
        ...(error instanceof LoglineFederationError && { status: error.status }),
      })
    : `error: ${detail}`;
  await writeTo(io.stderr, `${text}\n`);
  if ((io.env['LOGLINE_DEBUG'] ?? '') !== '' && error instanceof Error)
    await writeTo(io.stderr, `${error.stack ?? error.message}\n`);
  return exitCode;
}

function describe(error: unknown): Failure {
  if (error instanceof UsageError)
    return { code: 'usage', detail: cleaned(error.message), exitCode: EXIT.usage };
  if (error instanceof CliError)
    return { code: 'failed', detail: cleaned(error.message), exitCode: EXIT.failed };
  if (error instanceof LoglineFederationError) return describeRefusal(error);
  const what = safe(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  const detail = `the answer is not one that this version understands (${what}). Is it a LogLine node of the same version that answers at this address? If it is, please report this with what LOGLINE_DEBUG=1 shows.`;
  return { code: 'internal_error', detail, exitCode: EXIT.failed };
}

function describeRefusal(error: LoglineFederationError): Failure {
  const { code } = error;
  const detail = safe(error.detail);
  if (code === 'timeout')
    return {
      code,
      detail: `${detail} Ask how it is with logline federation doctor.`,
      exitCode: EXIT.unreachable,
    };
  if (code !== 'unreachable')
    return { code, detail: `${detail} (${safe(code)})${hintFor(error.status)}`, exitCode: EXIT.failed };
  const hint = 'Start one with npm start, or name another with --url or LOGLINE_FEDERATION_URL.';
  return { code, detail: `${detail} ${hint}`, exitCode: EXIT.unreachable };
}

/** Which variable helps where the node does not know, or does not let, its caller. */
function hintFor(status: number | undefined): string {
  const variables = 'LOGLINE_FEDERATION_TOKEN, or LOGLINE_FEDERATION_TOKEN_FILE,';
  if (status === 401)
    return `. Set ${variables} to the node's FEDERATION_ADMIN_TOKEN or to a valid token of the identity service.`;
  if (status === 403) return `. Set ${variables} to a token that may do this.`;
  return '';
}
