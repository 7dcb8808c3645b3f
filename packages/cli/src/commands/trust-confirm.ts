/** `trust confirm`: says that the key seen at a peer is the right one, where nothing else proves it. */

import type { Command } from 'commander';
import { EXIT } from '../exit-code.js';
import { showEstablished } from '../established.js';
import type { Shell } from '../shell.js';

export function addTrustConfirm(parent: Command, shell: Shell): void {
  const command = parent
    .command('confirm')
    .description(
      'say that the key seen at a peer is the right one; compare it with what the peer prints first',
    )
    .argument('<peer>', 'its name or address, as nodes lists it')
    .argument('<fingerprint>', 'the 43 characters that the peer prints at its start');
  const examples = ['logline federation trust confirm 10.0.0.5:8084 Xn3k…'];
  shell.define(command, examples, async (context, _options, [peer = '', fingerprint = '']) => {
    const result = await context.client.trust.confirm(peer, fingerprint, { signal: context.signal });
    await showEstablished(context, result);
    return EXIT.ok;
  });
}
