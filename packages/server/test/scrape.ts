/** Reads `/metrics` as Prometheus does: series by name and labels. */

import { get } from './helpers.js';

/** Values by series, such as `federation_peers{status="connected"}`. */
export async function scrape(
  url: string,
  headers: Record<string, string> = {},
): Promise<ReadonlyMap<string, number>> {
  const { text, status } = await get(`${url}/metrics`, headers);
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return seriesIn(text);
}

export function seriesIn(text: string): ReadonlyMap<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    if (series.has(name)) throw new Error(`${name} comes twice`);
    series.set(name, Number(value));
  }
  return series;
}
