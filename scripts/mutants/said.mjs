// Bugs of annotations in the store and the node: what was said is lost, found twice, or decided over people's heads.

function inFile(file, name, find, replace, tests, red) {
  return { name: `said: ${name}`, file, find, replace, tests, red };
}

const STORE = ['store-annotations'];

export const SAID_MUTANTS = [
  inFile(
    'store/assertion-index.js',
    'the first word behind a bar counts',
    'if (seq >= bar)',
    'if (seq > bar)',
    STORE,
    /^(a bar takes what lies behind it|however many fields)/,
  ),
  inFile(
    'store/assertion-index.js',
    'one feed may speak of any number of fields',
    'if (taken.fields >= LIMITS.assertedFields)',
    'if (false)',
    STORE,
    /^however many fields/,
  ),
  inFile(
    'store/assertion-index.js',
    'every word of a feed on one field is looked at',
    'if (taken.ofField >= most)',
    'if (false)',
    STORE,
    /^of one feed about one field/,
  ),
  inFile(
    'store/assertion-index.js',
    'bodies of two nodes under one id are no conflict',
    'addRival(tenant, span) {',
    'addRival(tenant, span) { return;',
    ['store-annotations', 'conflicts'],
    /^(bodies of two origins|two nodes that bring)/,
  ),
  inFile(
    'shell/say-plan.js',
    'a commit says two things of one span, neither knowing of the other',
    'if (this.#spans.has(key))',
    'if (false)',
    ['annotate'],
    /^many at once/,
  ),
  inFile(
    'shell/annotator.js',
    'what changed since it was read is written over',
    'ifVersion !== version',
    'false',
    ['annotate'],
    /^whoever has read another version/,
  ),
  inFile(
    'shell/settling.js',
    'whoever is not the primary says how conflicts are settled',
    'if (primary === undefined || keeper.graph.isOurs(primary))',
    'if (true)',
    ['settling'],
    /^what the primary says/,
  ),
  inFile(
    'shell/conflict-rules.js',
    'what a node was configured with counts beside its primary',
    "hasPrimary ? 'timestamp'",
    "hasPrimary && false ? 'timestamp'",
    ['settling'],
    /^what the primary says/,
  ),
  inFile(
    'shell/conflict-judge.js',
    'what was found before the clock was set back holds on',
    'verdict.sinceMs <= nowMs && ',
    '',
    ['settling'],
    /^where the clock is set back/,
  ),
  inFile(
    'cuts.js',
    'annotations of a revoked key are cut where its timeline is',
    'const part = partOfScope(feed.scope);',
    "const part = partOfScope(feed.scope) === 'n' ? 't' : partOfScope(feed.scope);",
    ['access'],
    /^a cut names timeline and annotations/,
  ),
];
