/** `discover`: lets the node look for others now. */

import { Option, type Command } from 'commander';
import type { DiscoverResult, Node } from 'logline-federation-client';
import { EXIT } from '../exit-code.js';
import { showPeers } from '../peers.js';
import type { Shell } from '../shell.js';
import { safe } from '../text.js';
import { NO_PEERS } from './nodes.js';

type Method = DiscoverResult['method'];

const METHODS: readonly Method[] = ['manual', 'broadcast', 'dns'];

export function addDiscover(parent: Command, shell: Shell): void {
  const command = parent
    .command('discover')
    .description('look for others now: listed peers, nodes on the local network, and nodes that DNS tells of')
    .addOption(new Option('--method <method>', 'look in one way only').choices(METHODS));
  const examples = ['logline federation discover', 'logline federation discover --method dns --json'];
  shell.define<{ readonly method?: string }>(
    command,
    examples,
    async ({ client, out, signal }, { method: wish }) => {
      const chosen = METHODS.find((method) => method === wish);
      const methods = chosen === undefined ? METHODS : [chosen];
      const results = await Promise.all(methods.map((method) => client.discover({ method, signal })));
      const nodes = onceEach(results.flatMap((result) => result.nodes));
      const errors = results.flatMap(({ method, errors: ofMethod }) =>
        ofMethod.map((one) => ({ method, ...one })),
      );
      if (out.isJson) await out.json({ nodes, errors, methods: results });
      else {
        if (nodes.length > 0) await showPeers(out, nodes, Date.now());
        else if (errors.every(({ address }) => address === null)) await out.line(NO_PEERS);
        for (const { method, address, error } of errors)
          await out.line(`${address === null ? method : safe(address)}: ${safe(error)}`);
      }
      // A method that is off or finds nothing is no failure, unless it was asked for.
      const failed = errors.filter(({ address }) => address !== null || chosen !== undefined);
      if (failed.length === 0) return EXIT.ok;
      return nodes.length > 0 ? EXIT.partial : EXIT.failed;
    },
  );
}

/** One node may be listed, announced and registered. */
function onceEach(nodes: readonly Node[]): readonly Node[] {
  const seen = new Map<string, Node>();
  for (const node of nodes) {
    const key = node.fingerprint ?? node.address;
    if (!seen.has(key)) seen.set(key, node);
  }
  return [...seen.values()];
}
