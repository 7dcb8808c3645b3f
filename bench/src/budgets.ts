/** The budgets: what each asks for, and whether what was measured meets it. */

import { PEERS, type Samples, type System } from './samples.js';
import { median, rounded } from './statistics.js';

export interface Verdict {
  readonly name: string;
  /** The median of `samples`, rounded; `null` where it was not measured, which meets no budget. */
  readonly value: number | null;
  readonly unit: string;
  readonly op: '<=' | '>=';
  readonly budget: number;
  readonly ok: boolean;
  /** Our figure divided by that of the best peer, and by the floor's; `null` where they have none. */
  readonly ratio_best_peer: number | null;
  readonly ratio_floor: number | null;
  readonly samples: readonly number[];
}

/** One repetition: what a system measured in it, if it did. */
type Round = (system: System, figure: string) => number | undefined;

interface Budget {
  readonly name: string;
  readonly unit: string;
  readonly op: '<=' | '>=';
  readonly budget: number;
  /** What is compared with other systems. */
  readonly figure: string;
  readonly value: (round: Round) => number | undefined;
}

const ours =
  (figure: string) =>
  (round: Round): number | undefined =>
    round('ours', figure);

export const BUDGETS: readonly Budget[] = [
  {
    name: 'A100',
    ...atLeast(1.5, 'times the faster of hypercore and PostgreSQL'),
    figure: 'A100',
    value: (round) => lowest([ratio(round, 'A100', 'hypercore'), ratio(round, 'A100', 'postgres')]),
  },
  {
    name: 'A64',
    ...atLeast(3, "times the floor's one by one"),
    figure: 'A64',
    value: (round) => divided(round('ours', 'A64'), round('floor', 'A1')),
  },
  {
    name: 'A1',
    ...atLeast(1, 'the lower of 2 × the ratio to the floor and 1 × the ratio to PostgreSQL'),
    figure: 'A1',
    value: (round) => lowest([times(2, ratio(round, 'A1', 'floor')), ratio(round, 'A1', 'postgres')]),
  },
  {
    name: 'B',
    ...atLeast(1, 'times the faster of hypercore and PostgreSQL'),
    figure: 'B',
    value: (round) => lowest([ratio(round, 'B', 'hypercore'), ratio(round, 'B', 'postgres')]),
  },
  {
    name: 'B1',
    ...atLeast(0.5, 'times B'),
    figure: 'B1',
    value: (round) => divided(round('ours', 'B1'), round('ours', 'B')),
  },
  { name: 'W', ...atMost(260, 'bytes a span'), figure: 'W', value: ours('W') },
  { name: 'W1', ...atMost(400, 'bytes a span'), figure: 'W1', value: ours('W1') },
  {
    name: 'C',
    ...atMost(2, "times the floor's median"),
    figure: 'C',
    value: (round) => ratio(round, 'C', 'floor'),
  },
  {
    name: 'D_round_trips',
    ...atMost(2, 'round trips'),
    figure: 'D_round_trips',
    value: ours('D_round_trips'),
  },
  { name: 'D_bytes', ...atMost(100_000, 'bytes'), figure: 'D_bytes', value: ours('D_bytes') },
  {
    name: 'D_ms',
    ...atMost(3, "times the floor's time"),
    figure: 'D_ms',
    value: (round) => ratio(round, 'D_ms', 'floor'),
  },
  { name: 'F_clean', ...atMost(0.3, 's'), figure: 'F_clean', value: slowest('F_clean') },
  { name: 'F_crash', ...atMost(0.5, 's'), figure: 'F_crash', value: slowest('F_crash') },
  { name: 'E', ...atMost(150, 'MB'), figure: 'E', value: ours('E') },
  { name: 'E_slope', ...atMost(10, 'bytes a span'), figure: 'E_slope', value: ours('E_slope') },
  { name: 'Q', ...atMost(3, 'ms'), figure: 'Q', value: ours('Q') },
  { name: 'Q_shuffled', ...atMost(15, 'ms'), figure: 'Q_shuffled', value: ours('Q_shuffled') },
  {
    name: 'N',
    ...atMost(1.5, 'times what setting one field took when few spans were annotated'),
    figure: 'N_last',
    value: (round) => divided(round('ours', 'N_last'), round('ours', 'N_first')),
  },
];

/** Figures of which less is better. */
const COSTS = new Set(BUDGETS.filter(({ op }) => op === '<=').map(({ figure }) => figure));

/** A verdict on every budget, whatever was measured: what was not counts as missed. */
export function judge(samples: Samples): readonly Verdict[] {
  return BUDGETS.map((budget) => verdictOn(budget, samples));
}

/** What `ok` says, from the three members that it follows from. */
export function meets({ value, op, budget }: Pick<Verdict, 'value' | 'op' | 'budget'>): boolean {
  if (value === null) return false;
  return op === '<=' ? value <= budget : value >= budget;
}

function verdictOn({ name, unit, op, budget, figure, value }: Budget, samples: Samples): Verdict {
  const values: number[] = [];
  for (let i = 0; i < samples.of('ours', figure).length; i++) {
    const sample = value((system, wanted) => samples.of(system, wanted)[i]);
    if (sample !== undefined) values.push(rounded(sample));
  }
  const middle = median(values);
  const said = { value: middle === undefined ? null : rounded(middle), op, budget };
  const peers = PEERS.map((peer) => median(samples.of(peer, figure))).filter((one) => one !== undefined);
  const best = COSTS.has(figure) ? Math.min(...peers) : Math.max(...peers);
  return {
    name,
    ...said,
    unit,
    ok: meets(said),
    ratio_best_peer: peers.length === 0 ? null : toOurs(samples, figure, best),
    ratio_floor: toOurs(samples, figure, median(samples.of('floor', figure))),
    samples: values,
  };
}

function toOurs(samples: Samples, figure: string, other: number | undefined): number | null {
  const value = divided(median(samples.of('ours', figure)), other);
  return value === undefined ? null : rounded(value);
}

function atLeast(budget: number, unit: string): Pick<Budget, 'op' | 'budget' | 'unit'> {
  return { op: '>=', budget, unit };
}

function atMost(budget: number, unit: string): Pick<Budget, 'op' | 'budget' | 'unit'> {
  return { op: '<=', budget, unit };
}

function ratio(round: Round, figure: string, system: System): number | undefined {
  return divided(round('ours', figure), round(system, figure));
}

function divided(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function times(factor: number, value: number | undefined): number | undefined {
  return value === undefined ? undefined : factor * value;
}

/** Every one of them is needed: a peer that did not run proves nothing. */
function lowest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length ? Math.min(...known) : undefined;
}

/** The slower of a restart with the history and of one with ten times as much. */
function slowest(figure: string): (round: Round) => number | undefined {
  return (round) => {
    const both = [round('ours', figure), round('ours', `${figure}_large`)];
    const known = both.filter((value) => value !== undefined);
    return known.length === both.length ? Math.max(...known) : undefined;
  };
}
