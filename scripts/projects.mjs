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
    { source: 'examples/src', output: 'examples/dist' },
    { source: 'bench/src', output: 'bench/dist' },
    { source: 'bench/test', output: 'bench/dist-test', tests: true },
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

/** Compiled files that the sources promise and that are not there; of all source folders, or of some. */
export function missingOutputs(folders = []) {
  return projects()
    .filter(({ source }) => folders.length === 0 || folders.includes(source))
    .flatMap((project) => sources(project).map((path) => join(project.output, `${stem(path)}.js`)))
    .filter((path) => !existsSync(join(root, path)));
}

/**
 * Deletes compiled files whose source is gone, so that no deleted test runs and no deleted module is found.
 * The compiler's notes go with them: it would not write a file again that it remembers having written.
 */
export function removeStaleOutputs() {
  for (const project of projects()) {
    const kept = new Set(sources(project).map(stem));
    const built = filesBelow(join(root, project.output), { enterBuilt: true });
    const stale = built.filter((path) => OUTPUT.test(path) && !kept.has(stem(path)));
    const notes = stale.length > 0 ? built.filter((path) => path.endsWith('.tsbuildinfo')) : [];
    for (const path of [...notes, ...stale]) rmSync(join(root, project.output, path), { force: true });
  }
}

/** The test files, or those at or below the paths `only`: each as written and as compiled, from the root. */
export function testFiles(only = []) {
  const folders = projects().filter(({ tests }) => tests);
  const all = folders.flatMap((project) => {
    const names = sources(project).filter((name) => name.endsWith('.test.ts'));
    return names.map((name) => ({
      project,
      path: join(project.source, name),
      compiled: join(project.output, `${stem(name)}.js`),
    }));
  });
  return all.filter(({ path }) => isWanted(path, only));
}

function isWanted(path, only) {
  return (
    only.length === 0 || only.some((part) => part === '' || path === part || path.startsWith(`${part}/`))
  );
}
