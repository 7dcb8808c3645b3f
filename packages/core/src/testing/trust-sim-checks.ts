/** What must hold of each node once a simulation of trust has healed: readings, quarantine, promises and sessions. */

import { toHex } from '../bytes.js';
import { readChange } from '../change.js';
import { openContent } from '../content.js';
import { headerOfAccepted, splitEntry } from '../entry.js';
import { barredFrom, scopeOfFeed, splitFeedKey, type Feed } from '../feed.js';
import { acceptedRanges, digestHoldings } from '../holdings.js';
import { timelineScope, type TenantId } from '../identity.js';
import { createTools } from '../node/system.js';
import { formatSpanId } from '../span.js';
import { checkFlows } from './trust-sim-flows.js';
import { checkFolds } from './trust-sim-folds.js';
import { checkStream } from './trust-sim-stream.js';
import { TENANTS, type Citizen, type TrustWorld } from './trust-sim-world.js';

const TOOLS = createTools();
const READ_BYTES = 1024 * 1024;

/** The first thing that does not hold; `undefined` if all does. */
export async function checkAll(world: TrustWorld): Promise<string | undefined> {
  const down = world.citizens.find(({ machine }) => !machine.isUp);
  if (down !== undefined) return `${down.machine.name} is not up`;
  return (
    checkSessions(world) ??
    (await checkFlows(world)) ??
    (await checkFolds(world)) ??
    (await checkTimelines(world))
  );
}

/** Everything a node answers, one thing a line; `brief`: what a trace keeps of it. */
export async function describeCitizen(
  { machine }: Citizen,
  { brief }: { readonly brief: boolean },
): Promise<string> {
  const { node, storage } = machine;
  if (node === undefined || storage === undefined) return 'down';
  const { operator } = node;
  const connected = new Set(
    node.peers().flatMap((peer) => (peer.status === 'connected' ? [peer.address] : [])),
  );
  /** What a peer last said of us is forgotten in a restart, and said again when it is met. */
  const levelOf = (level: string, address?: string): string =>
    connected.has(address ?? '') || (level !== 'verified' && level !== 'pending') ? level : 'trusted';
  const readings = await Promise.all(
    TENANTS.map(async (tenant) => `${tenant} ${JSON.stringify(await readAll(machine, tenant))}`),
  );
  const lines = [
    ...operator
      .relationships()
      .map(({ fingerprint, level, why, verifiedBy, cut, address }) =>
        plain({ fingerprint, level: levelOf(level, address), why, verifiedBy, cut, address }),
      ),
    ...(await operator.quarantine()).map(plain),
    ...operator.access().map(plain),
    ...operator.trustGraph().edges.map(plain),
    ...operator
      .trustGraph()
      .nodes.map(({ fingerprint, level }) => plain({ fingerprint, level: levelOf(level) })),
    ...node
      .peers()
      .map(
        ({ address, status, trustLevel }) =>
          `${address} ${status === 'connected'} ${levelOf(trustLevel, address)}`,
      )
      .sort(),
    ...[...storage.feeds()]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((feed) => `${nameOf(feed)} ${plain(acceptedRanges(feed))} ${plain(feed.bar)}`),
    ...readings,
  ];
  return brief ? toHex(TOOLS.crypto.sha256(TOOLS.text.encode(lines.join('\n')))) : lines.join('\n');
}

/** Without names, which are learned from whoever says hello first. */
function plain(value: unknown): string {
  return JSON.stringify(value, (key, member: unknown) => {
    if (key === 'why' && Array.isArray(member)) return member.length;
    return key === 'id' || key === 'hash' ? undefined : member;
  });
}

function nameOf(feed: Feed): string {
  const { scope = '', origin = [], epoch = [] } = splitFeedKey(feed.key) ?? {};
  return `${scope} ${[...origin.slice(0, 4), ...epoch].join('.')}`;
}

/** No session with a key that is revoked here; one with everyone who trusts us, whom we trust, and of whom one lists the other. */
function checkSessions({ citizens }: TrustWorld): string | undefined {
  for (const { machine } of citizens) {
    for (const peer of machine.node?.peers() ?? []) {
      if (peer.status === 'connected' && peer.trustLevel === 'revoked')
        return `${machine.name} is connected to ${peer.address}, whose key is revoked`;
    }
  }
  return undefined;
}

interface Content {
  /** Bodies under each id, of entries that count. */
  readonly accepted: ReadonlyMap<string, ReadonlySet<string>>;
  readonly quarantined: ReadonlySet<string>;
}

