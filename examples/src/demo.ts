/** `npm run demo`: three servers on this machine become one network, are torn apart, and merge. See `--help`. */

import { RunFolder } from './demo/folder.js';
import { readHistory } from './demo/history.js';
import { DemoProblem, HELP, readOptions } from './demo/options.js';
import { runDemo } from './demo/run.js';
import { createStory } from './demo/story.js';

const INTERRUPTED = 130;

async function main(): Promise<number> {
  // npm runs this in the project's root; a path on the command line is meant from where npm was called.
  const isFromNpm = process.env['npm_lifecycle_event'] === 'demo';
  const cwd = (isFromNpm ? process.env['INIT_CWD'] : undefined) ?? process.cwd();
  const options = readOptions(process.argv.slice(2), cwd);
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const histories = [];
  for (const path of options.files) histories.push(await readHistory(path));
  const folder = await RunFolder.open(options.dir);
  try {
    const { signal } = interrupt;
    const faults = options.faults || !folder.isReused;
    const story = createStory(process.stdout);
    const problems = await runDemo({ histories, folder, writes: options.writes, faults, story, signal });
    if (problems.length === 0) {
      console.log('All is well: the three nodes show one history.');
      folder.remove();
      return 0;
    }
    console.error(`The nodes do not agree; their data and logs are kept in ${folder.path}:`);
    for (const problem of problems) console.error(`  ${problem}`);
    return 1;
  } catch (error) {
    if (interrupt.signal.aborted) {
      folder.remove();
      console.error('Interrupted; the servers have ended.');
      return INTERRUPTED;
    }
    if (!(error instanceof DemoProblem)) console.error(`The logs of the servers are kept in ${folder.path}.`);
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? `The demo failed: ${error.message}` : error);
  process.exitCode = 1;
}
