/** `trust remove`: takes a peer off the list of those that the node trusts. */

import type { Command } from 'commander';
import { EXIT } from '../exit-code.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';

export function addTrustRemove(parent: Command, shell: Shell): void {
  const command = parent
    .command('remove')
    .description('take a peer off the list; what it wrote stays, and it can be added again')
    .argument('<peer>', 'its name, id, address or fingerprint, as nodes lists it');
  const examples = [
    'logline federation trust remove peer-alpha',
    'logline federation trust remove 10.0.0.5:8084',
  ];
  shell.define(command, examples, async ({ client, out, signal }, _options, [peer = '']) => {
    const result = await client.trust.remove(peer, { signal });
    if (out.isJson) {
      await out.json(result);
      return EXIT.ok;
    }
    for (const one of result.removed)
      await out.line(`${safe(one.peer_id ?? one.peer_address)} is off the list (${safe(one.peer_address)})`);
    if (result.detail !== null) await out.line(safe(result.detail));
    return EXIT.ok;
  });
}
