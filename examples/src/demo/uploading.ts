/** Gives each node its files, and tells what the node made of them. */

import { openHistory, type History, type SpanName } from './history.js';
import type { Network } from './network.js';
import { DemoProblem } from './options.js';
import type { Phases } from './phases.js';
import { counted, figure, seconds, type Story } from './story.js';
import { NODES } from './traffic.js';

export interface Uploaded {
  /** The spans that their node said it holds durably. */
  readonly spans: readonly SpanName[];
}

export interface UploadWorld {
  readonly histories: readonly History[];
  readonly network: Network;
  readonly phases: Phases;
  readonly story: Story;
  readonly signal: AbortSignal;
}

const REJECTED_SHOWN = 3;

/** One file after the other, so that the entries a node gains meanwhile are those it wrote itself. */
export async function uploadHistories(world: UploadWorld): Promise<Uploaded> {
  const { histories, phases, story } = world;
  const spans: SpanName[] = [];
  let written = 0;
  const ms = await phases.run('upload', async () => {
    for (const [at, history] of histories.entries()) {
      const result = await uploadTo(NODES[at % NODES.length] ?? 'alpha', history, world);
      spans.push(...result.spans);
      written += result.written;
    }
  });
  story.say(
    `Uploaded ${counted(histories.length, 'file')} in ${seconds(ms)} s: ${counted(written, 'entry', 'entries')} written.`,
  );
  story.say();
  return { spans };
}

async function uploadTo(
  node: (typeof NODES)[number],
  history: History,
  { network, story, signal }: UploadWorld,
): Promise<Uploaded & { readonly written: number }> {
  const before = await network.entries(node);
  const result = await network.client(node).upload(openHistory(history.path), {
    signal,
    onProgress: ({ lines }) => story.progress(`${node}: ${counted(lines, 'line')} of ${history.name} sent`),
  });
  const written = (await network.entries(node)) - before;
  const { accepted, duplicates, conflicts_total, rejected, rejected_total } = result;
  story.say(
    `   ${node} takes ${history.name}: ${counted(history.spans.length, 'span')}, ${figure(accepted)} accepted, ${counted(duplicates, 'duplicate')}, ${counted(written, 'entry', 'entries')} written`,
  );
  if (conflicts_total > 0)
    story.say(`   ${counted(conflicts_total, 'span')} stored beside other content of the same id`);
  for (const { index, error } of rejected.slice(0, REJECTED_SHOWN)) {
    story.say(`   rejected: span ${index + 1} of ${history.name}: ${error}`);
  }
  if (rejected_total > rejected.length) {
    throw new DemoProblem(
      `${history.name}: ${figure(rejected_total)} spans were rejected, more than the node names; correct them first`,
    );
  }
  const answered = accepted + duplicates + conflicts_total + rejected_total;
  if (answered !== history.spans.length) {
    throw new Error(
      `${node} answered for ${answered} spans of ${history.name}, which has ${history.spans.length}`,
    );
  }
  const refused = new Set(rejected.map(({ index }) => index));
  return { spans: history.spans.filter((_, index) => !refused.has(index)), written };
}
