/** E, Q and F at ten times the history: memory of the writer, of a new node and after a restart, and pages. */

import { Stage, type Bench } from '../bench.js';
import type { SystemProcess } from '../processes.js';
import { bootstrap } from './bootstrap.js';

const BATCH = 100;
const PAGES = 200;
const RESTARTS = 3;

/** A history in order of time. */
export async function measureLarge(bench: Bench): Promise<void> {
  await Stage.use(bench, 'ours', async (stage) => {
    const { node } = await stage.open('A');
    const half = Math.floor(bench.largeSpans / 2);
    await node.call('fill', { from: 0, count: half });
    const middle = await ownMemory(node);
    await node.call('fill', { from: half, count: bench.largeSpans - half });
    const writer = await ownMemory(node);
    stage.note('E_slope', ((writer - middle) * 1024 * 1024) / (bench.largeSpans - half));
    await node.kill();
    for (let i = 0; i < RESTARTS; i++) {
      const crashed = await stage.open('A');
      stage.note('F_crash_large', crashed.seconds);
      await crashed.node.close();
      const clean = await stage.open('A');
      stage.note('F_clean_large', clean.seconds);
      if (clean.count < bench.largeSpans) throw new Error(`${clean.count} of ${bench.largeSpans} spans`);
      // The next one starts after a kill again, with something written that no batch of rows holds.
      await clean.node.call('append', { from: bench.largeSpans + i * BATCH, count: BATCH, batch: BATCH });
      await clean.node.kill();
    }
    const { node: full, count } = await stage.open('A');
    await notePages(stage, 'Q', full, bench.largeSpans);
    const reopened = await ownMemory(full);
    const { joined } = await bootstrap(stage, full, count);
    const figures = { writer, reopened, server: await ownMemory(full), joined: await ownMemory(joined) };
    for (const [name, value] of Object.entries(figures)) stage.note(`E_${name}`, value);
    stage.note('E', Math.max(...Object.values(figures)));
    stage.note('E_files', (await full.call('memory')).fileMb);
  });
}

/** A history imported in no order of time: the spans of a page lie in as many batches. */
export async function measureShuffled(bench: Bench): Promise<void> {
  await Stage.use(bench, 'ours', async (stage) => {
    const { node } = await stage.open('A');
    await node.call('fill', { from: 0, count: bench.largeSpans, shuffledOf: bench.largeSpans, batch: BATCH });
    await notePages(stage, 'Q_shuffled', node, bench.largeSpans);
  });
}

async function notePages(stage: Stage, figure: string, node: SystemProcess, length: number): Promise<void> {
  for (let i = 0; i < RESTARTS; i++) stage.note(figure, await node.call('pages', { length, count: PAGES }));
}

async function ownMemory(node: SystemProcess): Promise<number> {
  return (await node.call('memory')).ownMb;
}
