/** `tail`: prints spans as they arrive at the node, and what is withdrawn or restored, until Ctrl-C. */

import type { Command } from 'commander';
import type { Span } from 'logline-federation-client';
import { EXIT } from '../exit-code.js';
import type { Output } from '../output.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

interface TailOptions {
  readonly tenant: string;
  readonly after?: string;
}

export function addTail(parent: Command, shell: Shell): void {
  const command = parent
    .command('tail')
    .description('print spans as they arrive, in order of arrival, until Ctrl-C')
    .requiredOption('--tenant <name>', 'whose timeline')
    .option(
      '--after <cursor>',
      'go on behind a cursor that an earlier tail named, or "start" for everything',
    );
  const examples = [
    'logline federation tail --tenant acme',
    'logline federation tail --tenant acme --after start --json | jq .title',
  ];
  shell.define<TailOptions>(command, examples, async ({ client, out, signal }, { tenant, after }) => {
    let cursor: string | undefined;
    const events = client.tail({
      tenant,
      after,
      signal,
      onReconnect: ({ reason }) => void out.note(`connection lost (${safe(reason.message)}); trying again`),
    });
    for await (const event of events) {
      cursor = event.cursor;
      switch (event.kind) {
        case 'span':
          if (out.isJson) await out.jsonLine(event.json);
          else await out.line(lineOf(event.span, out));
          break;
        case 'restored':
          if (out.isJson) await out.jsonLine(event.json);
          else await out.line(`${lineOf(event.span, out)}  (restored)`);
          break;
        case 'withdrawn':
          if (out.isJson) await out.jsonLine(JSON.stringify({ withdrawn: event.id }));
          else await out.line(out.colors.dim(`withdrawn: ${safe(event.id)}`));
          break;
        case 'annotated':
          if (out.isJson)
            await out.jsonLine(JSON.stringify({ annotated: event.id, span: event.span ?? null }));
          else if (event.span !== undefined) await out.line(`${lineOf(event.span, out)}  (annotated)`);
          break;
        case 'conflict':
          if (out.isJson)
            await out.jsonLine(
              JSON.stringify({ conflict: event.id, field: event.field, state: event.state }),
            );
          else
            await out.line(
              out.colors.yellow(
                `conflict ${safe(event.state)}: ${safe(event.field)} of ${safe(event.spanId)}`,
              ),
            );
          break;
        case 'reset':
          await out.note('the cursor came from another store: everything follows from the beginning');
          break;
        default:
          event satisfies never;
      }
    }
    if (cursor !== undefined) await out.note(`to go on from here: --after ${cursor}`);
    return EXIT.interrupted;
  });
}

function lineOf(span: Span, { colors }: Output): string {
  const status = typeof span.status === 'string' ? span.status : '-';
  const author = typeof span.author === 'string' ? span.author : span.logline_id;
  return [
    colors.dim(safe(span.timestamp ?? '')),
    safe(status).padEnd(9),
    colors.cyan(safe(author)),
    safe(span.title),
  ].join('  ');
}
