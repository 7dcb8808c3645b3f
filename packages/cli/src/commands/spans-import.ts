/** `spans import`: appends the spans of files or of stdin to the node, however many there are. */

import type { Command } from 'commander';
import { LoglineFederationError, type AppendResult } from 'logline-federation-client';
import { EXIT, type ExitCode } from '../exit-code.js';
import { openInput, STDIN, type Input } from '../input.js';
import type { Output } from '../output.js';
import { startProgress } from '../progress.js';
import type { Context, Shell } from '../shell.js';
import { counted, grouped, safe, secondsText } from '../text.js';

interface ImportOptions {
  readonly tenant?: string;
}

interface Imported extends AppendResult {
  readonly file: string;
  readonly duration_ms: number;
}

const SHOWN = 20;

export function addSpansImport(parent: Command, shell: Shell): void {
  const command = parent
    .command('import')
    .description('append spans from newline-delimited JSON, plain or gzip; "-" or nothing reads stdin')
    .argument('[files...]', 'files of one span a line')
    .option('--tenant <name>', 'the tenant of spans that name none themselves');
  command.addHelpText(
    'after',
    '\nAn import that broke off is done again: spans that arrived are recognised by their id.',
  );
  const examples = [
    'logline federation spans import history.ndjson.gz --tenant acme',
    'zcat *.gz | logline federation spans import --tenant acme',
  ];
  shell.define<ImportOptions>(command, examples, async (context, { tenant }, files) => {
    const paths = files.length === 0 ? [STDIN] : files;
    const inputs = await Promise.all(paths.map((path) => openInput(path, context.io)));
    const results: Imported[] = [];
    for (const input of inputs) {
      const result = await importInput(context, input, tenant);
      results.push(result);
      if (!context.out.isJson) await show(context.out, result);
    }
    if (context.out.isJson) await context.out.json({ files: results });
    return exitCodeOf(results);
  });
}

async function importInput(
  { client, out, signal }: Context,
  input: Input,
  tenant: string | undefined,
): Promise<Imported> {
  const startedAtMs = performance.now();
  const progress = startProgress(out, safe(input.name), input.totalBytes);
  let readBytes = 0;
  try {
    const source = input.read((bytes) => void (readBytes = bytes));
    const result = await client.upload(source, {
      tenant,
      signal,
      onProgress: ({ lines }) => progress.update(readBytes, lines),
    });
    return { file: input.name, duration_ms: Math.round(performance.now() - startedAtMs), ...result };
  } catch (error) {
    progress.stop();
    if (error instanceof LoglineFederationError) await explainBreak(out, error);
    throw error;
  } finally {
    progress.stop();
  }
}

/** What came of an upload that the node could not finish. */
async function explainBreak(out: Output, error: LoglineFederationError): Promise<void> {
  const { accepted, duplicates } = error.problem;
  if (typeof accepted === 'number' && typeof duplicates === 'number')
    await out.note(`${counted(accepted + duplicates, 'span')} were stored before it broke off.`);
  if (error.status === undefined || error.status >= 500)
    await out.note('Run the same command again: spans that were stored are recognised by their id.');
}

async function show(out: Output, result: Imported): Promise<void> {
  const { accepted, duplicates, conflicts_total: conflicts, rejected_total: rejected } = result;
  const total = accepted + duplicates + conflicts + rejected;
  const rate = grouped(Math.round(total / Math.max(result.duration_ms / 1000, 0.001)));
  const parts = [
    `${grouped(accepted)} new`,
    `${grouped(duplicates)} already there`,
    ...(conflicts > 0
      ? [out.colors.yellow(`${grouped(conflicts)} beside other content under their id`)]
      : []),
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

function exitCodeOf(results: readonly Imported[]): ExitCode {
  const rejected = results.reduce((sum, result) => sum + result.rejected_total, 0);
  if (rejected === 0) return EXIT.ok;
  const isAll = results.every((result) => result.accepted + result.duplicates + result.conflicts_total === 0);
  return isAll ? EXIT.failed : EXIT.partial;
}
