/** The trust graph, and what ends trust: a revocation with its cuts, and the release of what it cut off. */

import { fingerprintOf, formatMs } from '@logline/federation-core';
import type { RevokeFrom, TrustGraphView } from '@logline/federation-core';
import type { z } from 'zod';
import { summarise } from '../acts.js';
import { keyFor } from '../known-peers.js';
import { json, jsonBody, problems } from '../operations.js';
import { describeReport } from '../relationships.js';
import { readJson, readQuery } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import { graphQuery, releaseRequest, revocationReport, revokeRequest, trustGraph } from '../schemas-trust.js';
import { dotOf, mermaidOf } from '../trust-pictures.js';

/** An answer of a few MiB at most; more than a few hundred lines nobody reads in a picture either. */
const NODES_SHOWN = 5_000;
const EDGES_SHOWN = 20_000;

export const trustGraphRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/trust/graph',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Who says what about whom, and why each level is what it is',
      requestParams: { query: graphQuery },
      responses: {
        200: {
          description: 'The graph, in the format asked for',
          content: {
            'application/json': { schema: trustGraph },
            'text/vnd.graphviz': { schema: { type: 'string' } },
            'text/plain': { schema: { type: 'string', description: 'Mermaid' } },
          },
        },
        ...problems,
      },
    },
    handle: showGraph,
  },
  {
    method: 'POST',
    path: '/v1/trust/revoke',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Stop trusting a node, and say where its feeds end',
      description:
        'Its links close within a second. What it wrote beyond the cuts is kept, listed under /v1/quarantine, and neither shown nor passed on. With `dry_run` nothing is done but told.',
      requestBody: jsonBody(revokeRequest, { required: true }),
      responses: { 200: json('What fell, or would fall', revocationReport), ...problems },
    },
    handle: revoke,
  },
  {
    method: 'POST',
    path: '/v1/trust/release',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: "Let a node's quarantined entries count after all, by moving cuts of our own up",
      requestBody: jsonBody(releaseRequest, { required: true }),
      responses: {
        200: json('Where its feeds end now, and what is still cut off', revocationReport),
        ...problems,
      },
    },
    handle: release,
  },
];

function showGraph(ctx: RouteContext, { node }: Service): void {
  const { format = 'json' } = readQuery(ctx, graphQuery);
  const whole = node.operator.trustGraph();
  const graph = bounded(whole);
  switch (format) {
    case 'dot':
      ctx.body = dotOf(graph);
      ctx.set('Content-Type', 'text/vnd.graphviz; charset=utf-8');
      break;
    case 'mermaid':
      ctx.body = mermaidOf(graph);
      ctx.set('Content-Type', 'text/plain; charset=utf-8');
      break;
    case 'json':
      ctx.body = describeGraph(graph, whole);
      break;
    default:
      format satisfies never;
  }
}

/** Strangers can add to the graph as much as they like: what counts goes first. */
function bounded(graph: TrustGraphView): TrustGraphView {
  if (graph.nodes.length <= NODES_SHOWN && graph.edges.length <= EDGES_SHOWN) return graph;
  const effective = graph.edges.filter((edge) => edge.isEffective);
  const edges = [...effective, ...graph.edges.filter((edge) => !edge.isEffective)].slice(0, EDGES_SHOWN);
  const ends = new Set([graph.root, ...effective.flatMap((edge) => [edge.from, edge.to])]);
  const counting = graph.nodes.filter((one) => ends.has(one.fingerprint));
  const others = graph.nodes.filter((one) => !ends.has(one.fingerprint));
  return { root: graph.root, nodes: [...counting, ...others].slice(0, NODES_SHOWN), edges };
}

function describeGraph(graph: TrustGraphView, whole: TrustGraphView): z.output<typeof trustGraph> {
  return {
    root: graph.root,
    nodes: graph.nodes.map(({ fingerprint, id, level, why }) => ({
      fingerprint,
      peer_id: id ?? null,
      trust_level: level,
      why: [...why],
    })),
    nodes_total: whole.nodes.length,
    edges: graph.edges.map(({ from, to, kind, statement, statedAtMs, isEffective }) => ({
      from,
      to,
      kind,
      statement,
      stated_at: formatMs(statedAtMs),
      effective: isEffective,
    })),
    edges_total: whole.edges.length,
  };
}

async function revoke(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const request = await readJson(ctx, revokeRequest);
  const { from = 'heads', reason, dry_run: dryRun = false } = request;
  const key = keyFor(node, request.peer_id);
  const told = typeof from === 'string' ? from : `${Object.keys(from).length} named feeds`;
  summarise(ctx, `${dryRun ? 'would revoke' : 'revoke'} ${fingerprintOf(key)} from ${told}: ${reason ?? ''}`);
  const wish = { key, from: readFrom(from), reason, dryRun };
  ctx.body = await repeats.once(ctx, request, async () => describeReport(await node.operator.revoke(wish)));
}

async function release(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const request = await readJson(ctx, releaseRequest);
  const { feed, to } = request;
  const key = keyFor(node, request.peer_id);
  summarise(ctx, `release ${feed ?? 'all'} of ${fingerprintOf(key)} up to ${to ?? 'all that is held'}`);
  ctx.body = await repeats.once(ctx, request, async () =>
    describeReport(await node.operator.release({ key, feed, to })),
  );
}

function readFrom(from: 'heads' | 'all' | Readonly<Record<string, number>>): RevokeFrom {
  return typeof from === 'string' ? from : new Map(Object.entries(from));
}
