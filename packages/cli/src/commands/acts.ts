/** `acts`: what administrators did at a node. */

import type { Command } from 'commander';
import { EXIT } from '../exit-code.js';
import { readLimit } from '../limit.js';
import type { Shell } from '../shell.js';
import { safe, whenText } from '../text.js';

interface ActsOptions {
  readonly limit?: string;
  readonly before?: string;
}

export function addActs(parent: Command, shell: Shell): void {
  const command = parent
    .command('acts')
    .description('list what administrators did at a node, newest first; each is a signed entry of its log')
    .option('--limit <n>', 'at most so many, up to 1000 (default: 100)')
    .option('--before <cursor>', 'older ones: the cursor that the list before ended with');
  const examples = [
    'logline federation acts',
    `logline federation acts --limit 10 --json | jq -r '.acts[].action'`,
  ];
  shell.define<ActsOptions>(command, examples, async ({ client, out, signal }, { limit, before }) => {
    const page = {
      ...(limit !== undefined && { limit: readLimit(limit) }),
      ...(before !== undefined && { before }),
    };
    const list = await client.trust.acts(page, { signal });
    if (out.isJson) {
      await out.json(list);
      return EXIT.ok;
    }
    if (list.acts.length === 0) await out.line('No administrator has done anything yet.');
    else {
      const now = Date.now();
      await out.table(
        ['WHEN', 'WHO', 'WHAT', 'ABOUT', 'OUTCOME'],
        list.acts.map((act) => [
          whenText(act.at, now),
          safe(act.caller),
          safe(act.action),
          safe(act.detail),
          safe(act.outcome),
        ]),
      );
    }
    if (list.next !== null) await out.line(`older ones: logline federation acts --before ${safe(list.next)}`);
    return EXIT.ok;
  });
}
