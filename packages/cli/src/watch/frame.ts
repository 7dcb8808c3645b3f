/** A view as the lines of a screen, whatever its size: everything is cut to fit, and the most telling comes first. */

import type { Node } from 'logline-federation-client';
import type { Colors } from '../output.js';
import { clipped, grouped, safe, whenText } from '../text.js';
import type { View } from './view.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

type Paint = (text: string) => string;

/** A line in the making: text of a fixed width, painted after it was cut. */
type Cell = readonly [text: string, width: number, paint?: Paint];

const plain: Paint = (text) => text;

/** At most `rows` lines, none wider than `columns` characters. */
export function frameOf(
  view: View,
  size: Size,
  world: { readonly colors: Colors; readonly nowMs: number },
): readonly string[] {
  const { rows, columns } = size;
  const head = headOf(view, columns, world);
  const foot = [line(columns, [['Ctrl-C ends it', columns, world.colors.dim]])];
  // Tables first give way to each other, then both to the head.
  const room = Math.max(0, rows - head.length - foot.length);
  const third = Math.max(2, Math.floor(room / 3));
  const tenants = tenantsOf(view, columns, world.colors).slice(0, third);
  const peers = peersOf(view, columns, world).slice(0, Math.max(third, room - tenants.length - third));
  const left = Math.max(0, room - tenants.length - peers.length);
  const happened = happenedOf(view, { columns, rows: left }, world.colors);
  return [...head, ...tenants, ...peers, ...happened]
    .slice(0, Math.max(0, rows - foot.length))
    .concat(rows > 1 ? foot : []);
}

function line(columns: number, cells: readonly Cell[]): string {
  let left = columns;
  const painted = cells.map(([text, width, paint = plain]) => {
    const room = Math.min(width, left);
    left -= room;
    return room <= 0 ? '' : paint(fit(text, room));
  });
  return painted.join('').trimEnd();
}

/** Exactly so many characters. Characters that take two places may reach beyond: the screen cuts those. */
function fit(text: string, width: number): string {
  return clipped(safe(text), width).padEnd(width);
}

function headOf(
  { look, spansRate, trouble }: View,
  columns: number,
  { colors, nowMs }: { readonly colors: Colors; readonly nowMs: number },
): readonly string[] {
  const { health, sync } = look;
  const paint = { healthy: colors.green, degraded: colors.yellow, unhealthy: colors.red };
  const status = Object.entries(paint).find(([word]) => word === health.status)?.[1] ?? plain;
  const wide = Math.max(0, columns - 11);
  const connected = sync.peers.filter((peer) => peer.status === 'connected').length;
  const conflicts = sync.sync_conflicts;
  return [
    line(columns, [
      [health.node_id, Math.max(0, columns - 22), colors.bold],
      [new Date(nowMs).toISOString().slice(0, 19).replace('T', ' '), 22, colors.dim],
    ]),
    trouble === undefined
      ? line(columns, [
          [health.status, 11, status],
          [health.reasons.join('; '), wide],
        ])
      : line(columns, [
          ['no answer', 11, colors.red],
          [trouble, wide],
        ]),
    line(columns, [
      [`peers ${connected}/${sync.peers.length}`, 14],
      [`in sync ${sync.peers_in_sync.length}`, 14],
      [`pending ${sync.pending_syncs}`, 14],
      [`conflicts ${conflicts}`, 16, conflicts > 0 ? colors.yellow : plain],
      [`spans ${grouped(sync.spans_total)}`, 20],
      [rateText(spansRate), 14, colors.cyan],
      [`last sync ${whenText(sync.last_sync, nowMs)}`, 24],
    ]),
    '',
  ];
}

function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined) return '';
  return perSecond === 0 ? '-' : `${grouped(Math.round(perSecond * 10) / 10)}/s`;
}

/** The busiest first, then the largest. */
function tenantsOf({ look, tenants }: View, columns: number, colors: Colors): readonly string[] {
  const counts = Object.entries(look.sync.spans ?? {}).map(([name, count]) => ({
    name,
    count,
    rate: tenants.get(name) ?? 0,
  }));
  if (counts.length === 0) return [];
  const sorted = counts.toSorted((a, b) => b.rate - a.rate || b.count - a.count);
  const name = Math.max(8, columns - 32);
  return [
    line(columns, [
      ['TENANT', name, colors.bold],
      ['SPANS', 16, colors.bold],
      ['RATE', 14, colors.bold],
    ]),
    ...sorted.map((one) =>
      line(columns, [
        [one.name, name],
        [grouped(one.count), 16],
        [rateText(one.rate), 14, colors.cyan],
      ]),
    ),
    '',
  ];
}

/** Those that need somebody first. */
function peersOf(
  { look, peers }: View,
  columns: number,
  { colors, nowMs }: { readonly colors: Colors; readonly nowMs: number },
): readonly string[] {
  if (look.sync.peers.length === 0) return [];
  const name = Math.max(8, columns - 78);
  const sorted = look.sync.peers.toSorted((a, b) => trouble(b) - trouble(a));
  return [
    line(
      columns,
      (
        [
          ['PEER', name],
          ['STATUS', 14],
          ['TRUST', 10],
          ['SYNC', 6],
          ['LATENCY', 11],
          ['IN', 10],
          ['OUT', 10],
          ['LAST SEEN', 15],
        ] as const
      ).map(([text, width]) => [text, width, colors.bold]),
    ),
    ...sorted.map((peer) => {
      const rate = peers.get(peer.address);
      const isThere = peer.status === 'connected';
      return line(columns, [
        [peer.id ?? peer.address, name],
        [peer.status, 14, isThere ? colors.green : colors.red],
        [peer.trust_level, 10, peer.trust_level === 'verified' ? colors.green : colors.yellow],
        [peer.in_sync ? 'yes' : 'no', 6, peer.in_sync ? plain : colors.yellow],
        [peer.latency_ms === null ? '-' : `${peer.latency_ms.toFixed(1)} ms`, 11],
        [rateText(rate?.entriesIn), 10, colors.cyan],
        [rateText(rate?.entriesOut), 10, colors.cyan],
        [whenText(peer.last_seen, nowMs), 15, colors.dim],
      ]);
    }),
    '',
  ];
}

function trouble(peer: Node): number {
  return (
    (peer.status === 'connected' ? 0 : 4) + (peer.trust_level === 'verified' ? 0 : 2) + (peer.in_sync ? 0 : 1)
  );
}

/** The latest at the bottom, as in a log. */
function happenedOf({ happened }: View, { columns, rows }: Size, colors: Colors): readonly string[] {
  if (rows < 2) return [];
  const latest = happened.slice(-(rows - 1));
  const lines = latest.map(({ atMs, text, isBad }) =>
    line(columns, [
      [new Date(atMs).toISOString().slice(11, 19), 10, colors.dim],
      [text, Math.max(0, columns - 10), isBad ? colors.yellow : plain],
    ]),
  );
  const nothing = line(columns, [['nothing has changed yet', columns, colors.dim]]);
  return [line(columns, [['EVENTS', columns, colors.bold]]), ...(lines.length === 0 ? [nothing] : lines)];
}
