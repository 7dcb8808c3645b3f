/** `watch`: how a node is and what happens to it, live, until Ctrl-C. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { LoglineFederationClient, LoglineFederationError } from 'logline-federation-client';
import { EXIT, UsageError, type ExitCode } from '../exit-code.js';
import type { Context, Shell } from '../shell.js';
import { counted, grouped, safe } from '../text.js';
import { frameOf } from '../watch/frame.js';
import { Screen } from '../watch/screen.js';
import { nextView, withTrouble, type View } from '../watch/view.js';

interface WatchOptions {
  readonly interval: string;
  readonly count?: string;
}

const ANSWER_MS = 5_000;

export function addWatch(parent: Command, shell: Shell): void {
  const command = parent
    .command('watch')
    .description('show live how a node is: health, peers, tenants, rates, open conflicts, and what changes')
    .option('--interval <seconds>', 'how often to look', '2')
    .option('--count <looks>', 'end after so many looks (default: at Ctrl-C)');
  command.addHelpText(
    'after',
    '\nA terminal shows one screen; anything else gets a line for each look, or with --json an object.',
  );
  const examples = [
    'logline federation watch',
    'logline federation watch --interval 0.5 --url http://10.0.0.5:8084',
    'logline federation watch --json --count 10 | jq .sync.spans_total',
  ];
  shell.define<WatchOptions>(command, examples, async (context, options) => {
    const intervalMs = readNumber('--interval', options.interval, { least: 0.1, most: 3600 }) * 1000;
    const most =
      options.count === undefined
        ? Infinity
        : Math.floor(readNumber('--count', options.count, { least: 1, most: 1e9 }));
    return context.out.isRead && !context.out.isJson
      ? onScreen(context, { intervalMs, most })
      : inLines(context, { intervalMs, most });
  });
}

interface Pace {
  readonly intervalMs: number;
  readonly most: number;
}

function readNumber(
  option: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`${option}: expected a number from ${least} to ${most}, got ${JSON.stringify(text)}`);
}

async function onScreen(context: Context, pace: Pace): Promise<ExitCode> {
  const { out, io } = context;
  let view: View | undefined;
  const redraw = (): void => {
    if (view !== undefined)
      screen.draw(frameOf(view, screen.size, { colors: out.colors, nowMs: Date.now() }));
  };
  const screen = new Screen(io.stdout, redraw);
  try {
    for await (view of views(context, pace)) {
      // Not before there is something to show: who cannot be reached at all is told so on the first screen.
      screen.open();
      redraw();
    }
  } finally {
    screen.close();
  }
  return EXIT.ok;
}

async function inLines(context: Context, pace: Pace): Promise<ExitCode> {
  const { out } = context;
  for await (const view of views(context, pace)) {
    const { look, trouble, spansRate = 0 } = view;
    const { health, sync } = look;
    const at = new Date(Date.now()).toISOString();
    if (out.isJson)
      await out.jsonLine(
        JSON.stringify({ at, trouble: trouble ?? null, spans_per_second: spansRate, health, sync }),
      );
    else if (trouble !== undefined) await out.line(`${at}  ${safe(trouble)}`);
    else
      await out.line(
        `${at}  ${safe(health.status)}  ${health.peers_connected} of ${counted(sync.peers.length, 'peer')}  ${counted(sync.sync_conflicts, 'conflict')}  ${counted(sync.spans_total, 'span')}  ${grouped(Math.round(spansRate))}/s`,
      );
  }
  return EXIT.ok;
}

/** A look after each pause. The first one has to succeed; later ones tell why they did not. */
async function* views(
  { target, signal }: Context,
  { intervalMs, most }: Pace,
): AsyncGenerator<View, void, void> {
  const client = new LoglineFederationClient({ ...target, timeoutMs: ANSWER_MS, retry: { tries: 1 } });
  let view: View | undefined;
  for (let looks = 1; ; looks++) {
    try {
      const [health, sync] = await Promise.all([client.health({ signal }), client.syncStatus({ signal })]);
      view = nextView(view, { atMs: Date.now(), health, sync });
    } catch (error) {
      if (view === undefined || !(error instanceof LoglineFederationError)) throw error;
      view = withTrouble(view, { atMs: Date.now(), text: error.detail });
    }
    yield view;
    if (looks >= most) return;
    await sleep(intervalMs, undefined, { signal });
  }
}
