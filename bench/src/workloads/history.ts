/** A100, F, B, W, C and D: a history written in batches, restarted, copied to an empty node, followed live, cut and healed. */

import { rate, Stage, type Bench } from '../bench.js';
import { sleep } from '../driver.js';
import type { SystemProcess } from '../processes.js';
import type { System } from '../samples.js';
import { quantile } from '../statistics.js';
import { bootstrap } from './bootstrap.js';

const BATCH = 100;
const MEASURED_MOST = 20_000;
const WARM_UP = 1000;
const MS_MOST = 10_000;
const LIVE_SPANS = 200;
const LIVE_GAP_MS = 5;
const APART_SPANS = 100;
const SETTLE_MS = 300;

export async function measureHistory(bench: Bench, system: System): Promise<void> {
  await Stage.use(bench, system, async (stage) => {
    const have = await write(bench, stage);
    await restart(stage, have, system);
    const { node: full } = await stage.open('A');
    const { joined, address, ...copied } = await bootstrap(stage, full, have);
    stage.note('B', copied.spansPerSecond);
    stage.note('W', copied.bytesPerSpan);
    stage.note('B_cpu', copied.cpuPerSpan);
    stage.note('B_bytes', copied.bytesPerSpan * have);
    await full.call('joinBack');
    await sleep(SETTLE_MS);
    const livened = await live(stage, { full, joined }, have);
    await apart(stage, { full, joined, address }, livened);
  });
}

interface Pair {
  readonly full: SystemProcess;
  readonly joined: SystemProcess;
}

/** Returns how many there are in the end. */
async function write(bench: Bench, stage: Stage): Promise<number> {
  const { node } = await stage.open('A');
  const warm = Math.min(WARM_UP, bench.spans);
  await node.call('append', { from: 0, count: warm, batch: BATCH });
  const count = Math.max(BATCH, Math.min(MEASURED_MOST, bench.spans - warm));
  const cpu = await node.call('cpu');
  const appended = await node.call('append', { from: warm, count, batch: BATCH, msMost: MS_MOST });
  stage.note('A100', rate(appended));
  stage.note('A100_cpu', (((await node.call('cpu')) - cpu) / appended.count) * 1000);
  const have = warm + appended.count;
  const more = Math.max(0, bench.spans - have);
  await node.call('fill', { from: have, count: more });
  await node.close();
  return have + more;
}

/** After a clean end, and after a kill. */
async function restart(stage: Stage, have: number, system: System): Promise<void> {
  const clean = await stage.open('A');
  stage.note('F_clean', clean.seconds);
  if (clean.count < have) throw new Error(`${clean.count} of ${have} spans after a restart`);
  // PostgreSQL is not the process that would be killed.
  if (system === 'postgres') return clean.node.close();
  await clean.node.kill();
  const crashed = await stage.open('A');
  stage.note('F_crash', crashed.seconds);
  await crashed.node.close();
}

/** From handing over a span to seeing it at the other, at 200 a second. */
async function live(stage: Stage, { full, joined }: Pair, have: number): Promise<number> {
  await joined.call('watch');
  const sent = await full.call('live', { from: have, count: LIVE_SPANS, gapMs: LIVE_GAP_MS });
  await joined.call('waitFor', { count: have + LIVE_SPANS, msMost: 20_000 });
  await sleep(SETTLE_MS);
  const seen = await joined.call('seen');
  const times = [...sent].flatMap(([id, atMs]) => {
    const seenMs = seen.get(id);
    return seenMs === undefined ? [] : [seenMs - atMs];
  });
  if (times.length < LIVE_SPANS) throw new Error(`${times.length} of ${LIVE_SPANS} live spans were seen`);
  stage.note('C', quantile(times, 0.5));
  stage.note('C_p99', quantile(times, 0.99));
  return have + LIVE_SPANS;
}

/** Cut, written to on both sides, and connected again until both have all. */
async function apart(stage: Stage, pair: Pair & { readonly address: string }, have: number): Promise<void> {
  const { full, joined } = pair;
  await joined.call('disconnect');
  await full.call('disconnect');
  await sleep(SETTLE_MS);
  await full.call('append', { from: have, count: APART_SPANS, batch: 1 });
  await joined.call('append', { from: have, count: APART_SPANS, batch: 1 });
  const address = await full.call('listen');
  const before = await joined.call('traffic');
  const sinceMs = await joined.call('connect', address);
  const wish = { count: have + 2 * APART_SPANS, msMost: 60_000 };
  const ends = await Promise.all([full.call('waitFor', wish), joined.call('waitFor', wish)]);
  stage.note('D_ms', Math.max(...ends) - sinceMs);
  await sleep(SETTLE_MS);
  const after = await joined.call('traffic');
  stage.note('D_bytes', after.inBytes + after.outBytes - before.inBytes - before.outBytes);
}
