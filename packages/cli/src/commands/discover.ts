/** `discover`: lets the node look for its peers now. */

import type { Command } from 'commander';
import { EXIT } from '../exit-code.js';
import { showPeers } from '../peers.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';
import { NO_PEERS } from './nodes.js';

export function addDiscover(parent: Command, shell: Shell): void {
  const command = parent
    .command('discover')
    .description('look for peers now: the node dials every listed one without waiting for its backoff');
  shell.define(command, ['logline federation discover'], async ({ client, out, signal }) => {
    const result = await client.discover({ signal });
    const { nodes, errors } = result;
    if (out.isJson) await out.json(result);
    else if (nodes.length + errors.length === 0) await out.line(NO_PEERS);
    else {
      if (nodes.length > 0) await showPeers(out, nodes, Date.now());
      for (const { address, error } of errors) await out.line(`${safe(address)}: ${safe(error)}`);
    }
    if (errors.length === 0) return EXIT.ok;
    return nodes.length > 0 ? EXIT.partial : EXIT.failed;
  });
}
