// Plants known bugs one by one, and sees that exactly the tests made for each go red: a test that cannot fail is a defect.
//
//   npm run mutants                     all of them
//   npm run mutants -- signature log    only those with such a word in their name
//   npm run mutants -- --list           what there is
//
// Works on a copy of the compiled packages, so the checkout stays as it is. Prints `N passed, N failed` as its last line.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { AGREEMENT_MUTANTS } from './mutants/agreement.mjs';
import { ANNOTATION_MUTANTS } from './mutants/annotation.mjs';
import { CLI_MUTANTS } from './mutants/cli.mjs';
import { DISCOVERY_MUTANTS } from './mutants/discovery.mjs';
import { GATE_MUTANTS } from './mutants/gate.mjs';
import { KEY_MUTANTS } from './mutants/keys.mjs';
import { REST_MUTANTS } from './mutants/rest.mjs';
import { SAID_MUTANTS } from './mutants/said.mjs';
import { SPAN_MUTANTS } from './mutants/span.mjs';
import { STORE_MUTANTS } from './mutants/store.mjs';
import { TRUST_MUTANTS } from './mutants/trust.mjs';
import { WATCHING_MUTANTS } from './mutants/watching.mjs';
import { WIRE_MUTANTS } from './mutants/wire.mjs';
import { root } from './projects.mjs';
import { readTap } from './tap.mjs';

/**
 * Each is a patch of one place in a compiled file, the test files that may notice,
 * and which titles have to go red: at least one of them, and none else. `of` names the package, core unless said.
 */
const MUTANTS = [
  ...GATE_MUTANTS,
  ...WIRE_MUTANTS,
  ...SPAN_MUTANTS,
  ...STORE_MUTANTS,
  ...KEY_MUTANTS,
  ...TRUST_MUTANTS,
  ...DISCOVERY_MUTANTS,
  ...AGREEMENT_MUTANTS,
  ...ANNOTATION_MUTANTS,
  ...SAID_MUTANTS,
  ...CLI_MUTANTS,
  ...REST_MUTANTS,
  ...WATCHING_MUTANTS,
];

/** Copies that are worked on at once. */
const COPIES = 2;

const { values, positionals: words } = parseArgs({
  options: { list: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const wanted = MUTANTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

/** A project of its own with compiled packages and their tests, in which anything may be broken. */
function copyPackages(folder) {
  const isCode = (path) => !/\.(d\.ts|map|tsbuildinfo)$/.test(path);
  const parts = {
    core: ['dist', 'dist-test'],
    server: ['dist', 'dist-test'],
    cli: ['dist', 'dist-test', 'bin', 'package.json'],
  };
  for (const [name, copied] of Object.entries(parts)) {
    mkdirSync(join(folder, 'packages', name), { recursive: true });
    for (const part of copied)
      cpSync(join(root, 'packages', name, part), join(folder, 'packages', name, part), {
        recursive: true,
        filter: isCode,
      });
  }
  cpSync(join(root, 'PROTOCOL.md'), join(folder, 'PROTOCOL.md'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{ "name": "mutants", "private": true, "type": "module" }\n');
  writeFileSync(
    join(folder, 'ava.config.js'),
    "export default { files: ['packages/*/dist-test/*.test.js'], workerThreads: false, concurrency: 1, timeout: '2m' };\n",
  );
}

/** The test files of a mutant. */
function testsOf({ of = 'core', tests }) {
  return tests.map((name) => `packages/${of}/dist-test/${name}.test.js`);
}

/** Runs some test files of a copy; resolves to the titles that passed and failed. */
async function runTests(folder, files) {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const child = spawn(process.execPath, [ava, '--tap', ...files], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const closed = new Promise((done) => child.on('error', done).on('close', done));
  const titles = { passed: [], failed: [], skipped: [] };
  await readTap(createInterface({ input: child.stdout }), {
    onTest: ({ outcome, title }) => titles[outcome].push(title.split(' › ').at(-1)),
  });
  await closed;
  return titles;
}

/** Why a mutant was not caught as it has to be; `undefined` where it was. */
async function judge(mutant, folder) {
  const { of = 'core', file, find, replace, red } = mutant;
  const path = join(folder, 'packages', of, 'dist', file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(find);
  if (parts.length !== 2)
    return `the patch fits ${parts.length - 1} places of ${file}, not one: mend the list`;
  writeFileSync(path, parts.join(replace));
  try {
    const { passed, failed } = await runTests(folder, testsOf(mutant));
    if (passed.length + failed.length === 0) return 'no test ran';
    if (failed.length === 0) return 'no test noticed';
    const strays = failed.filter((title) => !red.test(title));
    if (strays.length > 0) return `other tests went red too: ${strays.slice(0, 3).join('; ')}`;
    return undefined;
  } finally {
    writeFileSync(path, source);
  }
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'logline-mutants-'));
  const tally = { passed: 0, failed: 0 };
  const width = Math.max(...wanted.map(({ name }) => name.length));
  const tell = (name, why) => {
    tally[why === undefined ? 'passed' : 'failed']++;
    console.log(`${why === undefined ? '✔' : '✘'} ${name.padEnd(width)}  ${why ?? 'caught'}`);
  };
  try {
    const copies = Array.from({ length: COPIES }, (_, i) => join(folder, String(i)));
    for (const copy of copies) copyPackages(copy);
    const tests = [...new Set(wanted.flatMap(testsOf))];
    const { passed, failed } = await runTests(copies[0], tests);
    const isSound = failed.length === 0 && passed.length > 0;
    tell(
      'nothing planted',
      isSound ? undefined : `already red: ${failed.slice(0, 3).join('; ') || 'no test ran'}`,
    );
    const queue = isSound ? [...wanted] : [];
    await Promise.all(
      copies.map(async (copy) => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift())
          tell(next.name, await judge(next, copy));
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed > 0 ? 1 : 0;
}

if (values.list) for (const { name, file } of wanted) console.log(`${name}  (${file})`);
else if (wanted.length === 0) {
  console.log(`no mutant has ${words.join(' or ')} in its name; --list shows them\n\n0 passed, 1 failed`);
  process.exitCode = 1;
} else await main();
