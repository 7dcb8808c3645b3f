/** Metrics whose values are read off something else when somebody asks: nothing is counted twice, or before it is wanted. */

import type { Buckets } from '@logline/federation-core';
import type { Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Every series there is; its labels come from closed lists or are capped. */
  readonly read: () => Iterable<Sample> | Promise<Iterable<Sample>>;
}

interface Series {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

export function registerFamily(registry: Registry, { name, help, type, read }: Family): void {
  register(registry, { name, help, type }, async () =>
    [...(await read())].map(([labels, value]) => ({ metricName: name, labels, value })),
  );
}

/** A histogram of plain numbers. `scale` turns them into the unit of the name, such as 0.001 for seconds from milliseconds. */
export function registerBuckets(
  registry: Registry,
  { name, help, scale }: { readonly name: string; readonly help: string; readonly scale: number },
  read: () => Buckets,
): void {
  register(registry, { name, help, type: 'histogram' }, () => {
    const { bounds, counts, sum, count } = read();
    let below = 0;
    const buckets = bounds.map((bound, i): Series => {
      below += counts[i] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le: tidy(bound * scale) }, value: below };
    });
    return Promise.resolve([
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels: {}, value: sum * scale },
      { metricName: `${name}_count`, labels: {}, value: count },
    ]);
  });
}

function register(
  registry: Registry,
  about: { readonly name: string; readonly help: string; readonly type: string },
  values: () => Promise<readonly Series[]>,
): void {
  const get = async (): Promise<unknown> => ({ ...about, aggregator: 'sum', values: await values() });
  // What a registry asks of a metric is its name and `get`; its classes only count for themselves.
  registry.registerMetric({ ...about, get } as unknown as Metric);
}

/** Without the noise of binary fractions: 0.005 and not 0.005000000000000001. */
function tidy(bound: number): string {
  return String(Number(bound.toPrecision(6)));
}
