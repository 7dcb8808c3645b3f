// What the tidy rules read: the project's files, and the little of their syntax that the rules need.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A project: its text files by path from the root, with forward slashes. */
export type Tree = ReadonlyMap<string, string>;

const NOT_OURS = new Set(['node_modules', 'dist', 'dist-test', 'data', '.git', '.turbo']);
const TEXT = /\.(ts|mjs|js|json|md|yml|yaml|sh|html|css)$|(^|\/)(\.[a-z]+|LICENSE|Dockerfile|run)$/;
const ENTRY_POINTS: ReadonlyMap<string, string> = new Map([
  ['@logline/federation-core', 'packages/core/src/index.ts'],
  ['@logline/federation-core/node', 'packages/core/src/node/index.ts'],
  ['@logline/federation-core/documents', 'packages/core/src/documents/index.ts'],
  ['@logline/federation-core/testing', 'packages/core/src/testing/index.ts'],
  ['@logline/federation-server', 'packages/server/src/index.ts'],
  ['logline-federation-client', 'packages/client/src/index.ts'],
  ['@logline/cli', 'packages/cli/src/index.ts'],
]);

/** Compiled tests stand in test/dist/tidy. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** Reads every text file that is not installed, built or made while running. */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const name = relative(root, path).split(sep).join('/');
      if (entry.isDirectory()) {
        if (!NOT_OURS.has(entry.name)) visit(path);
      } else if (entry.isFile() && TEXT.test(name)) tree.set(name, readFileSync(path, 'utf8'));
    }
  };
  visit(root);
  return tree;
}

const TOKENS = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
const isComment = (token: string): boolean => token.startsWith('//') || token.startsWith('/*');

/** The text without comments. */
export function withoutComments(text: string): string {
  return text.replace(TOKENS, (token) => (isComment(token) ? ' ' : token));
}

/** The text without comments and without what strings say; expressions inside templates stay. */
export function codeOnly(text: string): string {
  return text.replace(TOKENS, (token) => {
    if (isComment(token)) return ' ';
    return token.startsWith('`') ? (token.match(/\$\{[^}]*\}/g) ?? []).join(' ') : "''";
  });
}

const IMPORTS = [
  /\b(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /\bimport\s*['"]([^'"]+)['"]/g,
  /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
];

/** Every module that a text names in an import or a re-export, type imports included. */
export function importsOf(text: string): readonly string[] {
  const code = withoutComments(text);
  return IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
}

/** The source file that an import of ours means; undefined for a foreign package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return ENTRY_POINTS.get(specifier);
  const path = posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
  return path.replace(/^(packages\/[^/]+)\/dist\//, '$1/src/');
}

/** The package of a foreign import: `@scope/name/part` → `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

export const isEntryPoint = (path: string): boolean => [...ENTRY_POINTS.values()].includes(path);
