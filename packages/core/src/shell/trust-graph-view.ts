/** Trust as operators see it: the graph with the reason for every level, and the relationships of this node. */

import { toHex } from '../bytes.js';
import { lastRange, splitFeedKey } from '../feed.js';
import { fingerprintOf, isNodeName, nodeIdOf, type Fingerprint, type NodeId } from '../identity.js';
import type { TrustReason } from '../trust-view.js';
import { sentenceOf } from '../trust-view.js';
import type { HoldingsTable } from './holdings-table.js';
import type { CutSummary, Relationship, TrustGraphView } from './operator-view.js';
import type { PeerBook } from './peer-book.js';
import type { TrustKeeper } from './trust-keeper.js';

interface ViewWorld {
  readonly keeper: TrustKeeper;
  readonly book: PeerBook;
  readonly table: HoldingsTable;
  readonly idOf: (key: Fingerprint) => NodeId | undefined;
}

export function describeGraph({ keeper, idOf }: ViewWorld): TrustGraphView {
  const { graph } = keeper;
  const nodes = [...graph.nodes((key) => keeper.hears(key))].map(({ fingerprint, name, level, why }) => ({
    fingerprint,
    id: idOf(fingerprint) ?? (name !== undefined && isNodeName(name) ? nodeIdOf(name) : undefined),
    level,
    why: sentences(why, idOf),
  }));
  const edges = [...graph.edges()].map((edge) => ({
    from: edge.from,
    to: edge.to,
    kind: edge.kind,
    statement: toHex(edge.statement),
    statedAtMs: edge.stamp.ms,
    isEffective: edge.effective && !edge.overridden,
  }));
  return { root: graph.root, nodes, edges };
}

/** Listed peers whose key is known, keys that are trusted or that have ended, and those that we verified. */
export function describeRelationships(world: ViewWorld): readonly Relationship[] {
  const { keeper, book } = world;
  const keys = new Set<Fingerprint>();
  for (const { key } of book.peers()) if (key !== undefined) keys.add(fingerprintOf(key));
  for (const { fingerprint, level, why } of keeper.graph.nodes())
    if (level !== 'unknown' || why.some(({ kind }) => RELATED.has(kind))) keys.add(fingerprint);
  // Who revoked a key may have ended since, and nobody else need have named it: what it wrote is cut all the same.
  for (const key of keeper.graph.ended()) keys.add(key);
  keys.delete(keeper.graph.root);
  return [...keys].sort().map((key) => describeRelationship(key, world));
}

/** Reasons that make a key more than one that somebody talks of. */
const RELATED: ReadonlySet<TrustReason['kind']> = new Set([
  'verified_by_us',
  'inherited',
  'revoked',
  'overridden',
]);

function describeRelationship(fingerprint: Fingerprint, world: ViewWorld): Relationship {
  const { keeper, book, idOf } = world;
  const peer = [...book.peers()].find(({ key }) => key !== undefined && fingerprintOf(key) === fingerprint);
  const why = keeper.graph.why(fingerprint, keeper.hears(fingerprint));
  const verified = why.find((reason) => reason.kind === 'verified_by_us');
  return {
    fingerprint,
    id: idOf(fingerprint),
    address: peer?.address,
    level: keeper.graph.levelOf(fingerprint, keeper.hears(fingerprint)),
    method: verified?.method ?? 'signature',
    establishedAtMs: peer?.establishedAtMs ?? verified?.stamp.ms,
    signature: keeper.signatureOn(fingerprint),
    verifiedBy: why.flatMap((reason) => (reason.kind === 'vouched' ? reason.by : [])),
    cut: describeCut(fingerprint, world),
    why: sentences(why, idOf),
  };
}

function describeCut(fingerprint: Fingerprint, { keeper, table }: ViewWorld): CutSummary | undefined {
  const { revocations, rotations } = keeper.graph.endsOf(fingerprint);
  const ends = [...revocations, ...rotations];
  if (ends.length === 0) return undefined;
  let entries = 0;
  let feeds = 0;
  let isProvisional = false;
  for (const feed of table.feeds()) {
    const parts = splitFeedKey(feed.key);
    if (parts === undefined || fingerprintOf(parts.origin) !== fingerprint) continue;
    if (feed.bar === undefined) continue;
    feeds++;
    entries += Math.max(0, (lastRange(feed)?.to ?? 0) + 1 - feed.bar.from);
    isProvisional ||= feed.bar.provisional;
  }
  return {
    revocations: [...new Set(ends.map((end) => toHex(end.facts[0].hash)))].sort(),
    by: [...new Set(ends.map((end) => end.by))].sort(),
    feeds,
    entries,
    isProvisional,
  };
}

function sentences(
  why: readonly TrustReason[],
  idOf: (key: Fingerprint) => NodeId | undefined,
): readonly string[] {
  return why.map((reason) => sentenceOf(reason, (key) => idOf(key) ?? key));
}
