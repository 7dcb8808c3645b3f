/** The middle of the story: gamma is cut off, alpha is killed, everybody writes on, and all is healed. */

import type { RunFolder } from './folder.js';
import type { SpanName } from './history.js';
import type { Network } from './network.js';
import type { Phases } from './phases.js';
import { counted, figure, seconds, type Story } from './story.js';
import { NODES } from './traffic.js';
import { LIVE_TENANT, startWriter, type LiveWriter } from './writer.js';

export interface FaultWorld {
  readonly network: Network;
  readonly phases: Phases;
  readonly folder: RunFolder;
  readonly story: Story;
  readonly writes: number;
  readonly signal: AbortSignal;
}

/** Resolves to the live spans that were acknowledged, when all nodes have agreed again. */
export async function cutAndKill(world: FaultWorld): Promise<readonly SpanName[]> {
  const { network, folder, story, writes, phases } = world;
  const stop = new AbortController();
  const signal = AbortSignal.any([world.signal, stop.signal]);
  const writers = NODES.map((node) => startWriter({ node, url: network.url(node), count: writes, signal }));
  try {
    story.say(
      `Now a writer at each node appends ${counted(writes, 'span')}, one by one, to the timeline "${LIVE_TENANT}".`,
    );
    await phases.run('apart', () => apart(world, writers));
    const ms = await phases.run('heal', () => heal(world, writers));
    story.say(`All agree again ${seconds(ms)} s after alpha's restart began.`);
    story.say();
  } finally {
    stop.abort();
    await Promise.allSettled(writers.map(({ done }) => done));
    folder.addLive(writers.flatMap(({ acknowledged }) => acknowledged));
  }
  return writers.flatMap(({ acknowledged }) => acknowledged);
}

async function apart(world: FaultWorld, writers: readonly LiveWriter[]): Promise<void> {
  const { network, story, writes, signal } = world;
  const [alpha, beta, gamma] = writers;
  if (alpha === undefined || beta === undefined || gamma === undefined) return;
  await Promise.all(writers.map((writer) => writer.reached(Math.ceil(writes / 4))));
  await network.cutCable();
  story.say(
    `   The cable to gamma is cut, with ${counted(gamma.acknowledged.length, 'span')} acknowledged by gamma so far.`,
  );
  await alpha.reached(Math.ceil(writes / 2));
  const pid = await network.kill('alpha');
  const killedAt = alpha.acknowledged.length;
  story.say(
    `   alpha is killed (kill -9 ${pid}) after ${counted(killedAt, 'acknowledged span')}, while it writes.`,
  );
  await Promise.all([beta.done, gamma.done]);

  const shows = async (node: 'beta' | 'gamma'): Promise<string> => {
    let spans = 0;
    const pages = network.client(node).lines({ tenant_id: LIVE_TENANT, limit: 1000 }, { signal });
    for await (const _ of pages) spans++;
    return `shows ${counted(spans, 'live span')}`;
  };
  story.picture({ alpha: 'killed', beta: 'up', gamma: 'up' }, ['none', 'cut'], {
    alpha: `${figure(killedAt)} acknowledged`,
    beta: await shows('beta'),
    gamma: await shows('gamma'),
  });
}

async function heal(world: FaultWorld, writers: readonly LiveWriter[]): Promise<void> {
  const { network, story } = world;
  const [alpha] = writers;
  network.mendCable();
  await network.start('alpha');
  await Promise.all(writers.map(({ done }) => done));
  story.say('   alpha is back on the same data directory, and the cable is mended.');
  if (alpha !== undefined) story.say(`   ${repeatsOf(alpha)}`);
  await network.settle((entries) => story.progress(`entries held: ${entries.map(figure).join(' · ')}`));
}

function repeatsOf({ unanswered, storedUnheard }: LiveWriter): string {
  const stored =
    storedUnheard === 0
      ? 'none had been stored before'
      : `${counted(storedUnheard, 'span')} had been stored before, and stored nothing twice`;
  return `Its writer made ${counted(unanswered, 'request')} without an answer and repeated each; ${stored}.`;
}
