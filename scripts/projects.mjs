// Which source folders there are, where each is compiled to, and what tells that they changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '..');

const BUILT = new Set(['dist', 'dist-test', 'node_modules']);
const OUTPUT = /\.(js|js\.map|d\.ts|d\.ts\.map)$/;

/** The pairs of source folder and output folder; `tests` marks the ones that hold tests. */
export function projects() {
  const packages = readdirSync(join(root, 'packages'))
    .sort()
    .map((name) => `packages/${name}`);
  return [
    ...packages.flatMap((path) => [
      { source: `${path}/src`, output: `${path}/dist` },
      { source: `${path}/test`, output: `${path}/dist-test`, tests: true },
    ]),
    { source: 'examples', output: 'examples/dist' },
    { source: 'test', output: 'test/dist', tests: true },
  ].filter(({ source }) => existsSync(join(root, source, 'tsconfig.json')));
}

/** Every file below a folder, as paths relative to it, without what was built or installed. */
export function filesBelow(folder, { enterBuilt = false } = {}) {
  if (!existsSync(folder)) return [];
  const found = [];
  const visit = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) {
        if (enterBuilt || !BUILT.has(entry.name)) visit(join(path, entry.name));
      } else found.push(relative(folder, join(path, entry.name)));
    }
  };
  visit(folder);
  return found.sort();
}

const isSource = (path) => path.endsWith('.ts') && !path.endsWith('.d.ts');
const sources = ({ source }) => filesBelow(join(root, source)).filter(isSource);
const stem = (path) => path.replace(OUTPUT, '').replace(/\.ts$/, '');

/** A digest of every input of the build: sources, compiler settings, package files, the lock and Node's version. */
export function sourceDigest() {
  const hash = createHash('sha256').update(process.version);
  const add = (path) => hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  for (const path of ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json']) add(path);
  for (const { source } of projects()) {
    for (const path of filesBelow(join(root, source))) {
      if (/\.(ts|json)$/.test(path)) add(join(source, path));
    }
  }
  for (const path of readdirSync(join(root, 'packages'))) add(`packages/${path}/package.json`);
  return hash.digest('hex');
}

/** Compiled files that the sources promise and that are not there. */
export function missingOutputs() {
  return projects().flatMap((project) =>
    sources(project)
      .map((path) => join(project.output, `${stem(path)}.js`))
      .filter((path) => !existsSync(join(root, path))),
  );
}

/** Deletes compiled files whose source is gone, so that no deleted test runs and no deleted module is found. */
export function removeStaleOutputs() {
  const removed = [];
  for (const project of projects()) {
    const kept = new Set(sources(project).map(stem));
    for (const path of filesBelow(join(root, project.output), { enterBuilt: true })) {
      if (!OUTPUT.test(path) || kept.has(stem(path))) continue;
      rmSync(join(root, project.output, path));
      removed.push(join(project.output, path));
    }
  }
  return removed;
}

/** The compiled tests that have a source, of all test folders or of those below `only` (paths from the root). */
export function compiledTests(only = []) {
  return projects()
    .filter(({ tests }) => tests)
    .flatMap((project) =>
      sources(project)
        .filter((path) => path.endsWith('.test.ts'))
        .filter((path) => isWanted(join(project.source, path), only))
        .map((path) => join(project.output, `${stem(path)}.js`)),
    );
}

function isWanted(path, only) {
  return (
    only.length === 0 || only.some((part) => path === part || part === '' || path.startsWith(`${part}/`))
  );
}
