/** `spans export`: writes the spans of a timeline, in its order, as newline-delimited JSON. */

import type { Command } from 'commander';
import type { SpanQuery } from 'logline-federation-client';
import { EXIT } from '../exit-code.js';
import { ExportFile } from '../export-file.js';
import { readLimit } from '../limit.js';
import { startProgress, type Progress } from '../progress.js';
import type { Context, Shell } from '../shell.js';
import { counted, grouped, safe, secondsText } from '../text.js';

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

interface Exported {
  readonly spans: number;
  /** Spans that an earlier run had written. */
  readonly resumed_after: number;
}

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
  command.addHelpText(
    'after',
    '\nRun an export to a file that broke off again: it goes on where it stopped.',
  );
  shell.define<ExportOptions>(command, examples, async (context, options) => {
    const { out } = context;
    const most = options.limit === undefined ? Infinity : readLimit(options.limit);
    const startedAtMs = performance.now();
    const progress = startProgress(out, 'export', await totalOf(context, options, most));
    const result = await (
      options.output === STDOUT
        ? toStdout(context, options, { most, progress })
        : toFile(context, options, { most, progress })
    ).finally(() => progress.stop());
    if (options.output === STDOUT) return EXIT.ok;
    const durationMs = Math.round(performance.now() - startedAtMs);
    if (out.isJson) await out.json({ file: options.output, ...result, duration_ms: durationMs });
    else {
      const known = result.resumed_after;
      const goneOn = known > 0 ? `, gone on behind ${grouped(known)}` : '';
      await out.line(
        `${safe(options.output)}: ${counted(result.spans, 'span')} in ${secondsText(durationMs)}${goneOn}`,
      );
    }
    return EXIT.ok;
  });
}

interface Wish {
  readonly most: number;
  readonly progress: Progress;
}

/** How many spans there will be, where someone watches and the node can say. */
async function totalOf(context: Context, options: ExportOptions, most: number): Promise<number | undefined> {
  const { client, out, signal } = context;
  const { tenant_id: tenant, limit: _page, ...filters } = queryOf(options);
  const isWhole = Object.values(filters).every((value) => value === undefined);
  if (!out.isWatched || !isWhole || tenant === undefined) return undefined;
  try {
    const count = (await client.syncStatus({ signal })).spans?.[tenant];
    return count === undefined ? undefined : Math.min(Number(count), most);
  } catch {
    return undefined;
  }
}

async function toStdout(
  { client, out, signal }: Context,
  options: ExportOptions,
  wish: Wish,
): Promise<Exported> {
  let spans = 0;
  for await (const page of client.pages(queryOf(options), { signal })) {
    const taken = page.spans.slice(0, wish.most - spans);
    spans += taken.length;
    if (taken.length > 0) await out.verbatim(linesOf(taken));
    wish.progress.update(spans, spans);
    if (spans >= wish.most) break;
  }
  return { spans, resumed_after: 0 };
}

async function toFile(
  { client, out, signal }: Context,
  options: ExportOptions,
  wish: Wish,
): Promise<Exported> {
  const { output } = options;
  const { node_id: node } = await client.health({ signal });
  const file = await ExportFile.open(output, JSON.stringify([node, queryOf(options), options.limit]));
  const { earlier } = file;
  let at = earlier;
  let spans = earlier?.spans ?? 0;
  wish.progress.update(spans, spans, { isSkipped: true });
  try {
    const query = { ...queryOf(options), cursor: earlier?.cursor };
    for await (const page of client.pages(query, { signal })) {
      const taken = page.spans.slice(0, wish.most - spans);
      await file.write(linesOf(taken));
      spans += taken.length;
      wish.progress.update(spans, spans);
      if (spans >= wish.most || page.nextCursor === null) break;
      at = { cursor: page.nextCursor, spans };
      await file.note(at);
    }
    await file.finish();
    return { spans, resumed_after: earlier?.spans ?? 0 };
  } catch (error) {
    wish.progress.stop();
    if (at === undefined) await file.discard();
    else {
      await file.note(at, { always: true });
      await out.note(
        `${counted(at.spans, 'span')} were written before it broke off, to ${safe(output)}.part. Run the same command again: it goes on where this one stopped.`,
      );
    }
    throw error;
  } finally {
    await file.close();
  }
}

/** A span may have been sent over several lines; spaces mean the same there. */
function linesOf(spans: readonly string[]): string {
  return spans.map((json) => `${json.replaceAll(/[\r\n]+/g, ' ')}\n`).join('');
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
