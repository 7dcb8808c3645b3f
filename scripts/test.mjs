// Runs every check and every test, and says at the very end how many passed.
//
//   npm test                                          lint, format, types, all tests
//   npm test -- packages/core/test/holdings.test.ts   only these files or folders, no other check
//   npm test -- --match='*forged*'                    only tests with such a title
import { spawn } from 'node:child_process';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ensure } from './ensure.mjs';
import { compiledTests, root } from './projects.mjs';
import { readTap } from './tap.mjs';

const PROGRESS_MS = 10_000;
const tally = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

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
  tally[passes ? 'passed' : 'failed'] += 1;
  if (!passes) failures.push(name);
  console.log(`${passes ? '✔' : '✘'} ${name} (${Math.round(performance.now() - since)} ms)`);
  return passes;
}

async function compiles() {
  try {
    await ensure();
    return true;
  } catch (error) {
    console.log(error.message);
    return false;
  }
}

function report({ outcome, title, detail }) {
  tally[outcome] += 1;
  if (outcome === 'skipped') console.log(`- skipped: ${title}`);
  if (outcome !== 'failed') return;
  failures.push(title);
  console.log(`\n✘ ${title}\n${detail}\n`);
}

async function runTests(files, match) {
  const patterns = match.flatMap((pattern) => ['--match', pattern]);
  const args = ['--tap', ...patterns, ...files];
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs'), ...args],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const closed = new Promise((done) =>
    child.on('error', () => done(1)).on('close', (code) => done(code ?? 1)),
  );
  const before = { ...tally };
  const progress = setInterval(
    () => console.log(`… ${tally.passed - before.passed} tests passed so far`),
    PROGRESS_MS,
  );
  await readTap(createInterface({ input: child.stdout }), {
    onTest: report,
    onNote: (line) => console.log(line),
  });
  const code = await closed;
  clearInterval(progress);
  if (code !== 0 && tally.failed === before.failed) {
    tally.failed += 1;
    failures.push(`the test runner ended with ${code}`);
  }
}

const { values, positionals } = parseArgs({
  options: { match: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
});
const only = positionals.map((path) => relative(root, resolve(path)));
const everything = only.length === 0 && values.match.length === 0;

if (everything) {
  await check('lint', async () => (await run('oxlint', ['--type-aware', '--deny-warnings'])) === 0);
  await check('format', async () => (await run('oxfmt', ['--check'])) === 0);
}
if (await check('types', compiles)) {
  const files = compiledTests(only);
  if (files.length > 0) await runTests(files, values.match);
  else failures.push('no test was found');
  if (files.length === 0) tally.failed += 1;
}

if (failures.length > 0) console.log(`\nfailed:\n${failures.map((title) => `  ✘ ${title}`).join('\n')}`);
const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exitCode = tally.failed > 0 ? 1 : 0;
