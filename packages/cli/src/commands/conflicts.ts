/** `conflicts …`: what nodes are at odds about, side by side, and deciding it. */

import type { Command } from 'commander';
import type { Conflict, ConflictCandidate, LoglineFederationClient } from 'logline-federation-client';
import { CliError, EXIT, UsageError } from '../exit-code.js';
import { readLimit } from '../limit.js';
import type { Output } from '../output.js';
import type { Shell } from '../shell.js';
import { counted, safe, whenText } from '../text.js';

interface TenantOption {
  readonly tenant: string;
}

interface ListOptions extends TenantOption {
  readonly state?: string;
  readonly field?: string;
  readonly span?: string;
  readonly limit?: string;
}

interface ResolveOptions extends TenantOption {
  readonly choose?: string;
  readonly value?: string;
  readonly note?: string;
}

const STATES = ['open', 'resolved', 'all'] as const;
/** So much of a candidate's name tells it from all others. */
const SHORT_CHARS = 12;
/** More columns than that fit no terminal. */
const COLUMNS_MOST = 4;

export function addConflicts(parent: Command, shell: Shell): void {
  const conflicts = parent
    .command('conflicts')
    .description('what nodes say of one span without knowing of each other');
  addList(conflicts, shell);
  addShow(conflicts, shell);
  addResolve(conflicts, shell);
}

function addList(parent: Command, shell: Shell): void {
  const command = parent
    .command('list', { isDefault: true })
    .description('list conflicts: by default those that wait for a decision')
    .requiredOption('--tenant <name>', 'whose timeline')
    .option('--state <state>', 'open, resolved or all (default: open)')
    .option('--field <field>', 'only of this member, such as status, metadata.cost or identity')
    .option('--span <id>', 'only of this span')
    .option('--limit <n>', 'at most so many (default: 100)');
  const examples = [
    'logline federation conflicts --tenant acme',
    'logline federation conflicts list --tenant acme --state all --field status --json',
  ];
  shell.define<ListOptions>(command, examples, async ({ client, out, signal }, options) => {
    const most = options.limit === undefined ? 100 : readLimit(options.limit);
    const state = stateOf(options.state ?? 'open');
    const query = { state, field: options.field, span_id: options.span };
    const found: Conflict[] = [];
    let isMore = false;
    for await (const conflict of client.conflicts.all(given(query), { tenant: options.tenant, signal })) {
      isMore = found.length === most;
      if (isMore) break;
      found.push(conflict);
    }
    if (out.isJson) await out.json({ conflicts: found, more: isMore });
    else await showList(out, found, isMore);
    return EXIT.ok;
  });
}

function stateOf(text: string): 'open' | 'resolved' | undefined {
  const state = STATES.find((one) => one === text);
  if (state === undefined)
    throw new UsageError(`--state: expected ${STATES.join(', ')}, got ${JSON.stringify(text)}`);
  return state === 'all' ? undefined : state;
}

function given<T extends object>(query: T): T {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as T;
}

async function showList(out: Output, found: readonly Conflict[], isMore: boolean): Promise<void> {
  if (found.length === 0) return out.line('Nodes are not at odds about anything.');
  const nowMs = Date.now();
  await out.table(
    ['CONFLICT', 'MEMBER', 'SAID', 'OPENED', 'STATE'],
    found.map((one) => [
      safe(one.id),
      safe(one.field),
      safe(one.candidates.map(saidBy).join(' | ')),
      whenText(one.opened_at, nowMs),
      one.state === 'open' ? out.colors.yellow('open') : settledBy(one),
    ]),
  );
  await out.line(`${counted(found.length, 'conflict')}${isMore ? '; --limit shows more' : ''}`);
}

function saidBy(candidate: ConflictCandidate): string {
  return `${valueText(candidate.span?.title ?? candidate.value)} (${nameOf(candidate)})`;
}

function settledBy({ resolution, policy }: Conflict): string {
  return resolution?.by === 'node' ? `decided by ${safe(nameOf(resolution))}` : `settled by ${policy}`;
}

function addShow(parent: Command, shell: Shell): void {
  const command = parent
    .command('show')
    .description('show what was said side by side, and how to decide')
    .argument('<conflict>', 'as list shows it')
    .requiredOption('--tenant <name>', 'whose timeline');
  const examples = ['logline federation conflicts show 0192…-a1b2c3d4e5f60718 --tenant acme'];
  shell.define<TenantOption>(command, examples, async ({ client, out, signal }, { tenant }, [id = '']) => {
    const conflict = await client.conflicts.get(id, { tenant, signal });
    if (out.isJson) await out.json(conflict);
    else await showOne(out, conflict, tenant);
    return EXIT.ok;
  });
}

