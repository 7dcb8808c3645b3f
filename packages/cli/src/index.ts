/** The command line as a library, for tests and for programs that offer it under a name of their own. */

export { run } from './run.js';
export { EXIT, Interrupted, type ExitCode } from './exit-code.js';
export type { Io, Stream } from './output.js';
