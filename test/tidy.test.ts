// Holds the rules of STYLE.md that a test can hold, and shows each rule a violation once: a check that cannot
// fail is a defect.
import test from 'ava';
import * as rules from './tidy/rules.js';
import { readTree, ROOT } from './tidy/source.js';
import type { Tree } from './tidy/source.js';

/** The files of the pure core from the ground up: each imports only files that stand before it. */
const CORE_ORDER = [
  'ports',
  'errors',
  'limits',
  'bytes',
  'cbor',
  'json',
  'json-members',
  'clock',
  'instant',
  'uuid',
  'address',
  'identity',
  'figures',
  'span',
  'batch',
  'change',
  'entry',
  'statement',
  'assertion',
  'claims',
  'annotation',
  'annotation-*',
  'content',
  'rotation',
  'feed',
  'holdings',
  'trust-*',
  'trust',
  'access-*',
  'access',
  'cuts',
  'offer',
  'acquaintance',
  'reading-claim',
  'message',
  'compare',
  'storage',
  'query',
  'gate',
  'handshake',
  'network-hint',
  'discovery',
  'finder',
  'session-state',
  'session-flow',
  'session',
  'events',
  'store/*',
  'document',
  'documents/*',
  'node-options',
  'shell/*',
  'node',
  'index',
];

type Check = {
  readonly title: string;
  readonly rule: rules.TreeRule;
  /** Small trees that break the rule; each must be reported. */
  readonly planted: readonly Readonly<Record<string, string>>[];
  /** A small tree that comes close and keeps the rule. */
  readonly kept: Readonly<Record<string, string>>;
};

/** A rule about single files, asked of every file of a tree. */
function ofEachFile(rule: rules.FileRule): rules.TreeRule {
  return (tree) => [...tree].flatMap(([path, text]) => rule(path, text));
}

const core = (file: string, text: string): Record<string, string> => ({
  [`packages/core/src/${file}`]: text,
});
const join = (...parts: readonly string[]): string => parts.join('');