async function showOne(out: Output, conflict: Conflict, tenant: string): Promise<void> {
  const { candidates, resolution } = conflict;
  await out.line(`${safe(conflict.field)} of span ${safe(conflict.span_id)}`);
  const rows = rowsOf(conflict, Date.now());
  if (candidates.length <= COLUMNS_MOST)
    await out.table(
      ['', ...candidates.map(({ ref }) => ref.slice(0, SHORT_CHARS))],
      rows.map(([name, ...values]) => [out.colors.dim(safe(name ?? '')), ...values.map(safe)]),
    );
  else
    await out.table(
      ['CANDIDATE', ...rows.map(([name = '']) => safe(name).toUpperCase())],
      candidates.map(({ ref }, i) => [
        ref.slice(0, SHORT_CHARS),
        ...rows.map((row) => safe(row[i + 1] ?? '')),
      ]),
    );
  if (conflict.state === 'resolved') {
    const note = resolution?.note ? `: ${safe(resolution.note)}` : '';
    return out.line(`${settledBy(conflict)}: ${safe(valueText(resolution?.value))}${note}`);
  }
  const first = candidates[0]?.ref.slice(0, SHORT_CHARS) ?? '';
  await out.line(
    `to decide: logline federation conflicts resolve ${safe(conflict.id)} --tenant ${safe(tenant)} --choose ${first}`,
  );
}

/** What is told of each candidate, a row each; of bodies the members in which they differ. */
function rowsOf({ candidates }: Conflict, nowMs: number): readonly (readonly string[])[] {
  const bodies = candidates.map(({ span }) => span);
  const names = [...new Set(bodies.flatMap((span) => Object.keys(span ?? {})))];
  const memberAt = (name: string): readonly string[] =>
    bodies.map((span) => (span !== undefined && Object.hasOwn(span, name) ? valueText(span[name]) : ''));
  const differing = names
    .map((name) => [name, ...memberAt(name)])
    .filter(([, ...values]) => values.some((value) => value !== values[0]));
  return [
    ...(differing.length > 0 ? differing : [['value', ...candidates.map(({ value }) => valueText(value))]]),
    ['by', ...candidates.map(nameOf)],
    ['when', ...candidates.map(({ at }) => whenText(at, nowMs))],
    ['', ...candidates.map(({ why }) => (why === 'provisional' ? 'read for now' : why.replaceAll('_', ' ')))],
  ];
}

function addResolve(parent: Command, shell: Shell): void {
  const command = parent
    .command('resolve')
    .description('decide a conflict, here and at all nodes that hear of it')
    .argument('<conflict>', 'as list shows it')
    .requiredOption('--tenant <name>', 'whose timeline')
    .option('--choose <candidate>', 'one of the candidates, as show names it')
    .option('--value <value>', 'another value: JSON, or a text as it is')
    .option('--note <text>', 'why, for those who look later');
  const examples = [
    'logline federation conflicts resolve 0192…-a1b2c3d4e5f60718 --tenant acme --choose 5d41402abc4b',
    'logline federation conflicts resolve 0192…-a1b2c3d4e5f60718 --tenant acme --value reverted --note "asked bob"',
  ];
  shell.define<ResolveOptions>(command, examples, async ({ client, out, signal }, options, [id = '']) => {
    const { tenant, choose, value, note } = options;
    if ((choose === undefined) === (value === undefined))
      throw new UsageError('say either --choose, with a candidate, or --value');
    const decision =
      choose === undefined
        ? { value: readValue(value ?? '') }
        : { choose: await refOf(client, { id, tenant, choose, signal }) };
    const decided = await client.conflicts.resolve(
      id,
      { ...decision, ...(note !== undefined && { note }) },
      { tenant, signal },
    );
    if (out.isJson) await out.json(decided ?? null);
    else await out.line(`decided: ${safe(valueText(decided?.resolution?.value ?? value ?? choose))}`);
    return EXIT.ok;
  });
}

/** The whole name of the candidate that a beginning of it means. */
async function refOf(
  client: LoglineFederationClient,
  asked: {
    readonly id: string;
    readonly tenant: string;
    readonly choose: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { id, tenant, choose, signal } = asked;
  const { candidates } = await client.conflicts.get(id, { tenant, signal });
  const meant = candidates.filter(({ ref }) => ref.startsWith(choose));
  const [found] = meant;
  if (found !== undefined && meant.length === 1) return found.ref;
  const names = candidates.map(({ ref }) => ref.slice(0, SHORT_CHARS)).join(', ');
  throw new CliError(
    `--choose: ${meant.length} candidates begin with ${JSON.stringify(choose)}: there are ${names}`,
  );
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function nameOf(author: { readonly node_id: string | null; readonly fingerprint: string | null }): string {
  return author.node_id?.replace('logline-id://node/', '') ?? author.fingerprint ?? '';
}
