/** The command line of the benchmark. */

import { parseArgs } from 'node:util';
import { SYSTEMS, type System } from './samples.js';

export const HELP = `npm run bench [-- options]

  --json           one line of JSON per budget on standard output; the table goes to standard error
  --n <spans>      length of a history (100000); memory and pages are measured at ten times as many
  --peers <which>  default: hypercore, PostgreSQL and the floor; all: also the floor with signatures; none
  --only <which>   only these workloads, comma-separated: singles, history, trips, large, shuffled, features, rest, annotations
  --repeat <times> repetitions of all that is compared with others (3)
  --dir <path>     where data is written while it runs: on a real disk (the system's temporary folder)
`;

export const WORKLOADS = [
  'singles',
  'history',
  'trips',
  'large',
  'shuffled',
  'features',
  'rest',
  'annotations',
] as const;
export type Workload = (typeof WORKLOADS)[number];

export interface BenchOptions {
  readonly json: boolean;
  readonly spans: number;
  readonly systems: readonly System[];
  readonly workloads: readonly Workload[];
  readonly repeat: number;
  readonly dir: string | undefined;
}

/** What is asked for, or `undefined` where help is. Throws with a message for people. */
export function readArguments(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      n: { type: 'string', default: '100000' },
      peers: { type: 'string', default: 'default' },
      only: { type: 'string' },
      repeat: { type: 'string', default: '3' },
      dir: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    json: values.json,
    spans: wholeNumber('--n', values.n, { least: 100, most: 1_000_000 }),
    systems: systemsOf(values.peers),
    workloads: workloadsOf(values.only),
    repeat: wholeNumber('--repeat', values.repeat, { least: 1, most: 100 }),
    dir: values.dir,
  };
}

function systemsOf(peers: string): readonly System[] {
  switch (peers) {
    case 'none':
      return ['ours'];
    case 'default':
      return SYSTEMS.filter((system) => system !== 'floor_signed');
    case 'all':
      return SYSTEMS;
    default:
      throw new Error(`--peers: expected default, all or none, got ${JSON.stringify(peers)}`);
  }
}

function workloadsOf(only: string | undefined): readonly Workload[] {
  if (only === undefined) return WORKLOADS;
  const wanted = only.split(',');
  const unknown = wanted.find((name) => !WORKLOADS.some((workload) => workload === name));
  if (unknown !== undefined)
    throw new Error(`--only: expected some of ${WORKLOADS.join(', ')}, got ${unknown}`);
  return WORKLOADS.filter((workload) => wanted.includes(workload));
}

function wholeNumber(
  name: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
}
