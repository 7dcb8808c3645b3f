/** The benchmark's own arithmetic, and that it runs: what it measures is no business of a test. */

import test from 'ava';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readArguments } from '../dist/arguments.js';
import { BUDGETS, judge, meets, type Verdict } from '../dist/budgets.js';
import { report } from '../dist/report.js';
import { Samples } from '../dist/samples.js';
import { quantile, spread } from '../dist/statistics.js';

const NAMES =
  'A100 A64 A1 B B1 W W1 C D_round_trips D_bytes D_ms F_clean F_crash E E_slope Q Q_shuffled N'.split(' ');
const MAIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'main.js');

/** Three rounds of a machine on which everything is as fast as asked for, and a peer half as fast. */
function measured(): Samples {
  const samples = new Samples();
  for (const factor of [1, 2, 1.5]) {
    for (const { figure, op } of BUDGETS) {
      const isCost = op === '<=';
      samples.add('ours', figure, isCost ? 0.1 : 3000 * factor);
      for (const other of ['hypercore', 'postgres', 'floor'] as const)
        samples.add(other, figure, isCost ? 0.2 : 1000 * factor);
    }
    for (const figure of ['F_clean_large', 'F_crash_large', 'N_first']) samples.add('ours', figure, 0.2);
  }
  return samples;
}

const verdictOn = (name: string, verdicts: readonly Verdict[]): Verdict | undefined =>
  verdicts.find((verdict) => verdict.name === name);

test('every budget has a verdict, in a fixed order and with fixed names', (t) => {
  t.deepEqual(
    judge(new Samples()).map(({ name }) => name),
    NAMES,
  );
});

test('what was not measured is missed and never absent', (t) => {
  for (const { value, ok, samples } of judge(new Samples())) {
    t.is(value, null);
    t.false(ok);
    t.deepEqual(samples, []);
  }
});

test('a verdict follows from value, op and budget alone', (t) => {
  for (const verdict of judge(measured())) {
    t.true(verdict.ok, verdict.name);
    t.is(verdict.ok, meets(verdict));
    t.is(verdict.samples.length, 3);
  }
  t.true(meets({ value: 2, op: '<=', budget: 2 }) && meets({ value: 2, op: '>=', budget: 2 }));
  t.false(meets({ value: 3, op: '<=', budget: 2 }) || meets({ value: 1, op: '>=', budget: 2 }));
  t.false(meets({ value: null, op: '<=', budget: 2 }) || meets({ value: null, op: '>=', budget: 2 }));
});

test('a ratio is taken within each round, and a budget that needs a peer is missed without it', (t) => {
  const verdict = verdictOn('A100', judge(measured()));
  t.deepEqual(verdict?.samples, [3, 3, 3]);
  t.is(verdict?.ratio_best_peer, 3);
  const alone = new Samples();
  for (const { figure } of BUDGETS) alone.add('ours', figure, 1);
  alone.add('hypercore', 'A100', 0.1);
  const missing = judge(alone)
    .filter(({ value }) => value === null)
    .map(({ name }) => name);
  t.deepEqual(missing, ['A100', 'A64', 'A1', 'B', 'C', 'D_ms', 'F_clean', 'F_crash', 'N']);
});

test('the best peer is the fastest, or the one with the least cost', (t) => {
  const samples = measured();
  // More than were there, so that they are the median.
  for (let i = 0; i < 5; i++) {
    samples.add('postgres', 'A100', 3000);
    samples.add('hypercore', 'C', 0.05);
  }
  const verdicts = judge(samples);
  t.is(verdictOn('A100', verdicts)?.ratio_best_peer, 1.5);
  t.is(verdictOn('C', verdicts)?.ratio_best_peer, 2);
});

test('a restart is as slow as the slower of the two histories', (t) => {
  const samples = measured();
  for (let i = 0; i < 3; i++) samples.add('ours', 'F_clean', 0.1);
  t.is(verdictOn('F_clean', judge(samples))?.value, 0.2);
});

test('medians lie between neighbours, and the spread is half the distance of the extremes', (t) => {
  t.is(quantile([4, 1, 3, 2], 0.5), 2.5);
  t.is(quantile([1, 2, 3], 1), 3);
  t.is(quantile([], 0.5), undefined);
  t.is(spread([90, 100, 110]), 0.1);
  t.is(spread([5]), 0);
});

test('the table shows every budget, and says loudly what is missed', (t) => {
  const text = report(judge(measured()), measured());
  for (const name of NAMES) t.true(text.includes(`\n${name} `), name);
  t.false(text.includes('MISSED'));
  t.is(report(judge(new Samples()), new Samples()).match(/MISSED/g)?.length, NAMES.length);
});

test('wrong arguments are said and not guessed', (t) => {
  for (const args of [
    ['--n', '1.5'],
    ['--n', '-1'],
    ['--peers', 'some'],
    ['--only', 'everything'],
    ['--fast'],
  ])
    t.throws(() => readArguments(args), undefined, args.join(' '));
  t.deepEqual(readArguments(['--peers', 'none'])?.systems, ['ours']);
  t.is(readArguments(['--help']), undefined);
});

test('a small run ends with one line of JSON for each budget', async (t) => {
  const args = [MAIN, '--n', '200', '--peers', 'none', '--repeat', '1', '--only', 'singles', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const verdicts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Verdict);
  t.deepEqual(
    verdicts.map(({ name }) => name),
    NAMES,
  );
  t.true(verdicts.every((verdict) => verdict.ok === meets(verdict)));
  const bytes = verdictOn('W1', verdicts)?.value ?? 0;
  t.true(bytes > 112 && bytes < 700, `${bytes} bytes a span`);
});
