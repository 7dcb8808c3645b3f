/** `nodes`: every peer that the node knows. */

import type { Command } from 'commander';
import { EXIT } from '../exit-code.js';
import { showPeers } from '../peers.js';
import type { Shell } from '../shell.js';

export const NO_PEERS =
  'No peer is listed yet: logline federation trust add --peer <address>, or FEDERATION_TRUSTED_PEERS at the node.';

export function addNodes(parent: Command, shell: Shell): void {
  const command = parent.command('nodes').description('list the peers that a node knows');
  const examples = ['logline federation nodes', 'logline federation nodes --url http://10.0.0.5:8084 --json'];
  shell.define(command, examples, async ({ client, out, signal }) => {
    const nodes = await client.nodes({ signal });
    if (out.isJson) await out.json({ nodes });
    else if (nodes.length === 0) await out.line(NO_PEERS);
    else await showPeers(out, nodes, Date.now());
    return EXIT.ok;
  });
}