async function checkTimelines(world: TrustWorld): Promise<string | undefined> {
  for (const tenant of TENANTS) {
    const seen = new Map<string, { readonly name: string; readonly reading: string }>();
    for (const citizen of world.citizens) {
      const { name } = citizen.machine;
      const lines = await readAll(citizen.machine, tenant);
      const content = await contentOf(citizen, tenant);
      const wrong =
        checkReading(lines, content) ??
        checkPromises(citizen, tenant, content) ??
        (await checkQuarantine(citizen, tenant, content)) ??
        (await checkStream(world, citizen, { tenant, bodies: content.accepted }));
      if (wrong !== undefined) return `${name}, ${tenant}: ${wrong}`;
      // R8: equal accepted holdings, equal readings.
      const digest = digestOf(citizen, tenant);
      const reading = lines.join('\n');
      const same = seen.get(digest);
      if (same !== undefined && lines.length > 0) world.saw('same_holdings');
      if (content.quarantined.size > 0) world.saw('quarantine');
      if (same !== undefined && same.reading !== reading)
        return `R8: ${name} and ${same.name} hold the same of ${tenant}, and read it differently`;
      seen.set(digest, { name, reading });
    }
  }
  return undefined;
}

/** The reading shows exactly the ids of the accepted entries, each once, in a body that one of them holds. */
function checkReading(lines: readonly string[], { accepted }: Content): string | undefined {
  const shown = new Set<string>();
  for (const line of lines) {
    const { id } = JSON.parse(line) as { readonly id: string };
    if (shown.has(id)) return `${id} is shown twice`;
    shown.add(id);
    if (accepted.get(id)?.has(line) !== true)
      return `${id} is shown, and no accepted entry holds it: ${line}`;
  }
  const missing = [...accepted.keys()].find((id) => !shown.has(id));
  return missing === undefined ? undefined : `${missing} is accepted, and not shown`;
}

function checkPromises(
  { promised }: Citizen,
  tenant: TenantId,
  { accepted, quarantined }: Content,
): string | undefined {
  for (const [id, promise] of promised) {
    if (promise.tenant === tenant && !accepted.has(id) && !quarantined.has(id))
      return `${id} was acknowledged, and is neither shown nor in quarantine`;
  }
  return undefined;
}

/** What is held and does not count is listed, entry for entry. */
async function checkQuarantine(
  { machine }: Citizen,
  tenant: TenantId,
  { quarantined }: Content,
): Promise<string | undefined> {
  const listed = (await machine.node?.operator.quarantine()) ?? [];
  const ofTenant = listed.filter((one) => one.tenant === tenant && one.feed.startsWith('timeline/'));
  const spans = ofTenant.reduce((sum, one) => sum + one.spans, 0);
  // A span may be held in quarantine twice, from two origins.
  return spans >= quarantined.size && spans > 0 === quarantined.size > 0
    ? undefined
    : `the quarantine lists ${spans} spans, and ${quarantined.size} ids are held in it`;
}

function digestOf({ machine }: Citizen, tenant: TenantId): string {
  const scope = timelineScope(tenant);
  const feeds = [...(machine.storage?.feeds() ?? [])]
    .filter((feed) => scopeOfFeed(feed.key) === scope)
    .map((feed) => ({ key: feed.key, ranges: acceptedRanges(feed) }))
    .filter(({ ranges }) => ranges.length > 0)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return toHex(digestHoldings(feeds, TOOLS.crypto));
}

/** The spans of all entries held of a tenant, read from the log itself. */
async function contentOf({ machine }: Citizen, tenant: TenantId): Promise<Content> {
  const accepted = new Map<string, Set<string>>();
  const quarantined = new Set<string>();
  const { storage } = machine;
  const scope = timelineScope(tenant);
  for (const feed of storage?.feeds() ?? []) {
    if (scopeOfFeed(feed.key) !== scope) continue;
    const bar = barredFrom(feed);
    for (const range of feed.ranges) {
      for (let from = range.from; from <= range.to;) {
        const page = (await storage?.entries(feed.key, { from, to: range.to, bytesMost: READ_BYTES })) ?? [];
        if (page.length === 0) throw new Error(`entry ${from} is held and cannot be read`);
        for (const { bytes } of page) {
          for (const { id, body } of spansOf(bytes)) {
            if (from >= bar) quarantined.add(id);
            else accepted.set(id, (accepted.get(id) ?? new Set()).add(body));
          }
          from++;
        }
      }
    }
  }
  return { accepted, quarantined };
}

function spansOf(bytes: Uint8Array): readonly { readonly id: string; readonly body: string }[] {
  const parts = splitEntry(bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  const change = parts === undefined ? undefined : readChange(parts.change, TOOLS);
  if (header === undefined || change === undefined) throw new Error('a held entry cannot be read');
  const content = openContent(change.value, header.scope, TOOLS);
  if (!content.ok) throw new Error(`a held entry cannot be read: ${content.reason}`);
  return content.spans.map((span) => ({
    id: formatSpanId(span.id),
    body: TOOLS.text.decode(span.bytes) ?? '',
  }));
}

async function readAll(machine: Citizen['machine'], tenant: TenantId): Promise<readonly string[]> {
  const timeline = machine.node?.timeline(tenant);
  const lines: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await timeline?.query({ limit: 1000, cursor });
    for (const span of page?.spans ?? []) lines.push(TOOLS.text.decode(span) ?? '');
    cursor = page?.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return lines;
}
