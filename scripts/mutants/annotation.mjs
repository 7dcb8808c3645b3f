// Bugs of the fold of annotations: nodes that know the same would read otherwise, or a word would count that must not.

const FOLD = ['annotation', 'annotation-order', 'annotation-plan', 'claims'];
/** The slow reference disagrees. */
const REFERENCE = /slow reference|falls with a cut/;

function claims(name, find, replace, red) {
  return { name: `annotation: ${name}`, file: 'claims.js', find, replace, tests: FOLD, red };
}

function inFile(file, name, find, replace, red, tests = FOLD) {
  return { name: `annotation: ${name}`, file, find, replace, tests, red };
}

export const ANNOTATION_MUTANTS = [
  claims(
    'an ordinary change closes what people have to decide',
    "const settles = !isDisputed || claim.kind === 'resolve' || this.#settle(candidates) !== undefined;",
    'const settles = true;',
    new RegExp(`${REFERENCE.source}|a node whose policy is another|decision of a revoked`),
  ),
  claims(
    'a later word of the same origin does not replace its earlier one',
    'const replaced = new Set(own);',
    'const replaced = new Set();',
    /./,
  ),
  claims(
    'one more body takes back what its origin decided',
    "claim.kind === 'body' ? undefined : before?.word",
    'before?.word',
    REFERENCE,
  ),
  claims(
    'what its author had seen settled counts as disputed again',
    'return !seen.some((one) => (beaters?.get(one.origin) ?? Infinity) <= this.#numberOf(one));',
    'return true;',
    new RegExp(`${REFERENCE.source}|manual: |decision`),
  ),
  claims(
    'T10: a stamp ahead of the clock counts',
    'ordered.filter((claim) => claim.stamp.ms <= rule.horizonMs)',
    'ordered',
    new RegExp(`${REFERENCE.source}|T10`),
  ),
  claims(
    'ties are broken by the order of arrival',
    'compareTexts(a.origin, b.origin) ||',
    '',
    new RegExp(REFERENCE.source),
  ),
  claims(
    'who is not named comes before who is',
    'rule.rankOf(claim.origin) <= rule.rankOf(best.origin)',
    'rule.rankOf(claim.origin) >= rule.rankOf(best.origin)',
    new RegExp(`${REFERENCE.source}|priority|identity: of several`),
  ),
  claims(
    'what others have replaced already is not carried on',
    'latest.set(claim.origin, claim);',
    '{}',
    /stays replaced/,
  ),
  inFile(
    'annotation.js',
    'taking away wins over adding',
    'judgement.standing.some(({ value }) => value === ADDED)',
    'judgement.standing.every(({ value }) => value === ADDED)',
    new RegExp(`${REFERENCE.source}|tags: adding wins`),
  ),
  inFile(
    'annotation.js',
    'a chosen body that is not here leaves nothing to show',
    'due.findLast(isMeant) ?? judgeField',
    'due.find(() => true) ?? judgeField',
    new RegExp(`${REFERENCE.source}|identity: `),
  ),
  inFile(
    'annotation-plan.js',
    'an open conflict is changed without a decision',
    'if (planned.open.length > 0)',
    'if (false)',
    new RegExp(`manual: `),
  ),
  inFile(
    'annotation-plan.js',
    'a decision is made twice',
    "dispute.settled?.by === 'claim'",
    'false',
    /one candidate is chosen/,
  ),
  inFile(
    'annotation-plan.js',
    'a candidate that is none is chosen',
    "if ('choose' in decision && chosen === undefined)",
    'if (false)',
    /only a candidate can be chosen/,
  ),
  inFile(
    'annotation-plan.js',
    'what every node refuses is said',
    'return opened.ok ?',
    'return true ?',
    /what cannot be annotated/,
  ),
  inFile(
    'assertion.js',
    'a value has many forms',
    'if (canonicalJson(parsed.value) !== value)',
    'if (false)',
    /a value has one form/,
    ['assertion'],
  ),
  inFile(
    'assertion.js',
    'a value of another type is taken',
    'return registerFault(field, parsed.value);',
    'return undefined;',
    /a value has one form|with a member too many/,
    ['assertion'],
  ),
  inFile(
    'assertion.js',
    'what is superseded is named twice',
    'if (before !== undefined && compareRefs(before, ref) >= 0)',
    'if (false)',
    /named in order and once/,
    ['assertion'],
  ),
];
