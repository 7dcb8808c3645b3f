/** The process: hands its words, streams and signals over, and ends with the exit code. */

import { Interrupted } from './exit-code.js';
import { run } from './run.js';

const abort = new AbortController();
const ENDS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
// Only the first: a second one ends the process at once, as the system does by itself. Windows has no SIGQUIT.
for (const name of ENDS.filter((one) => one !== 'SIGQUIT' || process.platform !== 'win32'))
  process.once(name, () => abort.abort(new Interrupted(name)));

let usesStdin = false;
process.exitCode = await run(process.argv.slice(2), {
  get stdin() {
    usesStdin = true;
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: abort.signal,
});
// A pipe that still waits for its writer must not keep the process.
if (usesStdin) process.stdin.destroy();
