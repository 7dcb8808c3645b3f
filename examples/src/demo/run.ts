/** The story of the demo from start to end; what it promises is checked in its last step. */

import { countSpans, disagreements, type Reading } from './compare.js';
import { cutAndKill } from './faults.js';
import type { RunFolder } from './folder.js';
import type { History, SpanName } from './history.js';
import { Network } from './network.js';
import { Phases } from './phases.js';
import { readNode } from './reading.js';
import { counted, figure, seconds, type Story } from './story.js';
import { NODES, type NodeName } from './traffic.js';
import { uploadHistories, type Uploaded } from './uploading.js';
import { LIVE_TENANT } from './writer.js';

export interface RunOptions {
  readonly histories: readonly History[];
  readonly folder: RunFolder;
  readonly writes: number;
  /** Cut and kill, with writers that go on. */
  readonly faults: boolean;
  readonly story: Story;
  readonly signal: AbortSignal;
}

/** Resolves to the reasons why the nodes do not agree, none if all is well. Rejects when it cannot come so far. */
export async function runDemo(options: RunOptions): Promise<readonly string[]> {
  const { story, folder, signal } = options;
  const startedAtMs = performance.now();
  story.say('LogLine Federation: three nodes, one timeline.');
  story.say(
    folder.isReused
      ? `Reusing the data directories in ${folder.path}.`
      : `Starting afresh, in ${folder.path}.`,
  );
  const network = await Network.open(folder, signal);
  try {
    const world = { ...options, network, phases: new Phases(network) };
    world.phases.note('start', performance.now() - startedAtMs);
    return await tell(world);
  } finally {
    story.clear();
    await network.close();
  }
}

interface World extends RunOptions {
  readonly network: Network;
  readonly phases: Phases;
}

async function tell(world: World): Promise<readonly string[]> {
  const { story, folder, network, phases } = world;
  story.picture(
    { alpha: 'up', beta: 'up', gamma: 'up' },
    ['none', 'none'],
    notesOf((node) => network.url(node)),
  );

  let uploaded: Uploaded;
  if (folder.isReused) {
    story.say('The nodes know each other from before; first they bring each other up to date.');
    await connectAndSettle(world, 'reunite');
    uploaded = await uploadHistories(world);
    await sync(world);
  } else {
    uploaded = await uploadHistories(world);
    await connectAndSettle(world, 'merge');
  }
  const acknowledged = [...uploaded.spans, ...folder.live];
  let problems = await compare(world, acknowledged);

  if (world.faults && problems.length === 0) {
    const live = await cutAndKill(world);
    problems = await compare(world, [...acknowledged, ...live]);
  }
  await phases.show(story);
  return problems;
}

async function connectAndSettle(world: World, phase: 'merge' | 'reunite'): Promise<void> {
  const { story, network, phases } = world;
  const ms = await phases.run(phase, async () => {
    await network.connect();
    await network.settle((entries) => story.progress(`entries held: ${entries.map(figure).join(' · ')}`));
  });
  const entries = await Promise.all(NODES.map((node) => network.entries(node)));
  story.say(`Each node trusts its neighbour in the line; connected and of one mind in ${seconds(ms)} s.`);
  story.picture(
    { alpha: 'up', beta: 'up', gamma: 'up' },
    ['up', 'up'],
    notesOf((node) => counted(entries[NODES.indexOf(node)] ?? 0, 'entry', 'entries')),
  );
}

/** On a second run: asks every node to sync, and tells how much moved since the servers started. */
async function sync(world: World): Promise<void> {
  const { story, network, phases } = world;
  await phases.run('sync', () => network.settle(() => undefined));
  const { alpha, gamma } = network.traffic;
  const sent = alpha.entriesSent + gamma.entriesSent;
  story.say(`Synced again: ${counted(sent, 'entry', 'entries')} sent.`);
  story.say();
}

async function compare(world: World, acknowledged: readonly SpanName[]): Promise<readonly string[]> {
  const { story, network, phases, signal } = world;
  const byTenant = groupByTenant(acknowledged);
  const tenants = [...new Set([...byTenant.keys(), LIVE_TENANT])].sort();
  const readings: Reading[] = [];
  await phases.run('read all', async () => {
    for (const node of NODES) {
      const onProgress = (spans: number): void => story.progress(`${node}: ${counted(spans, 'span')} read`);
      readings.push(await readNode({ node, client: network.client(node), tenants, signal, onProgress }));
    }
  });
  story.say('What each node shows, read page by page over REST:');
  const entries = await Promise.all(NODES.map((node) => network.entries(node)));
  const shown = tenants.filter((tenant) =>
    readings.some((one) => (one.tenants.get(tenant) ?? []).length > 0),
  );
  story.table(
    ['', ...NODES],
    [
      ...shown.map((tenant) => [
        `spans of ${tenant}`,
        ...readings.map((one) => figure(one.tenants.get(tenant)?.length ?? 0)),
      ]),
      ['spans in all', ...readings.map((one) => figure(countSpans(one)))],
      ['entries', ...entries.map(figure)],
      ['SHA-256', ...readings.map((one) => `${one.digest.slice(0, 16)}…`)],
    ],
  );
  const problems = disagreements(readings, byTenant);
  const [first] = readings;
  if (problems.length === 0 && first !== undefined) {
    story.say(
      `Digests equal: ${counted(countSpans(first), 'span')} in the same order on all three, ${first.digest}`,
    );
    story.say(`All ${counted(sizeOf(byTenant), 'acknowledged span')} are there.`);
    story.say();
  }
  return problems;
}

function groupByTenant(spans: readonly SpanName[]): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>();
  for (const { tenant, id } of spans) {
    const ids = groups.get(tenant) ?? new Set<string>();
    groups.set(tenant, ids.add(id));
  }
  return groups;
}

function sizeOf(groups: ReadonlyMap<string, ReadonlySet<string>>): number {
  return [...groups.values()].reduce((sum, ids) => sum + ids.size, 0);
}

function notesOf(note: (node: NodeName) => string): Readonly<Record<NodeName, string>> {
  return { alpha: note('alpha'), beta: note('beta'), gamma: note('gamma') };
}
