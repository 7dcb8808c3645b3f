/** What is held and does not count: its list, the proof of a fork, and the word on which branch of our own stands. */

import { fingerprintOf, hashOfEntry, headerOfAccepted, splitEntry, formatMs } from '@logline/federation-core';
import type { QuarantinedFeed } from '@logline/federation-core';
import { createCrypto } from '@logline/federation-core/node';
import type { z } from 'zod';
import { summarise } from '../acts.js';
import { keyFor } from '../known-peers.js';
import { json, jsonBody, problems } from '../operations.js';
import { HttpProblem } from '../problem.js';
import { readJson, readQuery } from '../request.js';
import type { Route, RouteContext, Service } from '../route.js';
import {
  forkProof,
  proofQuery,
  quarantineList,
  quarantineQuery,
  ruleRequest,
  ruleResult,
} from '../schemas-trust.js';

const PAGE_DEFAULT = 100;
const PAGE_MOST = 1000;
const CBOR_BYTES_32 = 0x5a;

export const quarantineRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/quarantine',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'Feeds of which something is held that does not count',
      requestParams: { query: quarantineQuery },
      responses: { 200: json('The feeds', quarantineList), ...problems },
    },
    handle: list,
  },
  {
    method: 'GET',
    path: '/v1/quarantine/proof',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: 'The signed entries that prove a fork',
      requestParams: { query: proofQuery },
      responses: {
        200: {
          description: 'The entries',
          content: {
            'application/json': { schema: forkProof },
            'application/cbor-seq': { schema: { type: 'string', contentMediaType: 'application/cbor-seq' } },
          },
        },
        ...problems,
      },
    },
    handle: prove,
  },
  {
    method: 'POST',
    path: '/v1/quarantine/rule',
    need: 'admin',
    reach: 'node',
    operation: {
      summary: "Say which branch of this node's own forked feed stands",
      description:
        'The other branch leaves the readings everywhere. Its spans can be appended again. The same again changes nothing.',
      requestBody: jsonBody(ruleRequest, { required: true }),
      responses: { 200: json('The branch that stands', ruleResult), ...problems },
    },
    handle: rule,
  },
];

async function list(ctx: RouteContext, { node }: Service): Promise<void> {
  const query = readQuery(ctx, quarantineQuery);
  const limit = Math.min(Number(query.limit ?? PAGE_DEFAULT), PAGE_MOST);
  const fingerprint = query.peer_id === undefined ? undefined : fingerprintOf(keyFor(node, query.peer_id));
  const all = (await node.operator.quarantine()).filter(
    (feed) => fingerprint === undefined || feed.fingerprint === fingerprint,
  );
  const sorted = all.map((feed) => ({ feed, place: placeOf(feed) })).sort(byPlace);
  const rest = sorted.filter(({ place }) => query.after === undefined || place > readPlace(query.after));
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1) : undefined;
  const body: z.output<typeof quarantineList> = {
    feeds: page.map(({ feed }) => describeFeed(feed)),
    feeds_total: all.length,
    entries_total: all.reduce((sum, { entries }) => sum + entries, 0),
    spans_total: all.reduce((sum, { spans }) => sum + spans, 0),
    next: last === undefined ? null : Buffer.from(last.place).toString('base64url'),
  };
  ctx.body = body;
}

/** Where a feed stands in the list, whatever comes and goes around it. */
function placeOf(feed: QuarantinedFeed): string {
  return `${feed.fingerprint}/${feed.feed}`;
}

function byPlace(a: { readonly place: string }, b: { readonly place: string }): number {
  return a.place < b.place ? -1 : 1;
}

function readPlace(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString();
}

function describeFeed(feed: QuarantinedFeed): z.output<typeof quarantineList>['feeds'][number] {
  return {
    feed: feed.feed,
    peer_id: feed.id ?? null,
    fingerprint: feed.fingerprint,
    tenant_id: feed.tenant ?? null,
    from: feed.from,
    to: feed.to,
    entries: feed.entries,
    spans: feed.spans,
    reason: feed.reason,
    provisional: feed.isProvisional,
    advice: feed.advice,
  };
}

async function prove(ctx: RouteContext, { node }: Service): Promise<void> {
  const { peer_id: peer, feed, format = 'json' } = readQuery(ctx, proofQuery);
  const key = keyFor(node, peer);
  const entries = await node.operator.forkProof(key, feed);
  const name = `fork-${fingerprintOf(key)}`;
  if (format === 'cbor') {
    ctx.set('Content-Type', 'application/cbor-seq');
    ctx.set('Content-Disposition', `attachment; filename="${name}.cborseq"`);
    ctx.body = Buffer.concat(entries.map(byteString));
    return;
  }
  ctx.set('Content-Disposition', `attachment; filename="${name}.json"`);
  const body: z.output<typeof forkProof> = {
    feed,
    fingerprint: fingerprintOf(key),
    entries: entries.map(describeEntry),
  };
  ctx.body = body;
}

function describeEntry(bytes: Uint8Array): z.output<typeof forkProof>['entries'][number] {
  const parts = splitEntry(bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  if (parts === undefined || header === undefined)
    throw new HttpProblem('damaged', 'an entry of the proof cannot be read: check the disk');
  return {
    seq: header.seq,
    hash: Buffer.from(hashOfEntry(parts, createCrypto())).toString('hex'),
    written_at: formatMs(header.stamp.ms),
    entry: Buffer.from(bytes).toString('base64'),
  };
}

/** An entry as a CBOR byte string (RFC 8949 §3.1), so that a sequence of them can be taken apart. */
function byteString(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = CBOR_BYTES_32;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

async function rule(ctx: RouteContext, { node, repeats }: Service): Promise<void> {
  const request = await readJson(ctx, ruleRequest);
  const hash = request.hash.toLowerCase();
  summarise(ctx, `let ${hash} stand in ${request.feed}`);
  await repeats.once(ctx, request, () => node.operator.ruleFork(request.feed, Buffer.from(hash, 'hex')));
  const body: z.output<typeof ruleResult> = { feed: request.feed, hash };
  ctx.body = body;
}
