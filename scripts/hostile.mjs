// Attacks real nodes in every way that the threat model names, and says at the very end how many cases held.
//
//   npm run hostile                      all cases; takes minutes
//   npm run hostile -- T7 T29            only cases of these rows
//   npm run hostile -- --match='*bomb*'  only cases with such a title
//
// Titles begin with the row of the threat model that they show. p99 and stalls are printed, never judged.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { filesBelow, root } from './projects.mjs';
import { readTap } from './tap.mjs';

/** Rows that no case shows, and why. */
const NOT_YET = {
  T27: 'shown by the tests of discovery, which flood and forge, and between machines by npm run discovery',
  T28: 'there is no strong mode yet',
  T30: 'a step of continuous integration, not a case: npm ci --ignore-scripts and an audit',
};

const title = (name) => name.split(' › ').at(-1);
const rowOf = (name) => /^T\d+/.exec(title(name))?.[0];

const { values, positionals: rows } = parseArgs({
  options: { match: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
});
const patterns = [...rows.map((row) => `${row} *`), ...values.match];

const tally = { passed: 0, failed: 0 };
const failures = [];
const shown = new Map();

function report({ outcome, title: name, detail }) {
  const row = rowOf(name);
  shown.set(row, (shown.get(row) ?? 0) + 1);
  // A case that did not run has shown nothing.
  const passes = outcome === 'passed' && row !== undefined;
  tally[passes ? 'passed' : 'failed'] += 1;
  console.log(`${passes ? '✔' : '✘'} ${title(name)}${row === undefined ? ' (names no row)' : ''}`);
  if (!passes) failures.push(title(name));
  if (!passes && detail !== '') console.log(detail.trimEnd());
}

const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
const config = join('test', 'hostile', 'ava.config.mjs');
const args = [ava, '--tap', '--config', config, ...patterns.flatMap((pattern) => ['--match', pattern])];
const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
const closed = new Promise((done) => {
  child.on('error', () => done(1)).on('close', (code) => done(code ?? 1));
});
await readTap(createInterface({ input: child.stdout }), {
  onTest: report,
  onNote: (line) => console.log(line),
});
const code = await closed;
if (tally.passed + tally.failed === 0) failures.push('no case ran');
else if (code !== 0 && tally.failed === 0) failures.push(`the test runner ended with ${code}`);
tally.failed = Math.max(tally.failed, failures.length);

if (patterns.length === 0) {
  // A row is shown or excused; the titles in the sources are what was to be shown.
  const folder = join(root, 'test', 'hostile');
  const sources = filesBelow(folder).filter((name) => name.endsWith('.cases.ts'));
  const text = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const named = new Set([...text.matchAll(/['`](T\d+) /g)].map(([, row]) => row));
  for (let n = 1; n <= 30; n++) {
    const row = `T${n}`;
    if (row in NOT_YET) console.log(`- not yet ${row}: ${NOT_YET[row]}`);
    else if (!shown.has(row)) {
      tally.failed += 1;
      failures.push(`${row}: ${named.has(row) ? 'its cases did not run' : 'no case'}`);
    }
  }
}
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((name) => `  ✘ ${name}`).join('\n')}`);
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 ? 1 : 0;
