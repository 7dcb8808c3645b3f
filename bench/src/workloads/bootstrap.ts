/** Filling an empty node from another. */

import type { Stage } from '../bench.js';
import type { SystemProcess } from '../processes.js';

const MS_MOST = 120_000;

export interface Bootstrapped {
  readonly joined: SystemProcess;
  readonly address: string;
  readonly spansPerSecond: number;
  readonly bytesPerSpan: number;
  /** CPU time of both sides together, µs. */
  readonly cpuPerSpan: number;
}

/** Starts an empty node beside one with `count` spans, and waits until it has them all, durable and readable. */
export async function bootstrap(stage: Stage, full: SystemProcess, count: number): Promise<Bootstrapped> {
  const { node: joined } = await stage.open('B');
  await joined.call('meet', await full.call('identity'));
  await full.call('meet', await joined.call('identity'));
  const address = await full.call('listen');
  const before = await joined.call('traffic');
  const cpuBefore = (await full.call('cpu')) + (await joined.call('cpu'));
  const sinceMs = await joined.call('connect', address);
  const seconds = ((await joined.call('waitFor', { count, msMost: MS_MOST })) - sinceMs) / 1000;
  const after = await joined.call('traffic');
  const cpu = (await full.call('cpu')) + (await joined.call('cpu')) - cpuBefore;
  const bytes = after.inBytes + after.outBytes - before.inBytes - before.outBytes;
  return {
    joined,
    address,
    spansPerSecond: count / seconds,
    bytesPerSpan: bytes / count,
    cpuPerSpan: (cpu / count) * 1000,
  };
}
