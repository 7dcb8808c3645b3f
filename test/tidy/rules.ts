// The rules of STYLE.md that neither the compiler nor the linter holds. Each is a function from a file, or from
// the whole tree, to the problems it sees, so that each can be shown a violation.
import { codeOnly, importsOf, isEntryPoint, packageOf, resolveImport, withoutComments } from './source.js';
import type { Tree } from './source.js';

export type FileRule = (path: string, text: string) => readonly string[];
export type TreeRule = (tree: Tree) => readonly string[];

const LINES_MAX = 350;
const PURE_PACKAGES: readonly { readonly name: string; readonly onlyIn?: RegExp }[] = [
  { name: 'cborg' },
  { name: 'canonicalize' },
  { name: '@automerge/automerge', onlyIn: /^packages\/core\/src\/(document|documents\/.*)\.ts$/ },
];

const isScript = (path: string): boolean => /\.(ts|mjs|js)$/.test(path);
const isSource = (path: string): boolean => /^packages\/[^/]+\/src\/.*\.ts$/.test(path);
const isPureCore = (path: string): boolean =>
  /^packages\/core\/src\/((store|shell|documents)\/.*|[^/]+)\.ts$/.test(path);
const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** One problem for each match of the pattern in the text. */
function report(path: string, text: string, pattern: RegExp, why: string): readonly string[] {
  return [...text.matchAll(pattern)].map(
    (match) => `${path}:${lineOf(text, match.index)}: ${why}: ${match[0].trim()}`,
  );
}

/** A file on the list may import only files above it in the list; `store/*` means the folder's files, and `trust-*` those whose names begin so. */
export function importsRunDownward(order: readonly string[]): FileRule {
  const rank = (path: string): number => {
    const name = path.replace('packages/core/src/', '').replace(/\.ts$/, '');
    return order.findIndex(
      (entry) => entry === name || (entry.endsWith('*') && name.startsWith(entry.slice(0, -1))),
    );
  };
  return (path, text) => {
    if (!isPureCore(path)) return [];
    if (rank(path) < 0) return [`${path}: is not in CORE_ORDER`];
    const targets = importsOf(text).map((specifier) => resolveImport(path, specifier));
    return targets.flatMap((target) => {
      if (target === undefined || target === path) return [];
      if (!isPureCore(target)) return [`${path}: the pure core imports ${target}`];
      const sameFolder = rank(target) === rank(path);
      return rank(target) >= 0 && (rank(target) < rank(path) || sameFolder)
        ? []
        : [`${path}: imports ${target}, which stands above it`];
    });
  };
}

/** No circle of imports, type imports included. */
export const noCircles: TreeRule = (tree) => {
  const done = new Set<string>();
  const trail: string[] = [];
  const circles: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start >= 0) circles.push(`circle: ${[...trail.slice(start), path].join(' → ')}`);
    if (start >= 0 || done.has(path)) return;
    trail.push(path);
    for (const specifier of importsOf(tree.get(path) ?? '')) {
      const target = resolveImport(path, specifier);
      if (target !== undefined && tree.has(target)) visit(target);
    }
    trail.pop();
    done.add(path);
  };
  for (const path of tree.keys()) if (isScript(path)) visit(path);
  return circles;
};

/** The pure core has no clock, no chance and nothing of the platform. */
export const pureCoreIsPure: FileRule = (path, text) => {
  if (!isPureCore(path)) return [];
  const code = codeOnly(text);
  return [
    ...report(path, code, /(?<![.\w$])Date\b(?!\s*[:?])/g, 'a clock in the pure core'),
    ...report(path, code, /\bMath\s*(?:\.\s*random|\[)/g, 'chance in the pure core'),
    ...report(
      path,
      code,
      /(?<![.\w$])(?:performance|process|Buffer|console|globalThis)\s*[.[(]/g,
      'the platform in the pure core',
    ),
    ...report(
      path,
      code,
      /(?<![.\w$])(?:set(?:Timeout|Interval|Immediate)|queueMicrotask|fetch)\s*\(/g,
      'the platform in the pure core',
    ),
    ...report(
      path,
      code,
      /(?<![.\w$])crypto\s*\.\s*(?:subtle|randomUUID|getRandomValues)/g,
      'the platform in the pure core',
    ),
  ];
};

/** The pure core imports only the packages that are pure themselves. */
export const pureCoreImportsOnlyPurePackages: FileRule = (path, text) => {
  if (!isPureCore(path)) return [];
  return importsOf(text)
    .filter((specifier) => !specifier.startsWith('.'))
    .filter(
      (specifier) =>
        !PURE_PACKAGES.some(
          ({ name, onlyIn }) => name === packageOf(specifier) && (onlyIn ?? /^/).test(path),
        ),
    )
    .map((specifier) => `${path}: the pure core may not import ${specifier} here`);
};

/** A file is one concept and fits in the head. */
export const filesAreShort: FileRule = (path, text) => {
  const lines = text.split('\n').length - 1;
  return isScript(path) && lines > LINES_MAX ? [`${path}: ${lines} lines; at most ${LINES_MAX}`] : [];
};

/** The server's environment is read in one place. */
export const onlyConfigReadsEnvironment: FileRule = (path, text) => {
  if (!path.startsWith('packages/server/src/') || path === 'packages/server/src/config.ts') return [];
  const pattern =
    /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[|=\s*process\s*[;,)]|['"](?:node:)?process['"]/g;
  return report(path, withoutComments(text), pattern, 'only config.ts reads the environment');
};

/** Every test in the tree runs. */
export const noTestIsSwitchedOff: FileRule = (path, text) => {
  if (!path.endsWith('.ts')) return [];
  return report(
    path,
    codeOnly(text),
    /\b(?:test|it)(?:\.serial)?\.(?:skip|todo|only|failing)\b/g,
    'a switched-off test',
  );
};

/** Nothing is left for later. */
export const nothingIsUnfinished: FileRule = (path, text) => {
  if (!/^(packages|examples|test|bench)\//.test(path) || path.endsWith('.md')) return [];
  const pattern = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b|not (?:yet )?imp[l]emented|place[h]older/g;
  return report(path, text, pattern, 'unfinished');
};

/** Nothing names a path of one machine. */
export const noMachinePaths: FileRule = (path, text) =>
  path === 'package-lock.json'
    ? []
    : report(path, text, /(?<![\w.-])\/(?:[r]oot|[w]ork|[h]ome|[U]sers)\/[\w.-]+/g, 'a path of one machine');

/** Nothing names the registry that packages come from: that is each installation's own choice. */
export const noRegistryHosts: FileRule = (path, text) =>
  report(
    path,
    text,
    /"resolved": "https?:[^"]*|^\s*(?:@[\w-]+:)?registry\s*=.*|https?:\/\/[^\s"'`/]*(?:npmjs|regist[r]y|artifactory|verdaccio|nexus)[^\s"'`]*/gm,
    'a registry address',
  );

/** What a package offers is said name by name, and only in its entry points. */
export const noBarrels: FileRule = (path, text) => {
  if (!isSource(path)) return [];
  const code = withoutComments(text);
  const stars = report(path, code, /\bexport\s+(?:type\s+)?\*/g, 'names are exported one by one');
  const rest = code.replace(/\b(?:import|export)\b[^'";]*?\bfrom\s*['"][^'"]+['"]\s*;?/g, '').trim();
  const onlyForwards = rest === '' && /\bexport\b/.test(code);
  return onlyForwards && !isEntryPoint(path)
    ? [...stars, `${path}: only passes on what others export`]
    : stars;
};
