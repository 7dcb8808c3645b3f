/** `spans export`: writes the spans of a timeline, in its order, as newline-delimited JSON. */

import { open, rename, rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Command } from 'commander';
import type { SpanQuery } from 'logline-federation-client';
import { CliError, EXIT } from '../exit-code.js';
import { readLimit } from '../limit.js';
import { startProgress, type Progress } from '../progress.js';
import type { Shell } from '../shell.js';
import { counted, safe, secondsText } from '../text.js';

interface ExportOptions {
  readonly tenant: string;
  readonly output: string;
  readonly limit?: string;
  readonly since?: string;
  readonly until?: string;
  readonly loglineId?: string;
  readonly contractId?: string;
  readonly workflowId?: string;
  readonly flowId?: string;
  readonly author?: string;
  readonly status?: string;
  readonly spanType?: string;
  readonly visibility?: string;
  readonly tag?: string;
}

const STDOUT = '-';
const PAGE_SPANS = 1000;
const WRITE_CHARS = 64 * 1024;

export function addSpansExport(parent: Command, shell: Shell): void {
  const command = parent
    .command('export')
    .description(
      'write the spans of a timeline as newline-delimited JSON, each byte for byte as it was appended',
    )
    .requiredOption('--tenant <name>', 'whose timeline')
    .option('--since <time>', 'from then on: RFC 3339, or words such as "1 hour ago"')
    .option('--until <time>', 'up to then')
    .option('--logline-id <id>', 'only spans of this LogLine id')
    .option('--contract-id <id>', 'only spans of this contract')
    .option('--workflow-id <id>', 'only spans of this workflow')
    .option('--flow-id <id>', 'only spans of this flow')
    .option('--author <id>', 'only spans of this author')
    .option('--status <name>', 'only spans of this status')
    .option('--span-type <name>', 'only spans of this type')
    .option('--visibility <name>', 'only spans of this visibility')
    .option('--tag <name>', 'only spans with this tag')
    .option('--limit <count>', 'at most so many spans')
    .option('--output <file>', '"-" for stdout; a name that ends in .gz is compressed', STDOUT);
  const examples = [
    'logline federation spans export --tenant acme --output acme.ndjson.gz',
    'logline federation spans export --tenant acme --since "1 day ago" | jq .title',
  ];
  shell.define<ExportOptions>(command, examples, async ({ client, out, signal }, options) => {
    const most = options.limit === undefined ? Infinity : readLimit(options.limit);
    const startedAtMs = performance.now();
    const progress = startProgress(out, 'export', undefined);
    const tally = { spans: 0 };
    try {
      const lines = client.lines(queryOf(options), { signal });
      const chunks = chunked(lines, { most, tally, progress });
      if (options.output === STDOUT) for await (const chunk of chunks) await out.verbatim(chunk);
      else await writeFile(options.output, chunks, signal);
    } finally {
      progress.stop();
    }
    const durationMs = Math.round(performance.now() - startedAtMs);
    if (options.output === STDOUT) return EXIT.ok;
    if (out.isJson) await out.json({ file: options.output, spans: tally.spans, duration_ms: durationMs });
    else
      await out.line(
        `${safe(options.output)}: ${counted(tally.spans, 'span')} in ${secondsText(durationMs)}`,
      );
    return EXIT.ok;
  });
}

function queryOf(options: ExportOptions): SpanQuery {
  return {
    tenant_id: options.tenant,
    since: options.since,
    until: options.until,
    logline_id: options.loglineId,
    contract_id: options.contractId,
    workflow_id: options.workflowId,
    flow_id: options.flowId,
    author: options.author,
    status: options.status,
    span_type: options.spanType,
    visibility: options.visibility,
    tag: options.tag,
    limit: PAGE_SPANS,
  };
}

/** Lines gathered into writes of some size. A span may have been sent over several lines; spaces mean the same there. */
async function* chunked(
  lines: AsyncIterable<string>,
  world: { readonly most: number; readonly tally: { spans: number }; readonly progress: Progress },
): AsyncGenerator<string, void, void> {
  const { most, tally, progress } = world;
  let chunk = '';
  for await (const line of lines) {
    if (tally.spans === most) break;
    tally.spans++;
    chunk += `${line}\n`;
    if (chunk.length < WRITE_CHARS) continue;
    yield chunk;
    chunk = '';
    progress.update(0, tally.spans);
  }
  if (chunk !== '') yield chunk;
}

/** Under another name until it is complete, so that nobody takes a part for the whole. */
async function writeFile(path: string, chunks: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  const partial = `${path}.part`;
  try {
    // Opened first: a stream that opens it by itself could do so after a failure has cleaned up.
    const handle = await open(partial, 'w');
    try {
      const file: Writable = handle.createWriteStream();
      const source = Readable.from(chunks, { objectMode: false, encoding: 'utf8' });
      if (path.endsWith('.gz')) await pipeline(source, createGzip(), file, { signal });
      else await pipeline(source, file, { signal });
      await rename(partial, path);
    } finally {
      await handle.close();
      await rm(partial, { force: true });
    }
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined || code === 'ABORT_ERR') throw error;
    throw new CliError(`${path}: cannot be written: ${message}`, { cause: error });
  }
}
