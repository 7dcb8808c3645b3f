import { existsSync, readFileSync, readdirSync } from 'node:fs';
import test from 'ava';
import { LOG_EVENTS } from '@logline/federation-server';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** Every path in backticks in a page, as the page writes it. */
function pathsIn(page: string): readonly string[] {
  return [...page.matchAll(/`([\w./-]+\/[\w./-]+\.(?:ts|mjs|js|md))`/g)].flatMap(([, path]) => path ?? []);
}

/** The journey names files of the core by their place in it. */
function existsInRepo(path: string): boolean {
  return [path, `packages/core/src/${path}`].some((candidate) => existsSync(new URL(candidate, ROOT)));
}

test('every file that ARCHITECTURE.md names is where it says', (t) => {
  const paths = pathsIn(read('ARCHITECTURE.md'));
  t.true(paths.length > 20);
  for (const path of paths) t.true(existsInRepo(path), path);
  t.false(existsInRepo('shell/nowhere.ts'));
});

test('README.md lists exactly the variables that the server reads', (t) => {
  const variables = (text: string): string[] =>
    [...new Set(text.match(/\b(?:FEDERATION_[A-Z_]+|LOG_[A-Z]{5,}|OTEL_[A-Z_]+)\b/g))].sort();
  const code = readdirSync(new URL('packages/server/src/', ROOT))
    .filter((file) => /^config.*\.ts$/.test(file))
    .map((file) => read(`packages/server/src/${file}`))
    .join('\n');
  // The command line tool's own variables have a prefix, and what they end with is none of the server's.
  const page = read('README.md').replaceAll(/\bLOGLINE_\w+/g, '');
  t.deepEqual(variables(page), variables(code));
});

test('every npm script that a page names exists', (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const page of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']) {
    for (const [, name] of read(page).matchAll(/`npm (?:run )?([a-z-]+)/g)) {
      if (name === undefined || ['install', 'ci'].includes(name)) continue;
      t.true(name in scripts, `${page}: npm run ${name}`);
    }
  }
});

test('each step of the journey that names a file of another package finds it there', (t) => {
  const steps = read('ARCHITECTURE.md').match(/^\| \d+ \|.*$/gm) ?? [];
  t.is(steps.length, 16);
  for (const step of steps) t.true(/`[\w./-]+\.ts`/.test(step), step);
});

/** The rows of the table between two marks of a page, each as its cells. */
function tableIn(page: string, name: string): readonly (readonly string[])[] {
  const [, table = ''] = new RegExp(`<!-- ${name} -->\\n([^]*?)<!-- end of ${name} -->`).exec(page) ?? [];
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

test('docs/operations.md tells of exactly the events that the service logs, each at its level', (t) => {
  const told = tableIn(read('docs/operations.md'), 'events').map(([name, level, meaning = '']) => {
    t.true(meaning.length > 20, name);
    return `${name} ${level}`;
  });
  t.true(told.length > 20);
  t.deepEqual(
    told.toSorted(),
    Object.entries(LOG_EVENTS)
      .map((event) => event.join(' '))
      .toSorted(),
  );
});

test('every event that is listed is logged somewhere', (t) => {
  const code = readdirSync(new URL('packages/server/src/', ROOT))
    .filter((file) => file.endsWith('.ts') && file !== 'log-events.ts')
    .map((file) => read(`packages/server/src/${file}`))
    .join('\n');
  const isLogged = (name: string): boolean => new RegExp(`event: '${name}'|case '${name}':`).test(code);
  for (const name of Object.keys(LOG_EVENTS)) t.true(isLogged(name), name);
  t.false(isLogged('never_heard_of'));
});
