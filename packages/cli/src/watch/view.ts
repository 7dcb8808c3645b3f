/** What is known of a node from one look to the next: figures, how fast they change, and what happened in between. */

import type { Health, Node, SyncStatus } from 'logline-federation-client';

export interface Look {
  readonly atMs: number;
  readonly health: Health;
  readonly sync: SyncStatus;
}

/** Something that was different from one look to the next. */
export interface Happened {
  readonly atMs: number;
  readonly text: string;
  readonly isBad: boolean;
}

export interface PeerRate {
  readonly entriesIn: number;
  readonly entriesOut: number;
}

export interface View {
  readonly look: Look;
  /** Spans a second, by tenant; nothing before the second look. */
  readonly tenants: ReadonlyMap<string, number>;
  readonly spansRate: number | undefined;
  /** Entries a second, by address of the peer. */
  readonly peers: ReadonlyMap<string, PeerRate>;
  /** The latest last. */
  readonly happened: readonly Happened[];
  /** Why the node said nothing when it was asked last. */
  readonly trouble: string | undefined;
}

const HAPPENED_MOST = 100;

export function nextView(before: View | undefined, look: Look): View {
  const earlier = before?.look;
  const seconds = earlier === undefined ? 0 : (look.atMs - earlier.atMs) / 1000;
  const news: Happened[] = [];
  if (before?.trouble !== undefined)
    news.push({ atMs: look.atMs, text: 'the node answers again', isBad: false });
  if (earlier !== undefined) news.push(...changes(earlier, look));
  return {
    look,
    tenants: tenantRates(earlier, look, seconds),
    spansRate: rateOf(earlier?.sync.spans_total, look.sync.spans_total, seconds),
    peers: peerRates(earlier, look, seconds),
    happened: [...(before?.happened ?? []), ...news].slice(-HAPPENED_MOST),
    trouble: undefined,
  };
}

/** The same view, once the node has not answered. */
export function withTrouble(before: View, trouble: { readonly atMs: number; readonly text: string }): View {
  const { atMs, text } = trouble;
  const isNews = before.trouble === undefined;
  const happened = isNews ? [...before.happened, { atMs, text, isBad: true }] : before.happened;
  return { ...before, trouble: text, happened: happened.slice(-HAPPENED_MOST) };
}

/** A figure that went down began anew, such as with another process: then nobody knows how fast it is. */
function rateOf(before: number | undefined, now: number | undefined, seconds: number): number | undefined {
  if (before === undefined || now === undefined || seconds <= 0 || now < before) return undefined;
  return (now - before) / seconds;
}

function tenantRates(before: Look | undefined, now: Look, seconds: number): ReadonlyMap<string, number> {
  const earlier = new Map(Object.entries(before?.sync.spans ?? {}));
  const rates = Object.entries(now.sync.spans ?? {}).map(([tenant, count]): [string, number] => [
    tenant,
    (before && rateOf(earlier.get(tenant) ?? 0, count, seconds)) ?? 0,
  ]);
  return new Map(rates);
}

function peerRates(before: Look | undefined, now: Look, seconds: number): ReadonlyMap<string, PeerRate> {
  const earlier = new Map(before?.sync.peers.map((peer) => [peer.address, peer]));
  const rates = now.sync.peers.map((peer): [string, PeerRate] => {
    const old = earlier.get(peer.address);
    const entriesIn = rateOf(old?.entries_received, peer.entries_received, seconds) ?? 0;
    const entriesOut = rateOf(old?.entries_sent, peer.entries_sent, seconds) ?? 0;
    return [peer.address, { entriesIn, entriesOut }];
  });
  return new Map(rates);
}

function changes(before: Look, now: Look): readonly Happened[] {
  const found: Happened[] = [];
  const say = (text: string, isBad: boolean): void => void found.push({ atMs: now.atMs, text, isBad });
  if (before.health.status !== now.health.status)
    say(
      `the node is ${[now.health.status, ...now.health.reasons].join(': ')}`,
      now.health.status !== 'healthy',
    );
  if (before.sync.read_only === null && now.sync.read_only !== null)
    say(`the store is read-only: ${now.sync.read_only}`, true);
  const conflicts = now.sync.sync_conflicts - before.sync.sync_conflicts;
  if (conflicts !== 0)
    say(`${Math.abs(conflicts)} conflicts ${conflicts > 0 ? 'more' : 'fewer'} are open`, conflicts > 0);
  const earlier = new Map(before.sync.peers.map((peer) => [peer.address, peer]));
  for (const peer of now.sync.peers) {
    const old = earlier.get(peer.address);
    if (old === undefined) say(`${nameOf(peer)} is a new peer`, false);
    else for (const [text, isBad] of peerChanges(old, peer)) say(`${nameOf(peer)} ${text}`, isBad);
    earlier.delete(peer.address);
  }
  for (const gone of earlier.values()) say(`${nameOf(gone)} is no peer any more`, true);
  return found;
}

function* peerChanges(before: Node, now: Node): Generator<readonly [text: string, isBad: boolean]> {
  const wasThere = before.status === 'connected';
  const isThere = now.status === 'connected';
  if (!wasThere && isThere) yield ['is connected', false];
  if (wasThere && !isThere) yield [`is gone${now.last_error === null ? '' : `: ${now.last_error}`}`, true];
  if (before.trust_level !== now.trust_level) yield [`is ${now.trust_level}`, now.trust_level !== 'verified'];
  if (!before.in_sync && now.in_sync) yield ['is in sync', false];
}

function nameOf(peer: Node): string {
  return peer.id ?? peer.address;
}
