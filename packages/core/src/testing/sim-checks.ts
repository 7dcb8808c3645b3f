/** What must hold when a simulated network has healed: the same holdings and readings, nothing lost, invented or doubled. */

import { toHex } from '../bytes.js';
import type { Feed } from '../feed.js';
import { digestHoldings, holdingsOf } from '../holdings.js';
import { createTools } from '../node/system.js';
import type { SimNode } from './sim-node.js';

/** A span that was handed to some node, and what became of it. */
export interface Issued {
  readonly id: string;
  readonly tenant: string;
  /** Every content that was sent under this id. */
  readonly bodies: { readonly [member: string]: unknown }[];
  /** Nodes that acknowledged it. */
  readonly acknowledged: Set<string>;
  /** Only a node whose disk was rolled back held it. */
  excused: boolean;
}

const TOOLS = createTools();

/** The first thing that does not hold; `undefined` if all does. */
export async function checkAgreement(
  nodes: readonly SimNode[],
  issued: ReadonlyMap<string, Issued>,
  tenants: readonly string[],
): Promise<string | undefined> {
  const down = nodes.find((node) => !node.isUp);
  if (down !== undefined) return `${down.name} is not up`;
  const digests = nodes.map(holdingsDigest);
  if (new Set(digests).size > 1) {
    const described = nodes.map((node, i) => `${node.name} ${digests[i]?.slice(0, 8)}`).join(', ');
    return `holdings differ: ${described}; ${firstDifference(nodes)}`;
  }
  for (const tenant of tenants) {
    const readings = await Promise.all(nodes.map((node) => readAll(node, tenant)));
    const [first = []] = readings;
    for (const [i, reading] of readings.entries()) {
      const at = reading.findIndex((line, j) => line !== first[j]);
      if (at >= 0 || reading.length !== first.length) {
        return `readings of ${tenant} differ: ${nodes[0]?.name} has ${first.length}, ${nodes[i]?.name} ${reading.length}; first difference at ${at}: ${first[at]} / ${reading[at]}`;
      }
    }
    const wrong = checkReading(first, tenant, issued) ?? (await checkStreams(nodes, tenant, first));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Digest of holdings and number of spans, for the trace. */
export async function describeState(node: SimNode, tenants: readonly string[]): Promise<string> {
  const counts = await Promise.all(tenants.map(async (tenant) => (await readAll(node, tenant)).length));
  return `holds ${holdingsDigest(node).slice(0, 16)} reads ${counts.join('+')}`;
}

function checkReading(
  lines: readonly string[],
  tenant: string,
  issued: ReadonlyMap<string, Issued>,
): string | undefined {
  const seen = new Set<string>();
  for (const line of lines) {
    const body = JSON.parse(line) as { readonly id: string; readonly title: string };
    const known = issued.get(body.id);
    if (known === undefined || known.tenant !== tenant) return `invented: ${line}`;
    if (!known.bodies.some((sent) => sent['title'] === body.title)) return `altered: ${line}`;
    if (seen.has(body.id)) return `doubled: ${line}`;
    seen.add(body.id);
  }
  for (const span of issued.values()) {
    if (span.tenant === tenant && span.acknowledged.size > 0 && !span.excused && !seen.has(span.id)) {
      return `lost: ${span.id}, acknowledged by ${[...span.acknowledged].join(', ')}`;
    }
  }
  return undefined;
}

/** A follower from the beginning sees every span of the reading, and no body twice. */
async function checkStreams(
  nodes: readonly SimNode[],
  tenant: string,
  reading: readonly string[],
): Promise<string | undefined> {
  for (const node of nodes) {
    const timeline = node.node?.timeline(tenant);
    if (timeline === undefined) continue;
    const seen = new Set<string>();
    const wanted = new Set(reading);
    let twice: string | undefined;
    const signal = new AbortController();
    if (wanted.size === 0) continue;
    for await (const event of timeline.follow({ after: 'start', signal: signal.signal })) {
      if (event.kind !== 'span') continue;
      const line = new TextDecoder().decode(event.span);
      if (seen.has(line)) twice ??= line;
      seen.add(line);
      wanted.delete(line);
      if (wanted.size === 0) signal.abort();
    }
    if (twice !== undefined) return `${node.name} streamed twice: ${twice}`;
  }
  return undefined;
}

function holdingsDigest(node: SimNode): string {
  const feeds = [...(node.storage?.feeds() ?? [])].filter((feed) => feed.ranges.length > 0);
  feeds.sort((a, b) => (a.key < b.key ? -1 : 1));
  return toHex(digestHoldings(feeds.map(holdingsOf), TOOLS.crypto));
}

/** The first feed that two nodes hold differently, as ranges of seq. */
function firstDifference(nodes: readonly SimNode[]): string {
  const held = nodes.map(
    (node) => new Map((node.storage?.feeds() ?? []).map((feed) => [feed.key, describeRanges(feed)])),
  );
  for (const key of new Set(held.flatMap((feeds) => [...feeds.keys()]))) {
    const ranges = held.map((feeds) => feeds.get(key) ?? '');
    if (new Set(ranges).size > 1) return nodes.map((node, i) => `${node.name} [${ranges[i]}]`).join(' ');
  }
  return 'the same ranges with other hashes';
}

function describeRanges(feed: Feed): string {
  return feed.ranges.map((range) => `${range.from}-${range.to}`).join(' ');
}

async function readAll(node: SimNode, tenant: string): Promise<readonly string[]> {
  const timeline = node.node?.timeline(tenant);
  const lines: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await timeline?.query({ limit: 1000, cursor });
    for (const span of page?.spans ?? []) lines.push(new TextDecoder().decode(span));
    cursor = page?.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return lines;
}
