/** What the process says at its end, to scripts that ask. */

export const EXIT = {
  ok: 0,
  /** The node, or a file, refused or failed. */
  failed: 1,
  /** The command line, or the environment, cannot be understood; nothing was done. */
  usage: 2,
  /** No node answers there, or not in time. */
  unreachable: 3,
  /** Some of it was done: some spans were rejected, or some peers are not in sync. */
  partial: 4,
  /** Ended by Ctrl-C or a request to stop, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command line that cannot be understood, with what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A file or a stream of this machine that failed, with what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** The reason of the signal that Ctrl-C aborts. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