const CHECKS: readonly Check[] = [
  {
    title: 'imports in the core run only downward',
    rule: ofEachFile(rules.importsRunDownward(CORE_ORDER)),
    planted: [
      core('bytes.ts', "import { openFeed } from './feed.js';"),
      core('bytes.ts', "import type { Feed } from './feed.js';"),
      core('bytes.ts', "type Feed = import('./feed.js').Feed;"),
      core('span.ts', "import { sodium } from './node/sodium.js';"),
      core('unheard-of.ts', ''),
    ],
    kept: core('feed.ts', "import type { Bytes } from './bytes.js'; // not './node.js'"),
  },
  {
    title: 'no imports go round in a circle',
    rule: rules.noCircles,
    planted: [
      { ...core('a.ts', "import { b } from './b.js';"), ...core('b.ts', "import type { A } from './a.js';") },
      {
        ...core('index.ts', "export { a } from '../../server/src/index.js';"),
        'packages/server/src/index.ts': "import { x } from '@logline/federation-core';",
      },
    ],
    kept: {
      ...core('a.ts', "import { b } from './b.js';"),
      ...core('b.ts', "// import { a } from './a.js';"),
    },
  },
  {
    title: 'the pure core has no clock, no chance and no platform',
    rule: ofEachFile(rules.pureCoreIsPure),
    planted: [
      core('a.ts', 'const now = Date.now();'),
      core('a.ts', 'const now = `${new Date()}`;'),
      core('a.ts', 'const x = Math.random();'),
      core('a.ts', 'const x = performance.now();'),
      core('a.ts', 'const x = process.pid;'),
      core('a.ts', 'const x = Buffer.from([]);'),
      core('a.ts', 'setTimeout(f, 1);'),
      core('store/a.ts', 'setInterval(f, 1);'),
      core('documents/a.ts', 'const now = Date.now();'),
      core('a.ts', 'const x = crypto.randomUUID();'),
      core('a.ts', 'const x = globalThis.crypto;'),
    ],
    kept: {
      ...core(
        'a.ts',
        "// A Date is never read.\nconst said = 'Date.now()'; state.process(1); crypto.verify(x);",
      ),
      ...core('node/a.ts', 'const now = Date.now();'),
    },
  },
  {
    title: 'the pure core imports only pure packages',
    rule: ofEachFile(rules.pureCoreImportsOnlyPurePackages),
    planted: [
      core('a.ts', "import { readFileSync } from 'node:fs';"),
      core('a.ts', "import sodium from 'sodium-native';"),
      core('a.ts', "import * as A from '@automerge/automerge';"),
    ],
    kept: {
      ...core('document.ts', "import * as A from '@automerge/automerge';"),
      ...core('documents/a.ts', "import * as A from '@automerge/automerge';"),
      ...core('a.ts', "import { encode } from 'cborg';"),
    },
  },
  {
    title: 'no file is too long to fit in the head',
    rule: ofEachFile(rules.filesAreShort),
    planted: [core('a.ts', 'a;\n'.repeat(351))],
    kept: core('a.ts', 'a;\n'.repeat(350)),
  },
  {
    title: 'only config.ts of the server reads the environment',
    rule: ofEachFile(rules.onlyConfigReadsEnvironment),
    planted: [
      { 'packages/server/src/app.ts': 'const port = process.env.PORT;' },
      { 'packages/server/src/app.ts': 'const { env } = process;' },
      { 'packages/server/src/app.ts': "import { env } from 'node:process';" },
    ],
    kept: {
      'packages/server/src/config.ts': 'const port = process.env.PORT;',
      'packages/server/src/app.ts': '// never process.env\nprocess.on(x);',
    },
  },
  {
    title: 'no test is switched off',
    rule: ofEachFile(rules.noTestIsSwitchedOff),
    planted: ['skip', 'only', 'failing', 'todo'].map((word) => ({
      'test/a.test.ts': join('test', `.${word}('x');`),
    })),
    kept: { 'test/a.test.ts': "test.serial('x', run);" },
  },
  {
    title: 'nothing is left unfinished',
    rule: ofEachFile(rules.nothingIsUnfinished),
    planted: [join('// TO', 'DO: more'), join("throw new Error('not ", "implemented');")].map((text) =>
      core('a.ts', text),
    ),
    kept: core('a.ts', "const table = 'todos';"),
  },
  {
    title: 'no file names a path of one machine',
    rule: ofEachFile(rules.noMachinePaths),
    planted: ['root', 'work', 'home', 'Users'].map((top) => ({ 'README.md': join('see /', top, '/thing') })),
    kept: { 'README.md': 'see https://example.org/v1/home/ and ./root/x' },
  },
  {
    title: 'no file names a package registry',
    rule: ofEachFile(rules.noRegistryHosts),
    planted: [
      { 'package-lock.json': join('"resolved": "ht', 'tps://example.org/a.tgz"') },
      { '.npmrc': join('regis', 'try=https://example.org') },
      { 'README.md': join('https://regis', 'try.example.org/ws') },
    ],
    kept: { 'package-lock.json': '"resolved": "packages/core"' },
  },
  {
    title: 'exports are named one by one, in entry points',
    rule: ofEachFile(rules.noBarrels),
    planted: [
      core('index.ts', "export * from './a.js';"),
      core('index.ts', "export * as a from './a.js';"),
      core('all.ts', "export { a } from './a.js';\nexport type { B } from './b.js';"),
    ],
    kept: {
      ...core('index.ts', "export { a } from './a.js';"),
      ...core('a.ts', "export { b } from './b.js';\nexport const a = 1;"),
    },
  },
];

const asTree = (files: Readonly<Record<string, string>>): Tree => new Map(Object.entries(files));
const project = readTree(ROOT);

test('the project has files to look at', (t) => {
  t.true(project.has('test/tidy.test.ts'));
  t.true([...project.keys()].some((path) => path.startsWith('packages/core/src/')));
});

for (const { title, rule, planted, kept } of CHECKS) {
  test(title, (t) => {
    t.deepEqual(rule(project), []);
  });
  test(`the check sees a violation: ${title}`, (t) => {
    for (const files of planted) t.not(rule(asTree(files)).length, 0, JSON.stringify(files));
    t.deepEqual(rule(asTree(kept)), []);
  });
}
