/** `trust graph`: who says what about whom, as text or as a picture. */

import { Option, type Command } from 'commander';
import type { TrustGraph } from 'logline-federation-client';
import { EXIT } from '../exit-code.js';
import { levelText } from '../levels.js';
import type { Output } from '../output.js';
import type { Shell } from '../shell.js';
import { cleaned, grouped, safe, whenText } from '../text.js';

interface GraphOptions {
  readonly format: 'text' | 'json' | 'dot' | 'mermaid';
}

export function addTrustGraph(parent: Command, shell: Shell): void {
  const command = parent
    .command('graph')
    .description('show who says what about whom, and why each level is what it is')
    .addOption(
      new Option('--format <format>', 'text for people, or for other programs')
        .choices(['text', 'json', 'dot', 'mermaid'])
        .default('text'),
    );
  const examples = [
    'logline federation trust graph',
    'logline federation trust graph --format dot | dot -Tsvg -o trust.svg',
  ];
  shell.define<GraphOptions>(command, examples, async ({ client, out, signal }, { format }) => {
    if (!out.isJson && (format === 'dot' || format === 'mermaid')) {
      const picture = await client.trust.picture(format, { signal });
      await out.write(out.isRead ? cleaned(picture) : picture);
      return EXIT.ok;
    }
    const graph = await client.trust.graph({ signal });
    if (out.isJson || format === 'json') await out.json(graph);
    else await showGraph(out, graph);
    return EXIT.ok;
  });
}

async function showGraph(out: Output, graph: TrustGraph): Promise<void> {
  const now = Date.now();
  const names = new Map(graph.nodes.map((node) => [node.fingerprint, node.peer_id ?? node.fingerprint]));
  const nameOf = (key: string): string => safe(names.get(key) ?? key);
  for (const node of graph.nodes) {
    const isRoot = node.fingerprint === graph.root;
    await out.line(`${nameOf(node.fingerprint)}  ${isRoot ? 'this node' : levelText(out, node.trust_level)}`);
    if (node.peer_id !== null) await out.line(`  ${safe(node.fingerprint)}`);
    for (const reason of node.why) await out.line(`  ${safe(reason)}`);
  }
  if (graph.edges.length > 0) {
    await out.line();
    await out.table(
      ['FROM', 'SAYS', 'ABOUT', 'WHEN', 'COUNTS'],
      graph.edges.map((edge) => [
        nameOf(edge.from),
        edge.kind,
        nameOf(edge.to),
        whenText(edge.stated_at, now),
        edge.effective ? 'yes' : 'no',
      ]),
    );
  }
  const left = graph.nodes_total - graph.nodes.length + graph.edges_total - graph.edges.length;
  if (left > 0)
    await out.line(`${grouped(left)} nodes and statements that count for nothing here are left out.`);
}
