/** `spans import`: appends the spans of files or of stdin to the node, however many there are. */

import type { Command } from 'commander';
import { LoglineFederationError } from 'logline-federation-client';
import { EXIT, UsageError, type ExitCode } from '../exit-code.js';
import { Import, type Imported, type ImportWish } from '../import.js';
import { ImportMemory } from '../import-state.js';
import { openInput, STDIN, type Input } from '../input.js';
import type { Output } from '../output.js';
import { startProgress } from '../progress.js';
import type { Context, Shell } from '../shell.js';
import { counted, grouped, safe, secondsText } from '../text.js';

interface ImportOptions {
  readonly tenant?: string;
  readonly skip?: string;
}

interface Timed extends Imported {
  readonly duration_ms: number;
}

const SHOWN = 20;
const SIZES = { partBytes: 2 * 1024 * 1024, idleMs: 1_000 };

export function addSpansImport(parent: Command, shell: Shell): void {
  const command = parent
    .command('import')
    .description('append spans from newline-delimited JSON, plain or gzip; "-" or nothing reads stdin')
    .argument('[files...]', 'files of one span a line')
    .option('--tenant <name>', 'the tenant of spans that name none themselves')
    .option('--skip <lines>', 'leave out so many lines, as an import of stdin that broke off names them');
  command.addHelpText(
    'after',
    '\nRun an import that broke off again: it goes on where it stopped, and nothing is stored twice.',
  );
  const examples = [
    'logline federation spans import history.ndjson.gz --tenant acme',
    'zcat *.gz | logline federation spans import --tenant acme',
  ];
  shell.define<ImportOptions>(command, examples, async (context, options, files) => {
    const paths = files.length === 0 ? [STDIN] : files;
    const skip = readSkip(options.skip, paths);
    const inputs = await Promise.all(paths.map((path) => openInput(path, context.io)));
    const node = await nameOf(context);
    const results: Timed[] = [];
    for (const [index, input] of inputs.entries()) {
      const path = paths[index] ?? STDIN;
      const { tenant } = options;
      const memory = path === STDIN ? undefined : ImportMemory.for(context.io.env, { path, tenant, node });
      const result = await importInput(context, input, { tenant, skip, memory });
      results.push(result);
      if (!context.out.isJson) await show(context.out, result);
    }
    if (context.out.isJson) await context.out.json({ files: results });
    return exitCodeOf(results);
  });
}

function readSkip(text: string | undefined, paths: readonly string[]): number {
  if (text === undefined) return 0;
  if (paths.length > 1) throw new UsageError('--skip: counts the lines of one file: name one, not several');
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`--skip: expected a number of lines, got ${JSON.stringify(text)}`);
}

/** Which node it is: an import goes on only where it began. Fails at once where nobody answers. */
async function nameOf({ client, signal }: Context): Promise<string> {
  try {
    return (await client.health({ signal })).node_id;
  } catch (error) {
    // A gateway may show only the routes that it knows.
    if (error instanceof LoglineFederationError && error.status !== undefined) return client.baseUrl;
    throw error;
  }
}

async function importInput(context: Context, input: Input, wish: ImportWish): Promise<Timed> {
  const { out } = context;
  const startedAtMs = performance.now();
  const progress = startProgress(out, safe(input.name), input.totalBytes);
  const work = new Import(context, input, wish);
  try {
    const sizes = { ...SIZES, idleMs: input.totalBytes === undefined ? SIZES.idleMs : undefined };
    const result = await work.run(progress, sizes);
    return { ...result, duration_ms: Math.round(performance.now() - startedAtMs) };
  } catch (error) {
    progress.stop();
    await explainBreak(out, work.result, input);
    throw error;
  } finally {
    progress.stop();
  }
}

/** How far it came, and how to go on. */
async function explainBreak(out: Output, result: Imported, { name, totalBytes }: Input): Promise<void> {
  const { accepted, duplicates, lines } = result;
  if (lines === 0) return;
  await out.note(
    `${safe(name)}: ${counted(accepted + duplicates, 'span')} of ${counted(lines, 'line')} were stored before it broke off.`,
  );
  const isKept = totalBytes !== undefined;
  await out.note(
    isKept
      ? 'Run the same command again: it goes on where this one stopped.'
      : `Run the same command again with --skip ${lines}, and it goes on behind those lines.`,
  );
}

async function show(out: Output, result: Timed): Promise<void> {
  const { accepted, duplicates, conflicts_total: conflicts, rejected_total: rejected } = result;
  const total = accepted + duplicates + conflicts + rejected;
  const { resumed_after_line: known } = result;
  const fresh = known > 0 ? Math.max(0, result.lines - known) : total;
  const rate = grouped(Math.round(fresh / Math.max(result.duration_ms / 1000, 0.001)));
  const parts = [
    `${grouped(accepted)} new`,
    `${grouped(duplicates)} already there`,
    ...(conflicts > 0
      ? [out.colors.yellow(`${grouped(conflicts)} beside other content under their id`)]
      : []),
    ...(known > 0 ? [`gone on behind line ${grouped(known)}`] : []),
    ...(rejected > 0 ? [out.colors.red(`${grouped(rejected)} rejected`)] : []),
  ];
  const name = safe(result.file);
  await out.line(
    `${name}: ${counted(total, 'span')} in ${secondsText(result.duration_ms)} (${rate}/s): ${parts.join(', ')}`,
  );
  for (const { index, error } of result.rejected.slice(0, SHOWN))
    await out.line(`  ${name}:${index + 1}: ${safe(error)}`);
  if (rejected > SHOWN)
    await out.line(`  and ${grouped(rejected - SHOWN)} more: --json lists the first 1,000`);
}

function exitCodeOf(results: readonly Timed[]): ExitCode {
  const rejected = results.reduce((sum, result) => sum + result.rejected_total, 0);
  if (rejected === 0) return EXIT.ok;
  const isAll = results.every((result) => result.accepted + result.duplicates + result.conflicts_total === 0);
  return isAll ? EXIT.failed : EXIT.partial;
}
