/** The tables that people read: budgets, figures side by side, and what each feature of the exchange brings. */

import type { Verdict } from './budgets.js';
import { SYSTEMS, type Samples, type System } from './samples.js';
import { median, rounded, spread } from './statistics.js';

interface Figure {
  readonly name: string;
  readonly title: string;
}

const FIGURES: readonly Figure[] = [
  { name: 'A1', title: 'A1: one by one, spans/s' },
  { name: 'A64', title: 'A64: 64 callers, spans/s' },
  { name: 'A100', title: 'A100: batches of 100, spans/s' },
  { name: 'A100_rest', title: 'A100 over REST, spans/s' },
  { name: 'A1_cpu', title: 'A1: CPU µs a span' },
  { name: 'A100_cpu', title: 'A100: CPU µs a span' },
  { name: 'B', title: 'B: bootstrap, spans/s' },
  { name: 'B1', title: 'B1: of single entries, spans/s' },
  { name: 'B_cpu', title: 'B: CPU µs a span, both sides' },
  { name: 'B1_cpu', title: 'B1: CPU µs a span, both sides' },
  { name: 'W', title: 'W: bytes a span on the wire' },
  { name: 'W1', title: 'W1: of single entries' },
  { name: 'C', title: 'C: append to visible, p50 ms' },
  { name: 'C_p99', title: 'C: p99 ms' },
  { name: 'D_ms', title: 'D: heal, ms' },
  { name: 'D_bytes', title: 'D: heal, bytes' },
  { name: 'F_clean', title: 'F: restart after a clean end, s' },
  { name: 'F_crash', title: 'F: restart after a kill, s' },
  { name: 'F_clean_large', title: 'F: ten times the history, clean, s' },
  { name: 'F_crash_large', title: 'F: ten times the history, kill, s' },
  { name: 'E_writer', title: 'E: the writer, MB' },
  { name: 'E_reopened', title: 'E: after a restart and 600 pages, MB' },
  { name: 'E_server', title: 'E: after it filled another, MB' },
  { name: 'E_joined', title: 'E: the one that was filled, MB' },
  { name: 'E_files', title: 'mapped files beside it, MB' },
  { name: 'Q', title: 'Q: page of 100, p50 ms' },
  { name: 'Q_shuffled', title: 'Q: of a shuffled import, p50 ms' },
  { name: 'N_first', title: 'N: set one field, few annotated, p50 ms' },
  { name: 'N_last', title: 'N: all of the history annotated, p50 ms' },
  { name: 'Q_rest', title: 'Q over REST, p50 ms' },
];

/** A feature of the exchange: a figure with it and without it. */
interface Feature {
  readonly title: string;
  readonly on: readonly [System, string];
  readonly off: readonly [System, string];
}

const FEATURES: readonly Feature[] = [
  { title: 'batching: spans/s', on: ['ours', 'A100'], off: ['ours', 'A1'] },
  { title: 'batching: bytes a span on the wire', on: ['ours', 'W'], off: ['ours', 'W1'] },
  {
    title: 'delta sync: bytes of a heal (off: everything)',
    on: ['ours', 'D_bytes'],
    off: ['ours', 'B_bytes'],
  },
  { title: 'compression: bytes a span on the wire', on: ['ours', 'W'], off: ['ours_plain', 'W'] },
  { title: 'compression: spans/s of a bootstrap', on: ['ours', 'B'], off: ['ours_plain', 'B'] },
  { title: 'connection reuse: ms to the peer', on: ['ours', 'C'], off: ['ours', 'C_fresh'] },
];

export function report(verdicts: readonly Verdict[], samples: Samples): string {
  return [budgetTable(verdicts), figureTable(samples), featureTable(samples)].join('\n\n');
}

function budgetTable(verdicts: readonly Verdict[]): string {
  const head = ['budget', 'value', '', 'wanted', 'unit', '/ best peer', '/ floor', 'spread'];
  const lines = verdicts.map((verdict) => [
    verdict.name,
    shown(verdict.value),
    verdict.ok ? 'ok' : 'MISSED',
    `${verdict.op} ${verdict.budget}`,
    verdict.unit,
    shown(verdict.ratio_best_peer),
    shown(verdict.ratio_floor),
    percent(verdict.samples),
  ]);
  return table([head, ...lines]);
}

/** Medians, and behind each the spread over the repetitions. */
function figureTable(samples: Samples): string {
  const systems = SYSTEMS.filter((system) => FIGURES.some(({ name }) => samples.of(system, name).length > 0));
  const lines = FIGURES.map(({ name, title }) => [
    title,
    ...systems.map((system) => {
      const values = samples.of(system, name);
      return `${shown(median(values))} ${percent(values)}`.trim();
    }),
  ]);
  const measured = lines.filter((line) => line.slice(1).some((cell) => cell !== '–'));
  return table([['median', ...systems], ...measured]);
}

function featureTable(samples: Samples): string {
  const lines = FEATURES.map(({ title, on, off }) => {
    const [a, b] = [median(samples.of(...on)), median(samples.of(...off))];
    return [title, shown(a), shown(b)];
  });
  return table([['feature', 'on', 'off'], ...lines]);
}

function shown(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(rounded(value, 3));
}

function percent(values: readonly number[]): string {
  return values.length < 2 ? '' : `±${Math.round(spread(values) * 100)}%`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head = [], ...rest] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rest.map(line)].join('\n');
}
