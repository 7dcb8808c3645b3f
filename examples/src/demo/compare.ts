/** What three nodes must agree on: the same spans, in the same order, and none that was acknowledged missing. */

/** A span as a node showed it. */
export interface ReadSpan {
  readonly id: string;
  /** Tells contents apart: a digest of the span's bytes. */
  readonly sum: string;
}

/** Everything that a node shows, tenant by tenant, in its order. */
export interface Reading {
  readonly node: string;
  readonly tenants: ReadonlyMap<string, readonly ReadSpan[]>;
  /** SHA-256 over all of it. */
  readonly digest: string;
}

/** By tenant, the ids of spans that some node said it holds durably. */
export type Acknowledged = ReadonlyMap<string, ReadonlySet<string>>;

/** Every reason, in words, why these are not readings of one and the same history; none if they are. */
export function disagreements(readings: readonly Reading[], acknowledged: Acknowledged): readonly string[] {
  const [first, ...others] = readings;
  if (first === undefined) return ['no node was read'];
  return [
    ...readings.flatMap(repeats),
    ...readings.flatMap((reading) => losses(reading, acknowledged)),
    ...others.flatMap((other) => differences(first, other)),
  ];
}

export function countSpans(reading: Reading): number {
  return [...reading.tenants.values()].reduce((sum, spans) => sum + spans.length, 0);
}

function repeats(reading: Reading): readonly string[] {
  return [...reading.tenants].flatMap(([tenant, spans]) => {
    const seen = new Set<string>();
    const twice = spans.filter(({ id }) => seen.size === seen.add(id).size);
    const [example] = twice;
    return example === undefined
      ? []
      : [`${reading.node} shows ${twice.length} spans of ${tenant} twice, such as ${example.id}`];
  });
}

function losses(reading: Reading, acknowledged: Acknowledged): readonly string[] {
  return [...acknowledged].flatMap(([tenant, ids]) => {
    const shown = new Set((reading.tenants.get(tenant) ?? []).map(({ id }) => id));
    const lost = [...ids].filter((id) => !shown.has(id));
    return lost.length === 0
      ? []
      : [`${reading.node} lacks ${lost.length} acknowledged spans of ${tenant}, such as ${lost[0]}`];
  });
}

/** The first place in each tenant where two readings part. */
function differences(a: Reading, b: Reading): readonly string[] {
  const tenants = new Set([...a.tenants.keys(), ...b.tenants.keys()]);
  const found = [...tenants].flatMap((tenant) => {
    const ours = a.tenants.get(tenant) ?? [];
    const theirs = b.tenants.get(tenant) ?? [];
    const length = Math.max(ours.length, theirs.length);
    for (let at = 0; at < length; at++) {
      const [x, y] = [ours[at], theirs[at]];
      if (x?.id === y?.id && x?.sum === y?.sum) continue;
      const shows = (span: ReadSpan | undefined): string =>
        span === undefined ? 'the end' : `${span.id} (${span.sum})`;
      return [
        `${tenant}, span ${at + 1}: ${a.node} shows ${shows(x)} where ${b.node} shows ${shows(y)}; they show ${ours.length} and ${theirs.length} spans`,
      ];
    }
    return [];
  });
  if (found.length > 0 || a.digest === b.digest) return found;
  return [`${a.node} and ${b.node} show the same ids, but their digests differ: ${a.digest} and ${b.digest}`];
}
