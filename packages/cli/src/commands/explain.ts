/** `explain`: where a span came from, and why it is or is not at each peer. */

import type { Command } from 'commander';
import type { SpanStory } from 'logline-federation-client';
import { CliError, EXIT } from '../exit-code.js';
import type { Output } from '../output.js';
import type { Shell } from '../shell.js';
import { counted, safe, whenText } from '../text.js';

interface ExplainOptions {
  readonly tenant?: string;
  readonly peer?: string;
}

type Whereabouts = SpanStory['peers'][number];

export function addExplain(parent: Command, shell: Shell): void {
  const command = parent
    .command('explain')
    .description('tell where a span came from, and why it is or is not at each peer')
    .argument('<span>', 'its id')
    .option('--tenant <name>', 'whose timeline it is in')
    .option('--peer <peer>', 'only about this one: its id, name, address or fingerprint');
  const examples = [
    'logline federation explain 0197a2c4-8d1e-7f3a-9b2c-5d6e7f8a9b0c --tenant acme',
    'logline federation explain 0197a2c4-8d1e-7f3a-9b2c-5d6e7f8a9b0c --tenant acme --peer peer-alpha',
    `logline federation explain 0197a2c4-8d1e-7f3a-9b2c-5d6e7f8a9b0c --tenant acme --json | jq -r '.peers[] | select(.state != "there") | .detail'`,
  ];
  shell.define<ExplainOptions>(command, examples, async ({ client, out, signal }, options, [span = '']) => {
    const { tenant, peer } = options;
    const story = await client.explain(span, { signal, tenant });
    const peers = peer === undefined ? story.peers : [whereabouts(story, peer)];
    if (out.isJson) await out.json({ ...story, peers });
    else await show(out, { ...story, peers });
    return EXIT.ok;
  });
}

function whereabouts({ peers }: SpanStory, peer: string): Whereabouts {
  const found = peers.find(
    ({ peer_id: id, address, fingerprint }) =>
      [id, address, fingerprint].includes(peer) || id === `logline-id://node/${peer}`,
  );
  if (found !== undefined) return found;
  const known = peers.map(({ peer_id: id, address }) => id ?? address);
  const those = known.length === 0 ? 'the node knows no peer' : `it knows ${known.join(', ')}`;
  throw new CliError(`--peer: the node knows no peer ${JSON.stringify(peer)}: ${those}`);
}

async function show(out: Output, story: SpanStory): Promise<void> {
  const { green, yellow, red } = out.colors;
  const now = Date.now();
  const { node_id: origin, fingerprint } = story.origin;
  await out.facts([
    ['span', safe(story.span_id)],
    ['tenant', safe(story.tenant_id)],
    ['written by', `${safe(origin ?? 'a node whose name is not known here')}  ${safe(fingerprint)}`],
    ['written at', `${safe(story.written_at)} (${whenText(story.written_at, now)})`],
    ['entry', `${story.seq} of epoch ${safe(story.epoch)}, with ${counted(story.spans_of_entry, 'span')}`],
    ...(story.bodies > 1
      ? [['conflict', yellow(`${counted(story.bodies, 'content')} under this id`)] as const]
      : []),
  ]);
  if (story.peers.length === 0) return out.line('The node knows no peer that it could be at.');
  await out.line();
  const paint: Readonly<Record<string, (text: string) => string>> = {
    there: green,
    sending: yellow,
    away: yellow,
  };
  await out.table(
    ['PEER', 'THE SPAN', 'AS OF'],
    story.peers.map((peer) => [
      safe(peer.peer_id ?? peer.address),
      (paint[peer.state] ?? red)(safe(peer.state.replace('_', ' '))),
      whenText(peer.as_of, now),
    ]),
  );
  for (const peer of story.peers)
    await out.line(`${safe(peer.peer_id ?? peer.address)}: ${safe(peer.detail)}`);
}
