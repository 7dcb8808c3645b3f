/** `npm run bench`: a node beside what a user would pick instead, in one run on one machine. See `--help`. */

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HELP, readArguments, type BenchOptions } from './arguments.js';
import { judge } from './budgets.js';
import type { Bench } from './bench.js';
import { installPeers } from './install.js';
import { report } from './report.js';
import { Samples } from './samples.js';
import { stepsOf } from './steps.js';

const LARGE = 10;
const startedMs = performance.now();

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

async function main(options: BenchOptions): Promise<void> {
  const systems = await installPeers(options.systems, say);
  const dir = await mkdtemp(join(options.dir ?? tmpdir(), 'logline-bench-'));
  // PostgreSQL runs as a user of its own, who has to get through.
  await chmod(dir, 0o755);
  const samples = new Samples();
  const bench: Bench = { spans: options.spans, largeSpans: options.spans * LARGE, samples, dir, say };
  try {
    const steps = stepsOf(bench, { ...options, systems });
    for (const [i, { title, run }] of steps.entries()) {
      say(`${Math.round((performance.now() - startedMs) / 1000)} s, ${i + 1} of ${steps.length}: ${title}`);
      try {
        await run();
      } catch (error) {
        // One that fails leaves its figures out, and whatever needs them is missed.
        say(`FAILED: ${title}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  const verdicts = judge(samples);
  const text = `\n${report(verdicts, samples)}\n`;
  if (!options.json) return console.log(text);
  process.stderr.write(`${text}\n`);
  for (const verdict of verdicts) console.log(JSON.stringify(verdict));
}

try {
  const options = readArguments(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else await main(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
