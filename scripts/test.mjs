// Runs every check and every test, and says at the very end how many passed.
//
//   npm test                                          lint, format, types, all tests
//   npm test -- packages/core/test/holdings.test.ts   only these files or folders, no other check
//   npm test -- --match='*forged*'                    only tests with such a title
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ensure } from './ensure.mjs';
import { root, testFiles } from './projects.mjs';
import { readTap } from './tap.mjs';

const PROGRESS_MS = 10_000;
const tally = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

const fail = (what) => {
  tally.failed += 1;
  failures.push(what);
};
const total = () => tally.passed + tally.failed + tally.skipped;

/** Runs a program and resolves to its exit code; never rejects. */
function run(program, args) {
  return new Promise((done) => {
    const child = spawn(join(root, 'node_modules', '.bin', program), args, { cwd: root, stdio: 'inherit' });
    child.on('error', () => done(1)).on('close', (code) => done(code ?? 1));
  });
}

/** Does one check that counts as one test. */
async function check(name, work) {
  const since = performance.now();
  const passes = await work();
  if (passes) tally.passed += 1;
  else fail(name);
  console.log(`${passes ? '✔' : '✘'} ${name} (${Math.round(performance.now() - since)} ms)`);
  return passes;
}

async function compiles(folders) {
  try {
    await ensure({ folders });
    return true;
  } catch (error) {
    console.log(error.message);
    return false;
  }
}

/** Where a test stands in the sources, for titles that are written out there. */
function placeOf(title) {
  const name = title.split(' › ').at(-1);
  for (const { path } of testFiles()) {
    const lines = readFileSync(join(root, path), 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes(name));
    if (line >= 0) return `\n    ${path}:${line + 1}`;
  }
  return '';
}

/** The report of a failure without the place within ava, which tells nothing. */
const readable = (detail) =>
  detail
    .replace(/^ *at: .*(?:\n {6,}.*)*$/m, (place) => (place.includes('/ava/lib/') ? '' : place))
    .trimEnd();

function report({ outcome, title, detail }) {
  if (outcome === 'failed') {
    fail(title);
    console.log(`\n✘ ${title}${placeOf(title)}\n${readable(detail)}\n`);
  } else tally[outcome] += 1;
  if (outcome === 'skipped') console.log(`- skipped: ${title}`);
}

async function runTests(files, match) {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const args = [ava, '--tap', ...match.flatMap((pattern) => ['--match', pattern]), ...files];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = new Promise((done) => {
    child.on('error', () => done(1)).on('close', (code) => done(code ?? 1));
  });
  const before = { ...tally, total: total() };
  const progress = setInterval(() => console.log(`… ${total() - before.total} tests so far`), PROGRESS_MS);
  const lines = createInterface({ input: child.stdout });
  await readTap(lines, { onTest: report, onNote: (line) => console.log(line) });
  const code = await closed;
  clearInterval(progress);
  if (total() === before.total) fail('no test ran');
  else if (code !== 0 && tally.failed === before.failed) fail(`the test runner ended with ${code}`);
}

const { values, positionals } = parseArgs({
  options: { match: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
});
const only = positionals.map((path) => relative(root, resolve(path)));
const everything = only.length === 0 && values.match.length === 0;

const wanted = testFiles(only);
const compiled = wanted.map((file) => file.compiled);
// A chosen test is compiled with what it needs, even while something else does not compile.
const folders = everything ? [] : [...new Set(wanted.map(({ project }) => project.source))];

if (wanted.length === 0) fail(`no test was found${everything ? '' : ` at ${positionals.join(', ')}`}`);
const built = (everything || wanted.length > 0) && (await check('types', () => compiles(folders)));
if (everything) {
  await check('lint', async () => (await run('oxlint', ['--type-aware', '--deny-warnings'])) === 0);
  await check('format', async () => (await run('oxfmt', ['--check'])) === 0);
}
if (built && wanted.length > 0) await runTests(compiled, values.match);

if (failures.length > 0) console.log(`\nfailed:\n${failures.map((title) => `  ✘ ${title}`).join('\n')}`);
const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exitCode = tally.failed > 0 ? 1 : 0;
